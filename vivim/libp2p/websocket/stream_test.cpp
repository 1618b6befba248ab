#include "vivim/libp2p/websocket/websocket_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::websocket;
using namespace vivim::libp2p::websocket::test;
using vivim::websocket::Opcode;

namespace {

constexpr vivim::websocket::Mask k_mask{1, 2, 3, 4};

struct Pair {
  Pair() : world(5), node(world.add_node("a")) {
    auto [near, far] = rt::sim::make_stream_pair(node.loop());
    client =
        std::make_unique<WebSocketStream>(std::move(near), Role::client, node.loop(), node.rng());
    server =
        std::make_unique<WebSocketStream>(std::move(far), Role::server, node.loop(), node.rng());
  }
  rt::sim::World world;
  rt::sim::Node& node;
  StreamPtr client;
  StreamPtr server;
};

/// A server's stream, and the bare bytes of its client.
struct Raw {
  Raw() : world(5), node(world.add_node("a")) {
    auto [near, far] = rt::sim::make_stream_pair(node.loop());
    client = std::move(near);
    server =
        std::make_unique<WebSocketStream>(std::move(far), Role::server, node.loop(), node.rng());
  }
  void send(const Bytes& bytes) { REQUIRE(world.run(client->write(bytes))); }
  void send(Opcode opcode, std::string_view payload) {
    send(vivim::websocket::encode_frame(opcode, as_bytes(payload), k_mask));
  }
  Result<std::size_t> read(std::size_t bytes = 1000) {
    buffer.assign(bytes, 0);
    const auto count = world.run(server->read_some(buffer));
    buffer.resize(count.value_or(0));
    return count;
  }
  /// What the server sent, as far as it came.
  std::vector<vivim::websocket::MessageEvent> received() {
    Bytes bytes(4096);
    bytes.resize(world.run(client->read_some(bytes)).value());
    vivim::websocket::MessageDecoder decoder(vivim::websocket::Masking::forbidden, 1 << 20);
    REQUIRE(decoder.feed(bytes));
    std::vector<vivim::websocket::MessageEvent> events;
    while (auto event = decoder.poll()) {
      events.push_back(std::move(*event));
    }
    return events;
  }

  rt::sim::World world;
  rt::sim::Node& node;
  StreamPtr client;
  StreamPtr server;
  Bytes buffer;
};

rt::Co<void> converse(rt::Loop& loop, rt::Stream& from, rt::Stream& to, const Bytes& bytes,
                      std::size_t piece, std::size_t read_bytes) {
  rt::TaskGroup tasks(loop);
  tasks.spawn("echo", echo(to));
  tasks.spawn("write", write_in_pieces(from, bytes, piece));
  const auto back = co_await read_to_end(from, read_bytes);
  REQUIRE(back);
  CHECK(*back == bytes);
  co_await tasks.stop();
}

}  // namespace

