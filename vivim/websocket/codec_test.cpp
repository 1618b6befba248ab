#include <doctest/doctest.h>

#include "vivim/base/utf8.hpp"
#include "vivim/websocket/error.hpp"
#include "vivim/websocket/mask_test_detail.hpp"
#include "vivim/websocket/message_decoder.hpp"

namespace vivim::websocket {

namespace {

using test::k_mask;

Bytes masked(Opcode opcode, std::string_view payload) {
  return encode_frame(opcode, as_bytes(payload), k_mask);
}

/// One event of one input, or the error.
Result<std::vector<MessageEvent>> decode(const Bytes& in, std::size_t step,
                                         std::size_t message_bytes_max = 1 << 20) {
  MessageDecoder decoder(Masking::required, message_bytes_max);
  std::vector<MessageEvent> events;
  for (std::size_t at = 0; at < in.size(); at += step) {
    VIVIM_TRYV(decoder.feed(BytesView(in).subspan(at, std::min(step, in.size() - at))));
    while (auto event = decoder.poll()) {
      events.push_back(std::move(*event));
    }
  }
  return events;
}

bool refused(const Bytes& in, WebSocketError code) {
  const auto events = decode(in, in.size());
  return !events && events.error().is(code);
}

}  // namespace

TEST_CASE("websocket codec: the examples of RFC 6455 section 5.7") {
  CHECK(encode_frame(Opcode::text, as_bytes("Hello")) ==
        Bytes{0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f});
  const Bytes hello{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58};
  CHECK(masked(Opcode::text, "Hello") == hello);
  const auto events = decode(hello, 1);
  REQUIRE(events);
  REQUIRE(events->size() == 1);
  CHECK(events->front().opcode == Opcode::text);
  CHECK(as_text(events->front().data) == "Hello");
}

TEST_CASE("websocket codec: all length forms, in pieces") {
  for (const std::size_t size : {0u, 1u, 125u, 126u, 127u, 65535u, 65536u, 70000u}) {
    const std::string payload(size, 'x');
    for (const std::size_t step : {1u, 7u, 1u << 20}) {
      const auto events = decode(masked(Opcode::binary, payload), step);
      REQUIRE(events);
      REQUIRE(events->size() == 1);
      CHECK(as_text(events->front().data) == payload);
    }
  }
}

TEST_CASE("websocket codec: fragments are joined, control frames pass between them") {
  Bytes in = masked(Opcode::text, "Hel");
  in[0] &= 0x7f;
  append(in, masked(Opcode::ping, "p"));
  Bytes middle = masked(Opcode::continuation, "l");
  middle[0] &= 0x7f;
  append(in, middle);
  append(in, masked(Opcode::continuation, "o"));
  for (std::size_t step = 1; step < in.size(); ++step) {
    const auto events = decode(in, step);
    REQUIRE(events);
    REQUIRE(events->size() == 2);
    CHECK((*events)[0].opcode == Opcode::ping);
    CHECK(as_text((*events)[0].data) == "p");
    CHECK((*events)[1].opcode == Opcode::text);
    CHECK(as_text((*events)[1].data) == "Hello");
  }
}

TEST_CASE("websocket codec: malformed frames") {
  CHECK(refused(encode_frame(Opcode::text, as_bytes("x")), WebSocketError::bad_frame));
  Bytes reserved = masked(Opcode::text, "x");
  reserved[0] |= 0x40;
  CHECK(refused(reserved, WebSocketError::bad_frame));
  Bytes unknown = masked(Opcode::text, "x");
  unknown[0] = 0x83;
  CHECK(refused(unknown, WebSocketError::bad_frame));
  Bytes fragmented_ping = masked(Opcode::ping, "x");
  fragmented_ping[0] &= 0x7f;
  CHECK(refused(fragmented_ping, WebSocketError::bad_frame));
  CHECK(refused(masked(Opcode::ping, std::string(126, 'x')), WebSocketError::bad_frame));
  CHECK(refused(masked(Opcode::continuation, "x"), WebSocketError::bad_frame));
  Bytes interleaved = masked(Opcode::text, "x");
  interleaved[0] &= 0x7f;
  append(interleaved, masked(Opcode::text, "y"));
  CHECK(refused(interleaved, WebSocketError::bad_frame));
  CHECK(refused(masked(Opcode::close, "\x03"), WebSocketError::bad_frame));
  CHECK(refused(masked(Opcode::close, "\x03\xed"), WebSocketError::bad_frame));  // 1005
  CHECK(refused(masked(Opcode::text, "\xc3"), WebSocketError::bad_text));
  CHECK(refused(masked(Opcode::close, "\x03\xe8\xff"), WebSocketError::bad_text));
}

TEST_CASE("websocket codec: message limit, whole and in fragments, before the bytes come") {
  const auto whole = decode(masked(Opcode::binary, std::string(101, 'x')), 1000, 100);
  REQUIRE_FALSE(whole);
  CHECK(whole.error().is(WebSocketError::message_too_large));
  Bytes announced = masked(Opcode::binary, std::string(70000, 'x'));
  announced.resize(14);
  const auto early = decode(announced, 14, 100);
  REQUIRE_FALSE(early);
  CHECK(early.error().is(WebSocketError::message_too_large));
  Bytes in = masked(Opcode::binary, std::string(60, 'x'));
  in[0] &= 0x7f;
  append(in, masked(Opcode::continuation, std::string(60, 'x')));
  const auto pieces = decode(in, 1000, 100);
  REQUIRE_FALSE(pieces);
  CHECK(pieces.error().is(WebSocketError::message_too_large));
  CHECK(decode(masked(Opcode::binary, std::string(100, 'x')), 1000, 100));
}

TEST_CASE("websocket codec: close frames") {
  const auto with_code = decode(
      encode_frame(Opcode::close, encode_close_payload(4404, "no such document"), k_mask), 3);
  REQUIRE(with_code);
  CHECK(with_code->front().close_code == 4404);
  CHECK(as_text(with_code->front().data) == "no such document");
  CHECK(decode(masked(Opcode::close, ""), 3)->front().close_code == 1005);
  const Bytes cut = encode_close_payload(1000, std::string(122, 'x') + "\xc3\xa4");
  CHECK(cut.size() == 2 + 122);
  CHECK(is_utf8(as_text(cut).substr(2)));
}

}  // namespace vivim::websocket
