#include "vivim/multiformats/multibase.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::multiformats;

TEST_CASE("multibase: vectors of multiformats/multibase and RFC 4648") {
  struct Vector {
    std::string_view content, text;
  };
  const Vector vectors[] = {
      {"yes mani !", "f796573206d616e692021"},
      {"yes mani !", "bpfsxgidnmfxgsibb"},
      {"yes mani !", "z7paNL19xttacUY"},
      {"yes mani !", "ueWVzIG1hbmkgIQ"},
      {"", "f"},
      {"", "b"},
      {"", "z"},
      {"", "u"},
      {"f", "bmy"},
      {"fo", "bmzxq"},
      {"foo", "bmzxw6"},
      {"foob", "bmzxw6yq"},
      {"fooba", "bmzxw6ytb"},
      {"foobar", "bmzxw6ytboi"},
      {"f", "uZg"},
      {"fo", "uZm8"},
      {"Hello World!", "z2NEpo7TZRRrLZSi2U"},
      {"The quick brown fox jumps over the lazy dog.",
       "zUSm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
  };
  for (const auto& [content, text] : vectors) {
    CHECK(encode_multibase(static_cast<Base>(text.front()), as_bytes(content)) == text);
    const auto decoded = decode_multibase(text);
    REQUIRE(decoded);
    CHECK(*decoded == to_bytes(content));
  }
}

TEST_CASE("multibase: leading zeros and every length survive every base") {
  for (const Base base : {Base::base16, Base::base32, Base::base58btc, Base::base64url}) {
    for (std::size_t zeros = 0; zeros < 4; ++zeros) {
      for (std::size_t size = 0; size < 40; ++size) {
        Bytes bytes(zeros, 0);
        for (std::size_t i = 0; i < size; ++i) {
          bytes.push_back(static_cast<std::uint8_t>(255 - 7 * i));
        }
        CHECK(decode(base, encode(base, bytes)) == bytes);
      }
    }
  }
  CHECK(encode(Base::base58btc, Bytes{0, 0, 0x28, 0x7f, 0xb4, 0xcd}) == "11233QC4");
}

TEST_CASE("multibase: errors") {
  const auto error = [](std::string_view text) { return decode_multibase(text).error(); };
  CHECK(error("").is(MultiformatsError::empty));
  CHECK(error("m12").is(MultiformatsError::unknown_base));
  CHECK(error("fzz").is(MultiformatsError::bad_character));
  CHECK(error("fAA").is(MultiformatsError::bad_character));
  CHECK(error("z0").is(MultiformatsError::bad_character));
  CHECK(error("zIl").detail() == 0);
  CHECK(error("uZg==").is(MultiformatsError::bad_character));
  CHECK(error("f1").is(MultiformatsError::not_canonical));   // half a byte
  CHECK(error("bm").is(MultiformatsError::not_canonical));   // five bits
  CHECK(error("uZh").is(MultiformatsError::not_canonical));  // unused bits set
  CHECK(error("bmz").is(MultiformatsError::not_canonical));
}

TEST_CASE("multibase: limits") {
  const Bytes most(k_base58_bytes_max, 0xff);
  CHECK(decode(Base::base58btc, encode(Base::base58btc, most)) == most);
  CHECK(decode(Base::base58btc, std::string(k_base58_bytes_max + 1, '1'))
            .error()
            .is(MultiformatsError::too_long));
  CHECK(decode(Base::base58btc, std::string(400, 'z')).error().is(MultiformatsError::too_long));
  CHECK(decode(Base::base16, std::string(k_multibase_text_max, 'a')));
  CHECK(decode(Base::base16, std::string(k_multibase_text_max + 2, 'a'))
            .error()
            .is(MultiformatsError::too_long));
}
