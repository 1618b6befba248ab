#include "vivim/libp2p/pnet/key.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::pnet;

namespace {

constexpr std::string_view k_hex =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

Result<PreSharedKey> parse(const std::string& text) {
  return PreSharedKey::parse(as_bytes(text));
}

const std::string k_head = "/key/swarm/psk/1.0.0/\n";

}  // namespace

TEST_CASE("key: the three encodings of a key file") {
  std::string bin;
  for (char c = 0; c < 32; ++c) {
    bin.push_back(c);
  }
  const std::string files[] = {
      k_head + "/base16/\n" + std::string(k_hex) + "\n",
      k_head + "/base16/\n" + std::string(k_hex),
      k_head + "/base64/\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
      k_head + "/base64/\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
      k_head + "/bin/\n" + bin,
      "/key/swarm/psk/1.0.0/\r\n/base16/\r\n" + std::string(k_hex) + "\r\n",
      k_head + "/base16/\n000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F\n",
  };
  for (const auto& file : files) {
    CAPTURE(file);
    const auto key = parse(file);
    REQUIRE(key);
    CHECK(to_hex(key->secret().view()) == k_hex);
    CHECK(as_text(key->to_file().view()) == files[0]);
  }
}

TEST_CASE("key: files that are none") {
  const auto line = [](const std::string& text) {
    const auto key = parse(text);
    REQUIRE_FALSE(key);
    CHECK(key.error().is(PnetError::bad_key_file));
    return key.error().detail();
  };
  const std::string hex(k_hex);
  CHECK(line("") == 1);
  CHECK(line("/key/swarm/psk/2.0.0/\n/base16/\n" + hex) == 1);
  CHECK(line(k_head) == 2);
  CHECK(line(k_head + "/base32/\n" + hex) == 2);
  CHECK(line(k_head + "/base16/\n") == 3);
  CHECK(line(k_head + "/base16/\n" + hex.substr(1)) == 3);
  CHECK(line(k_head + "/base16/\n" + hex + "00") == 3);
  CHECK(line(k_head + "/base16/\ng" + hex.substr(1)) == 3);
  CHECK(line(k_head + "/base64/\n" + hex) == 3);
  CHECK(line(k_head + "/base64/\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=") == 3);
  CHECK(line(k_head + "/bin/\n" + hex) == 3);
  CHECK(line(k_head + "/base16/\n" + hex + std::string(k_key_file_bytes_max, '\n')) == 1);
}

TEST_CASE("key: its fingerprint tells keys apart, and not the key") {
  const auto key = parse(k_head + "/base16/\n" + std::string(k_hex));
  REQUIRE(key);
  const auto other = PreSharedKey::generate(crypto::os_random);
  CHECK(key->fingerprint().size() == 32);
  CHECK(key->fingerprint() == key->clone().fingerprint());
  CHECK(key->fingerprint() != other.fingerprint());
  CHECK(k_hex.find(key->fingerprint()) == std::string_view::npos);
}
