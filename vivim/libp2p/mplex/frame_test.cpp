#include "vivim/libp2p/mplex/frame.hpp"

#include <array>

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::mplex;

namespace {

Bytes encoded(const Header& header) {
  Bytes out(k_header_bytes_max);
  out.resize(encode_header(out, header));
  return out;
}

}  // namespace

TEST_CASE("frame: headers as the specification writes them") {
  CHECK(encoded({.stream = 0, .flag = Flag::new_stream, .length = 0}) == Bytes{0x00, 0x00});
  CHECK(encoded({.stream = 1, .flag = Flag::message_initiator, .length = 5}) == Bytes{0x0a, 0x05});
  CHECK(encoded({.stream = 17, .flag = Flag::reset_receiver, .length = 0}) ==
        Bytes{0x8d, 0x01, 0x00});
  CHECK(encoded({.stream = 2, .flag = Flag::close_initiator, .length = 0}) == Bytes{0x14, 0x00});
}

TEST_CASE("frame: every header reads as it was written, and waits when it is cut") {
  for (const std::uint64_t stream : {std::uint64_t{0}, std::uint64_t{15}, std::uint64_t{16},
                                     std::uint64_t{1} << 40, k_stream_number_max}) {
    for (std::uint8_t flag = 0; flag <= 6; ++flag) {
      for (const std::uint32_t length : {0U, 127U, 128U, 1024U * 1024U}) {
        const Header header{.stream = stream, .flag = static_cast<Flag>(flag), .length = length};
        const Bytes bytes = encoded(header);
        CHECK(bytes.size() <= k_header_bytes_max);
        const auto decoded = decode_header(bytes);
        REQUIRE(decoded);
        CHECK(decoded->size == bytes.size());
        CHECK(decoded->header.stream == stream);
        CHECK(decoded->header.flag == header.flag);
        CHECK(decoded->header.length == length);
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
          const auto partial = decode_header(BytesView(bytes).first(cut));
          REQUIRE(partial);
          CHECK(partial->size == 0);
        }
      }
    }
  }
}

TEST_CASE("frame: headers that are none") {
  const auto error = [](Bytes bytes) { return decode_header(bytes).error(); };
  CHECK(error({0x07, 0x00}).is(MplexError::bad_flag));
  CHECK(error(Bytes(10, 0xff)).is(MplexError::bad_header));
  CHECK(error({0x80, 0x00}).is(MplexError::bad_header));  // not minimal
  Bytes long_length{0x02};
  long_length.resize(12, 0xff);
  CHECK(error(long_length).is(MplexError::bad_header));
  CHECK(error({0x02, 0x81, 0x80, 0x40}).is(MplexError::message_too_long));  // 1 MiB and a byte
}
