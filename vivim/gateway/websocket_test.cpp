#include "vivim/gateway/server_test_detail.hpp"

namespace vivim::gateway::test {

namespace {

std::unique_ptr<Client> upgraded(Fixture& f) {
  auto client = f.connect();
  const auto reply = f.world.run(client->upgrade("/ws"));
  REQUIRE(reply);
  CHECK(reply->status == 101);
  CHECK(reply->headers.get("Upgrade") == "websocket");
  CHECK(reply->headers.get("Connection") == "Upgrade");
  CHECK(reply->headers.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  return client;
}

MessageEvent next(Fixture& f, Client& client) {
  auto event = f.world.run(client.receive_frame());
  REQUIRE(event);
  return std::move(*event);
}

}  // namespace

TEST_CASE("websocket: echo, text and binary, small and large; ping and the closing handshake") {
  Fixture f;
  const auto client = upgraded(f);
  REQUIRE(f.world.run(client->send_frame(Opcode::text, "hello")));
  const auto text = next(f, *client);
  CHECK(text.opcode == Opcode::text);
  CHECK(as_text(text.data) == "hello");
  REQUIRE(f.world.run(client->send_frame(Opcode::ping, "p")));
  CHECK(next(f, *client).opcode == Opcode::pong);
  const std::string large(200'000, 'l');
  REQUIRE(f.world.run(client->send_frame(Opcode::binary, large)));
  const auto binary = next(f, *client);
  CHECK(binary.opcode == Opcode::binary);
  CHECK(as_text(binary.data) == large);
  Bytes close = encode_close_payload(1000, "done");
  REQUIRE(f.world.run(client->send_frame(Opcode::close, std::string(as_text(close)))));
  CHECK(next(f, *client).close_code == 1000);
  CHECK(f.world.run(client->rest()) == "");
  CHECK(f.handler.last_error->is(GatewayError::ws_closed));
  CHECK(f.handler.last_error->detail() == 1000);
}

TEST_CASE("websocket: frames that came with the upgrade request are not lost") {
  Fixture f;
  const auto client = f.connect();
  constexpr std::array<std::uint8_t, 4> k_mask{9, 8, 7, 6};
  const Bytes frame = encode_frame(Opcode::text, as_bytes("early"), k_mask);
  std::string request =
      "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  request += as_text(frame);
  CHECK(f.ask(*client, request)->status == 101);
  CHECK(as_text(next(f, *client).data) == "early");
}

TEST_CASE("websocket: the session closes with its own code") {
  Fixture f;
  const auto client = upgraded(f);
  REQUIRE(f.world.run(client->send_frame(Opcode::text, "bye")));
  const auto closed = next(f, *client);
  CHECK(closed.close_code == 4404);
  CHECK(as_text(closed.data) == "no such document");
  // A client that never answers the close is ended.
  f.world.run_for(5s);
  CHECK(f.server.stats().connections == 0);
}

TEST_CASE("websocket: what breaks the protocol is told so") {
  Fixture f({.ws_message_bytes_max = 1000});
  const auto unmasked = upgraded(f);
  REQUIRE(f.world.run(unmasked->send(std::string("\x81\x01x"))));
  CHECK(next(f, *unmasked).close_code == 1002);
  const auto bad_text = upgraded(f);
  REQUIRE(f.world.run(bad_text->send_frame(Opcode::text, "\xff")));
  CHECK(next(f, *bad_text).close_code == 1007);
  const auto large = upgraded(f);
  REQUIRE(f.world.run(large->send_frame(Opcode::binary, std::string(1001, 'x'))));
  CHECK(next(f, *large).close_code == 1009);
  f.world.run_for(5s);
  CHECK(f.server.stats().connections == 0);
}

TEST_CASE("websocket: a reader that is too slow is closed, and its queue dropped") {
  Fixture f({.ws_queue_messages_max = 100});
  const auto by_count = upgraded(f);
  REQUIRE(f.world.run(by_count->send_frame(Opcode::text, "flood")));
  auto event = next(f, *by_count);
  while (event.opcode != Opcode::close) {
    event = next(f, *by_count);
  }
  CHECK(event.close_code == 1013);
  CHECK(f.handler.flooded == 100);

  Fixture g({.ws_queue_bytes_max = 50'000});
  const auto by_bytes = upgraded(g);
  REQUIRE(g.world.run(by_bytes->send_frame(Opcode::text, "flood")));
  g.world.run_for(100ms);
  CHECK(g.handler.flooded < 51);
  CHECK(g.handler.flooded > 40);
}

TEST_CASE("websocket: silence is pinged, then ended; an answer keeps it") {
  Fixture f;
  const auto silent = upgraded(f);
  CHECK(next(f, *silent).opcode == Opcode::ping);
  REQUIRE(f.world.run(silent->send_frame(Opcode::pong, "")));
  f.world.run_for(59s);
  CHECK(f.server.stats().connections == 1);
  f.world.run_for(3s);
  CHECK(f.server.stats().connections == 0);
}

TEST_CASE("websocket: stopping the server says goodbye") {
  Fixture f;
  const auto client = upgraded(f);
  f.world.run_for(1s);
  const auto began = f.world.now();
  f.stop();
  CHECK(f.world.now() - began < 4s);
  CHECK(next(f, *client).close_code == 1001);
}

TEST_CASE("websocket: a connection that breaks ends the session") {
  Fixture f;
  auto client = upgraded(f);
  f.world.run_for(1s);
  CHECK(f.handler.current != nullptr);
  client->stream().reset();
  f.world.run_for(1s);
  CHECK(f.handler.current == nullptr);
  CHECK(f.server.stats().connections == 0);
}

}  // namespace vivim::gateway::test