TEST_CASE("ws stream: bytes go both ways, whatever the writes and reads are") {
  Pair pair;
  Bytes bytes(400'000);
  pair.node.rng().fill(bytes);
  for (const std::size_t piece : {7u, 125u, 126u, 65535u, 65536u, 400'000u}) {
    const Bytes some(bytes.begin(), bytes.begin() + (piece < 100 ? 5000 : 400'000));
    for (const std::size_t read_bytes : {1u, 20u, 100'000u}) {
      if (read_bytes == 1 && piece > 100) {
        continue;
      }
      Pair fresh;
      fresh.world.run(
          converse(fresh.node.loop(), *fresh.client, *fresh.server, some, piece, read_bytes));
      Pair other;
      other.world.run(
          converse(other.node.loop(), *other.server, *other.client, some, piece, read_bytes));
    }
  }
}

TEST_CASE("ws stream: a ping is answered with its payload, between data") {
  Raw raw;
  raw.send(Opcode::ping, "a");
  raw.send(Opcode::ping, "b");
  raw.send(Opcode::pong, "unasked");
  raw.send(Opcode::binary, "data");
  REQUIRE(raw.read());
  CHECK(as_text(raw.buffer) == "data");
  const auto events = raw.received();
  REQUIRE(events.size() == 1);
  CHECK(events[0].opcode == Opcode::pong);
  CHECK(as_text(events[0].data) == "b");
}

TEST_CASE("ws stream: half-close: after a close frame the other side still sends") {
  Raw raw;
  REQUIRE(raw.world.run(raw.server->close_write()));
  auto events = raw.received();
  REQUIRE(events.size() == 1);
  CHECK(events[0].close_code == 1000);
  CHECK(raw.world.run(raw.server->write(as_bytes("x"))).error().is(rt::RtError::closed));
  raw.send(Opcode::binary, "still here");
  REQUIRE(raw.read());
  CHECK(as_text(raw.buffer) == "still here");
  raw.send(Opcode::close, "");
  CHECK(raw.read().value() == 0);
  Bytes end(1);
  CHECK(raw.world.run(raw.client->read_some(end)).value() == 0);  // and so it ends TCP
}

TEST_CASE("ws stream: a close frame of the peer reads as the end, ours answers it") {
  Raw raw;
  raw.send(Opcode::binary, "last");
  raw.send(Opcode::close, "\x03\xe9 bye");
  raw.send(Opcode::binary, "after the end");
  REQUIRE(raw.read());
  CHECK(as_text(raw.buffer) == "last");
  CHECK(raw.read().value() == 0);
  REQUIRE(raw.world.run(raw.server->write(as_bytes("answer"))));
  REQUIRE(raw.world.run(raw.server->close_write()));
  const auto events = raw.received();
  REQUIRE(events.size() == 2);
  CHECK(as_text(events[0].data) == "answer");
  CHECK(events[1].close_code == 1000);
}

TEST_CASE("ws stream: the end of TCP between frames is an end, inside one an error") {
  Raw clean;
  clean.send(Opcode::binary, "x");
  REQUIRE(clean.world.run(clean.client->close_write()));
  REQUIRE(clean.read());
  CHECK(clean.read().value() == 0);
  Raw cut;
  Bytes frame = vivim::websocket::encode_frame(Opcode::binary, as_bytes("hello"), k_mask);
  frame.pop_back();
  cut.send(frame);
  REQUIRE(cut.world.run(cut.client->close_write()));
  CHECK(cut.read().value() == 4);
  CHECK(cut.read().error().is(rt::RtError::end_of_stream));
}

TEST_CASE("ws stream: what breaks the protocol is told after what came before") {
  using vivim::websocket::WebSocketError;
  Raw raw;
  raw.send(Opcode::binary, "good");
  raw.send(vivim::websocket::encode_frame(Opcode::binary, as_bytes("not masked")));
  REQUIRE(raw.read());
  CHECK(as_text(raw.buffer) == "good");
  CHECK(raw.read().error().is(WebSocketError::bad_frame));
  CHECK(raw.received().back().close_code == 1002);

  Raw text;
  text.send(Opcode::text, "hello");
  CHECK(text.read().error().is(WsError::text_message));

  Raw large;
  large.send(Bytes{0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 1, 2, 3, 4});
  CHECK(large.read().error().is(WebSocketError::message_too_large));
}

TEST_CASE("ws stream: a transport that fails at any operation") {
  rt::sim::World world(1);
  auto& node = world.add_node("a");
  for (std::uint64_t nth = 1; nth < 6; ++nth) {
    auto [near, far] = rt::sim::make_stream_pair(node.loop());
    WebSocketStream stream(rt::sim::make_failing_stream(std::move(near), nth), Role::client,
                           node.loop(), node.rng());
    for (int i = 0; i < 3; ++i) {
      (void)world.run(stream.write(as_bytes("data")));
    }
    CHECK_FALSE(
        (world.run(stream.write(as_bytes("data"))) && world.run(stream.close_write()) && nth < 6));
    stream.reset();
    far->reset();
  }
}
