#include "vivim/websocket/frame.hpp"

#include <doctest/doctest.h>

#include "vivim/websocket/mask_test_detail.hpp"

using namespace vivim;
using namespace vivim::websocket;
using vivim::websocket::test::k_mask;

namespace {

Bytes counting(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  }
  return bytes;
}

}  // namespace

TEST_CASE("mask: wide words give what single bytes do, at every position, in place and not") {
  for (std::size_t size = 0; size < 300; ++size) {
    for (std::uint64_t position = 0; position < 5; ++position) {
      const Bytes in = counting(size);
      Bytes expected(size);
      for (std::size_t i = 0; i < size; ++i) {
        expected[i] = in[i] ^ k_mask[(position + i) % 4];
      }
      Bytes out(size + 3);
      copy_masked(out, in, k_mask, position);
      out.resize(size);
      CHECK(out == expected);
      Bytes in_place = in;
      copy_masked(in_place, in_place, k_mask, position);
      CHECK(in_place == expected);
    }
  }
}

TEST_CASE("frame: pieces of a message without a copy, whatever their sizes") {
  const Bytes payload = counting(70000);
  for (const bool masked : {true, false}) {
    const Bytes frame =
        encode_frame(Opcode::binary, payload, masked ? std::optional(k_mask) : std::nullopt);
    for (const std::size_t step : {1u, 5u, 1000u, 65536u, 100000u}) {
      FrameReader reader(masked ? Masking::required : Masking::forbidden, {});
      Bytes out;
      bool last = false;
      for (std::size_t at = 0; at < frame.size(); at += step) {
        BytesView in = BytesView(frame).subspan(at, std::min(step, frame.size() - at));
        while (true) {
          const auto piece = reader.next(in);
          REQUIRE(piece);
          if (!*piece) {
            break;
          }
          const std::size_t start = out.size();
          out.resize(start + (*piece)->data.size());
          (*piece)->copy_to(MutableBytes(out).subspan(start));
          last = (*piece)->last;
        }
      }
      CHECK(out == payload);
      CHECK(last);
    }
  }
}

TEST_CASE("frame: payloads move to the front of the buffer that they came in") {
  for (const auto mask : {std::optional(k_mask), std::optional<Mask>()}) {
    Bytes buffer;
    Bytes expected;
    for (const std::size_t size : {10u, 200u, 3u, 70000u, 0u, 500u}) {
      append_frame(buffer, Opcode::binary, counting(size), mask);
      append(expected, counting(size));
    }
    FrameReader reader(mask ? Masking::required : Masking::forbidden, {});
    BytesView in(buffer);
    std::size_t out = 0;
    for (auto piece = reader.next(in); *piece; piece = reader.next(in)) {
      (*piece)->copy_to(MutableBytes(buffer).subspan(out));
      out += (*piece)->data.size();
    }
    buffer.resize(out);
    CHECK(buffer == expected);
    CHECK(reader.frame_bytes_left() == 0);
  }
}

TEST_CASE("frame: limits on a frame, before its payload comes") {
  const Bytes frame = encode_frame(Opcode::binary, Bytes(101), k_mask);
  FrameReader reader(Masking::required, {.frame_bytes_max = 100});
  BytesView in = BytesView(frame).first(8);
  CHECK(reader.next(in).error().is(WebSocketError::message_too_large));
}
