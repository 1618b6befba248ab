// Peers that abuse a relay, and relays that lie to their clients.
#include "vivim/libp2p/relay/hosts_test_detail.hpp"
#include "vivim/rt/error.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::relay;
using namespace vivim::libp2p::relay::test;
using namespace std::chrono_literals;

namespace {

rt::Co<Result<OpenedStream>> open(Host& host, PeerId peer, std::string protocol) {
  co_return co_await host.open_stream(peer, std::span(&protocol, 1));
}

/// Sends raw bytes on a hop stream and returns the status that comes back.
rt::Co<Result<Status>> ask_raw(Host& host, PeerId relay, Bytes bytes) {
  VIVIM_CO_TRY(auto opened, co_await open(host, relay, std::string(k_hop_protocol_id)));
  VIVIM_CO_TRYV(co_await opened.stream->write(bytes));
  DelimitedReader reader(k_message_bytes_max);
  VIVIM_CO_TRY(const auto answer, co_await read_message(*opened.stream, reader));
  VIVIM_CO_TRY(const auto message, decode_hop(answer));
  co_return *message.status;
}

Bytes connect_bytes(const PeerId& target) {
  return delimited(encode(HopMessage{.type = HopMessage::Type::connect, .peer = target}));
}

/// A target that answers on stop streams as it likes.
rt::Co<void> answer_stop(InboundStream inbound, Bytes bytes) {
  DelimitedReader reader(k_message_bytes_max);
  (void)co_await read_message(*inbound.stream, reader);
  (void)co_await inbound.stream->write(bytes);
  Bytes buffer(100);
  while (true) {
    const auto count = co_await inbound.stream->read_some(buffer);
    if (!count || *count == 0) {
      co_return;
    }
  }
}

/// Reads `behind.size()` bytes that follow the relay's status.
rt::Co<Result<Bytes>> connect_and_read(Host& host, PeerId relay, PeerId target,
                                       std::size_t behind) {
  VIVIM_CO_TRY(auto opened, co_await open(host, relay, std::string(k_hop_protocol_id)));
  VIVIM_CO_TRYV(co_await opened.stream->write(connect_bytes(target)));
  DelimitedReader reader(k_message_bytes_max);
  VIVIM_CO_TRYV(co_await read_message(*opened.stream, reader));
  Bytes all = reader.take_rest();
  const std::size_t have = all.size();
  all.resize(behind);
  if (have < behind) {
    VIVIM_CO_TRYV(co_await rt::read_exactly(*opened.stream, MutableBytes(all).subspan(have)));
  }
  co_return all;
}

}  // namespace

TEST_CASE("relay abuse: slow loris on hop streams is limited and ended, others are served") {
  Three three(1);
  REQUIRE(three.listen_through(three.b));
  RelayedHost mallory(three.world.add_node("mallory"));
  REQUIRE(three.world.run(mallory.host.connect(three.relay.address)));
  std::vector<OpenedStream> held;
  for (std::size_t i = 0; i < RelayLimits{}.requests_per_peer_max; ++i) {
    auto opened =
        three.world.run(open(mallory.host, three.relay.id(), std::string(k_hop_protocol_id)));
    REQUIRE(opened);
    CHECK(three.world.run(opened->stream->write(Bytes{0x05})));  // and never the rest
    held.push_back(std::move(*opened));
  }
  three.world.run_for(1s);
  CHECK(three.world.run(ask_raw(mallory.host, three.relay.id(), delimited(Bytes{0x08, 0x00})))
            .value() == Status::resource_limit_exceeded);
  CHECK(three.connect(three.a, three.b));
  three.world.run_for(20s);
  CHECK(three.world.run(ask_raw(mallory.host, three.relay.id(), delimited(Bytes{0x08, 0x00})))
            .value() == Status::ok);
  held.clear();
  three.world.run(mallory.host.stop());
}

