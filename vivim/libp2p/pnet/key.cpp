#include "vivim/libp2p/pnet/key.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "vivim/crypto/hash.hpp"

namespace vivim::libp2p::pnet {

namespace {

constexpr std::string_view k_version = "/key/swarm/psk/1.0.0/";
constexpr std::string_view k_base16 = "/base16/";
constexpr std::string_view k_base64 = "/base64/";
constexpr std::string_view k_bin = "/bin/";

/// Takes a line from the front of `text`, without its end; nothing if there is no end.
std::optional<std::string_view> take_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  auto line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

std::string_view without_white_space(std::string_view text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end + 1);
}

/// The value of a digit of base16, either case, or of base64; -1 for others.
int digit16(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int digit64(char c) {
  constexpr std::string_view k_digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = k_digits.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// Reads digits of `bits` each into exactly `out`; false for anything else, also for bits that are
/// left over and not 0.
bool read_digits(std::string_view text, unsigned bits, int (*digit)(char), MutableBytes out) {
  if (text.size() != (out.size() * 8 + bits - 1) / bits) {
    return false;
  }
  std::uint32_t held = 0;
  unsigned held_bits = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const int value = digit(c);
    if (value < 0) {
      return false;
    }
    held = held << bits | static_cast<std::uint32_t>(value);
    held_bits += bits;
    if (held_bits >= 8) {
      held_bits -= 8;
      out[at++] = static_cast<std::uint8_t>(held >> held_bits);
      held &= (1U << held_bits) - 1;
    }
  }
  return held == 0;
}

bool read_key(std::string_view encoding, std::string_view text, MutableBytes out) {
  if (encoding == k_bin) {
    if (text.size() != out.size()) {
      return false;
    }
    std::ranges::copy(as_bytes(text), out.begin());
    return true;
  }
  text = without_white_space(text);
  if (encoding == k_base16) {
    return read_digits(text, 4, digit16, out);
  }
  if (encoding == k_base64) {
    if (text.ends_with('=')) {
      text.remove_suffix(1);
    }
    return read_digits(text, 6, digit64, out);
  }
  return false;
}

}  // namespace

PreSharedKey PreSharedKey::generate(const crypto::RandomSource& random) {
  return PreSharedKey(crypto::random_secret<crypto::k_xsalsa20_key_bytes>(random));
}

Result<PreSharedKey> PreSharedKey::parse(BytesView file) {
  if (file.size() > k_key_file_bytes_max) {
    return fail(PnetError::bad_key_file, 1);
  }
  std::string_view text = as_text(file);
  if (take_line(text) != k_version) {
    return fail(PnetError::bad_key_file, 1);
  }
  const auto encoding = take_line(text);
  if (encoding != k_base16 && encoding != k_base64 && encoding != k_bin) {
    return fail(PnetError::bad_key_file, 2);
  }
  crypto::XSalsa20Key key;
  if (!read_key(*encoding, text, key.writable())) {
    return fail(PnetError::bad_key_file, 3);
  }
  return PreSharedKey(std::move(key));
}

crypto::SecretBytes PreSharedKey::to_file() const {
  constexpr std::string_view k_digits = "0123456789abcdef";
  const std::string head = std::string(k_version) + "\n" + std::string(k_base16) + "\n";
  crypto::SecretBytes out(head.size() + 2 * key_.view().size() + 1);
  auto at = std::ranges::copy(as_bytes(head), out.writable().begin()).out;
  for (const std::uint8_t byte : key_.view()) {
    *at++ = static_cast<std::uint8_t>(k_digits[byte >> 4]);
    *at++ = static_cast<std::uint8_t>(k_digits[byte & 15]);
  }
  *at = '\n';
  return out;
}

// The key goes through Salsa20 before it is hashed, so that no hash of the key itself is shown.
std::string PreSharedKey::fingerprint() const {
  constexpr std::array<std::uint8_t, 8> k_nonce{'f', 'i', 'n', 'p', 'r', 'i', 'n', 't'};
  crypto::Secret<64> stream;
  crypto::salsa20_keystream(key_, k_nonce, stream.writable());
  std::array<std::uint8_t, 16> out{};
  crypto::shake128(stream.view(), out);
  return to_hex(out);
}

}  // namespace vivim::libp2p::pnet
