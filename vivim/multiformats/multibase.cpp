#include "vivim/multiformats/multibase.hpp"

#include <algorithm>
#include <array>

#include "vivim/base/assert.hpp"

namespace vivim::multiformats {
namespace {

constexpr std::uint8_t k_invalid = 0xff;
using DecodeTable = std::array<std::uint8_t, 256>;

constexpr DecodeTable make_table(std::string_view alphabet) {
  DecodeTable table{};
  table.fill(k_invalid);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}

constexpr std::string_view k_alphabet16 = "0123456789abcdef";
constexpr std::string_view k_alphabet32 = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view k_alphabet58 =
    "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view k_alphabet64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr DecodeTable k_table16 = make_table(k_alphabet16);
constexpr DecodeTable k_table32 = make_table(k_alphabet32);
constexpr DecodeTable k_table58 = make_table(k_alphabet58);
constexpr DecodeTable k_table64 = make_table(k_alphabet64);

/// 256 bytes are at most 350 base58 digits: log(256) / log(58) is below 1.3658.
constexpr std::size_t k_base58_text_max = k_base58_bytes_max * 1366 / 1000 + 1;

std::string encode_bits(BytesView bytes, std::string_view alphabet, unsigned bits_per_digit) {
  std::string out((bytes.size() * 8 + bits_per_digit - 1) / bits_per_digit, '\0');
  char* at = out.data();
  const std::uint32_t mask = (1U << bits_per_digit) - 1;
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (const std::uint8_t byte : bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= bits_per_digit;) {
      bits -= bits_per_digit;
      *at++ = alphabet[(buffer >> bits) & mask];
    }
  }
  if (bits > 0) {
    *at = alphabet[(buffer << (bits_per_digit - bits)) & mask];
  }
  return out;
}

Result<Bytes> decode_bits(std::string_view text, const DecodeTable& table,
                          unsigned bits_per_digit) {
  Bytes out;
  out.reserve(text.size() * bits_per_digit / 8);
  std::uint32_t buffer = 0;
  unsigned bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t digit = table[static_cast<unsigned char>(text[i])];
    if (digit == k_invalid) {
      return fail(MultiformatsError::bad_character, i);
    }
    buffer = (buffer << bits_per_digit) | digit;
    bits += bits_per_digit;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<std::uint8_t>(buffer >> bits));
    }
  }
  if (bits >= bits_per_digit || (buffer & ((1U << bits) - 1)) != 0) {
    return fail(MultiformatsError::not_canonical);
  }
  return out;
}

std::string encode58(BytesView bytes) {
  VIVIM_ASSERT(bytes.size() <= k_base58_bytes_max);
  const auto first = std::ranges::find_if(bytes, [](std::uint8_t byte) { return byte != 0; });
  const auto zeros = static_cast<std::size_t>(first - bytes.begin());
  Bytes digits;  // least significant first
  for (const std::uint8_t byte : bytes.subspan(zeros)) {
    unsigned carry = byte;
    for (auto& digit : digits) {
      carry += digit * 256U;
      digit = static_cast<std::uint8_t>(carry % 58);
      carry /= 58;
    }
    for (; carry > 0; carry /= 58) {
      digits.push_back(static_cast<std::uint8_t>(carry % 58));
    }
  }
  std::string out(zeros, k_alphabet58[0]);
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
    out.push_back(k_alphabet58[*digit]);
  }
  return out;
}

Result<Bytes> decode58(std::string_view text) {
  if (text.size() > k_base58_text_max) {
    return fail(MultiformatsError::too_long, text.size());
  }
  const std::size_t zeros = std::min(text.find_first_not_of(k_alphabet58[0]), text.size());
  Bytes bytes;  // least significant first
  for (std::size_t i = zeros; i < text.size(); ++i) {
    unsigned carry = k_table58[static_cast<unsigned char>(text[i])];
    if (carry == k_invalid) {
      return fail(MultiformatsError::bad_character, i);
    }
    for (auto& byte : bytes) {
      carry += byte * 58U;
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry > 0) {
      bytes.push_back(static_cast<std::uint8_t>(carry));
    }
  }
  if (zeros + bytes.size() > k_base58_bytes_max) {
    return fail(MultiformatsError::too_long, zeros + bytes.size());
  }
  bytes.insert(bytes.end(), zeros, 0);
  std::ranges::reverse(bytes);
  return bytes;
}

}  // namespace

std::string encode(Base base, BytesView bytes) {
  switch (base) {
    case Base::base16:
      return encode_bits(bytes, k_alphabet16, 4);
    case Base::base32:
      return encode_bits(bytes, k_alphabet32, 5);
    case Base::base58btc:
      return encode58(bytes);
    case Base::base64url:
      return encode_bits(bytes, k_alphabet64, 6);
  }
  return {};
}

Result<Bytes> decode(Base base, std::string_view text) {
  if (text.size() > k_multibase_text_max) {
    return fail(MultiformatsError::too_long, text.size());
  }
  switch (base) {
    case Base::base16:
      return decode_bits(text, k_table16, 4);
    case Base::base32:
      return decode_bits(text, k_table32, 5);
    case Base::base58btc:
      return decode58(text);
    case Base::base64url:
      return decode_bits(text, k_table64, 6);
  }
  return fail(MultiformatsError::unknown_base, static_cast<std::uint8_t>(base));
}

std::string encode_multibase(Base base, BytesView bytes) {
  return static_cast<char>(base) + encode(base, bytes);
}

Result<Bytes> decode_multibase(std::string_view text) {
  if (text.empty()) {
    return fail(MultiformatsError::empty);
  }
  return decode(static_cast<Base>(text.front()), text.substr(1));
}

}  // namespace vivim::multiformats