TEST_CASE("relay abuse: a flood of CONNECT, to everybody and to nobody") {
  Three three(1, {.limits = {.requests_per_minute_max = 50}});
  REQUIRE(three.listen_through(three.b));
  RelayedHost mallory(three.world.add_node("mallory"));
  REQUIRE(three.world.run(mallory.host.connect(three.relay.address)));
  std::map<Status, int> answers;
  for (int i = 0; i < 200; ++i) {
    const PeerId& target = i % 2 == 0 ? three.a.id() : mallory.id();
    const auto status =
        three.world.run(ask_raw(mallory.host, three.relay.id(), connect_bytes(target)));
    REQUIRE(status);
    ++answers[*status];
  }
  CHECK(answers[Status::no_reservation] == 25);
  CHECK(answers[Status::permission_denied] == 25);
  CHECK(answers[Status::resource_limit_exceeded] == 150);
  CHECK(three.server.stats().circuits == 0);
  REQUIRE(three.connect(three.a, three.b));
  CHECK(three.echo_over(three.a, three.b, Bytes(1000, 1)));
  three.world.run(mallory.host.stop());
}

TEST_CASE("relay abuse: circuits to one target are limited, and those open go on") {
  Three three(1, {.limits = {.circuits_per_peer_max = 3}});
  REQUIRE(three.listen_through(three.b));
  RelayedHost mallory(three.world.add_node("mallory"));
  REQUIRE(three.world.run(mallory.host.connect(three.relay.address)));
  REQUIRE(three.connect(three.a, three.b));
  std::vector<OpenedStream> held;
  for (int i = 0; i < 4; ++i) {
    auto opened =
        three.world.run(open(mallory.host, three.relay.id(), std::string(k_hop_protocol_id)));
    REQUIRE(opened);
    CHECK(three.world.run(opened->stream->write(connect_bytes(three.b.id()))));
    held.push_back(std::move(*opened));
    three.world.run_for(1s);
  }
  CHECK(three.server.stats().circuits == 3);
  CHECK(three.server.stats().refused[Status::resource_limit_exceeded] == 2);
  CHECK(three.relay.host.metrics_text().find(
            R"(libp2p_relay_refused_total{status="resource_limit_exceeded"} 2)") !=
        std::string::npos);
  CHECK(three.echo_over(three.a, three.b, Bytes(1000, 1)));
  held.clear();
  three.world.run(mallory.host.stop());
  three.world.run_for(1s);
  CHECK(three.server.stats().circuits == 1);
}

TEST_CASE("relay abuse: a target that never answers holds nobody for long") {
  Three three(1);
  REQUIRE(three.world.run(three.b.host.connect(three.relay.address)));
  CHECK(three.b.host.handle(std::string(k_stop_protocol_id), [](InboundStream inbound) {
    return answer_stop(std::move(inbound), {});
  }));
  CHECK(three.world.run(ask_raw(three.b.host, three.relay.id(), delimited(Bytes{0x08, 0x00})))
            .value() == Status::ok);
  const auto start = three.world.now();
  const auto refused = three.connect(three.a, three.b);
  CHECK_FALSE(refused);
  CHECK(three.world.now() - start < 20s);
  three.world.run_for(20s);
  CHECK(three.server.stats().circuits == 0);
}

TEST_CASE("relay: what is broken on a hop stream is answered so") {
  Three three(1);
  REQUIRE(three.world.run(three.a.host.connect(three.relay.address)));
  const auto ask = [&](const Bytes& bytes) {
    return three.world.run(ask_raw(three.a.host, three.relay.id(), bytes));
  };
  CHECK(ask(Bytes{0xff, 0xff, 0xff, 0x7f}).value() == Status::malformed_message);  // too large
  CHECK(ask(delimited(Bytes{0xff})).value() == Status::malformed_message);
  CHECK(ask(delimited(encode(hop_status(Status::ok)))).value() == Status::unexpected_message);
  CHECK(ask(delimited(Bytes{0x08, 0x00})).value() == Status::ok);
}

TEST_CASE("relay: bytes behind the status frame belong to the circuit") {
  Three three(1);
  REQUIRE(three.world.run(three.b.host.connect(three.relay.address)));
  REQUIRE(three.world.run(three.a.host.connect(three.relay.address)));
  Bytes flight = delimited(encode(stop_status(Status::ok)));
  append(flight, as_bytes("early bird"));
  CHECK(three.b.host.handle(std::string(k_stop_protocol_id), [flight](InboundStream inbound) {
    return answer_stop(std::move(inbound), flight);
  }));
  CHECK(three.world.run(ask_raw(three.b.host, three.relay.id(), delimited(Bytes{0x08, 0x00})))
            .value() == Status::ok);
  CHECK(
      three.world.run(connect_and_read(three.a.host, three.relay.id(), three.b.id(), 10)).value() ==
      to_bytes("early bird"));
}

TEST_CASE("relay client: circuits only from relays that it asked") {
  Three three(1);
  REQUIRE(three.listen_through(three.b));
  RelayedHost mallory(three.world.add_node("mallory"));
  REQUIRE(three.world.run(mallory.host.connect(three.b.address)));
  const auto stop = [](Host& host, PeerId peer, Bytes bytes) -> rt::Co<Result<StopMessage>> {
    VIVIM_CO_TRY(auto opened, co_await open(host, peer, std::string(k_stop_protocol_id)));
    VIVIM_CO_TRYV(co_await opened.stream->write(bytes));
    DelimitedReader reader(k_message_bytes_max);
    VIVIM_CO_TRY(const auto answer, co_await read_message(*opened.stream, reader));
    co_return decode_stop(answer);
  };
  const StopMessage lie{.type = StopMessage::Type::connect, .peer = three.a.id()};
  const auto b = three.b.id();
  CHECK(three.world.run(stop(mallory.host, b, delimited(encode(lie))))->status ==
        Status::permission_denied);
  CHECK(three.world.run(stop(mallory.host, b, delimited(Bytes{0x01})))->status ==
        Status::malformed_message);
  CHECK(
      three.world.run(stop(mallory.host, b, delimited(encode(stop_status(Status::ok)))))->status ==
      Status::unexpected_message);
  three.world.run(mallory.host.stop());
}

TEST_CASE("relay client: a relay that grants what has expired, or lies, is not believed") {
  Three three(1);
  three.world.run(three.server.stop());
  HopMessage lie = hop_status(Status::ok);
  lie.reservation = Reservation{.expire_unix_s = 1};
  const Bytes bytes = delimited(encode(lie));
  CHECK(three.relay.host.handle(std::string(k_hop_protocol_id), [bytes](InboundStream inbound) {
    return answer_stop(std::move(inbound), bytes);
  }));
  CHECK(three.b.host.listen(three.circuit()));
  three.world.run_for(10min);
  CHECK_FALSE(three.b.transport->reserved(three.relay.id()));
  CHECK(std::ranges::count(three.b.host.listen_addresses(), three.through(three.b)) == 0);
}

TEST_CASE("relay client: limits") {
  Three three(1, {.limits = {.circuits_per_peer_max = 100}});
  const std::string place = "/ip4/10.9.9.9/tcp/1/p2p/";
  std::size_t listening = 0;
  for (std::uint32_t i = 0; i <= k_relays_max; ++i) {
    const auto id = PeerId::of(crypto::KeyPair::generate(
        [i](MutableBytes out) { std::ranges::fill(out, static_cast<std::uint8_t>(i + 1)); }));
    const auto result =
        three.b.host.listen(Multiaddr::parse(place + id.to_string() + "/p2p-circuit").value());
    listening += result ? 1 : 0;
    if (!result) {
      CHECK(result.error().is(RelayError::too_many_listeners));
    }
  }
  CHECK(listening == k_relays_max);

  // A host that stopped accepting gets no more than its backlog.
  RelayTransport idle(three.a.host);
  auto listener = idle.listen(three.circuit());
  REQUIRE(listener);
  REQUIRE(three.world.run_until([&] { return idle.reserved(three.relay.id()); }, 1min));
  RelayedHost mallory(three.world.add_node("mallory"));
  REQUIRE(three.world.run(mallory.host.connect(three.relay.address)));
  std::vector<OpenedStream> held;
  std::map<Status, int> answers;
  for (std::size_t i = 0; i < k_circuit_backlog_max + 2; ++i) {
    auto opened =
        three.world.run(open(mallory.host, three.relay.id(), std::string(k_hop_protocol_id)));
    REQUIRE(opened);
    CHECK(three.world.run(opened->stream->write(connect_bytes(three.a.id()))));
    DelimitedReader reader(k_message_bytes_max);
    const auto answer = three.world.run(read_message(*opened->stream, reader));
    REQUIRE(answer);
    ++answers[*decode_hop(*answer)->status];
    held.push_back(std::move(*opened));
  }
  CHECK(answers[Status::ok] == static_cast<int>(k_circuit_backlog_max));
  CHECK(answers[Status::connection_failed] == 2);
  held.clear();
  (*listener)->close();
  listener->reset();
  three.world.run(idle.stop());
  three.world.run(mallory.host.stop());
}
