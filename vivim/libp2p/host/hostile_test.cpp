// Peers that break the rules at each layer, and peers that want too much.
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/siege_test_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/multiformats/error.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using Kind = HostEvent::Kind;
using rt::RtError;
using rt::sim::World;

namespace {

rt::Co<void> write_then_wait(rt::Stream& stream, Bytes bytes) {
  (void)co_await stream.write(bytes);
  (void)co_await read_to_end(stream);
}

Bytes multistream_header() {
  Bytes bytes;
  multistream::append_message(bytes, multistream::k_protocol_id);
  return bytes;
}

Bytes noise_proposal() {
  Bytes bytes = multistream_header();
  multistream::append_message(bytes, noise::k_protocol_id);
  return bytes;
}

}  // namespace

TEST_CASE("hostile: garbage instead of multistream") {
  Siege siege;
  const auto stream = siege.attacker.dial();
  siege.world.run(write_then_wait(*stream, to_bytes("GET / HTTP/1.1\r\n" + std::string(80, 'x'))));
  REQUIRE(siege.victim.count(Kind::failed) == 1);
  const auto& reason = *siege.victim.last(Kind::failed)->reason;
  CHECK(reason.cause == CloseCause::protocol);
  CHECK(&reason.error->domain() == &error_domain(multistream::MultistreamError{}));
}

TEST_CASE("hostile: another security protocol, then nothing") {
  Siege siege;
  const auto stream = siege.attacker.dial();
  Bytes bytes = multistream_header();
  multistream::append_message(bytes, "/tls/1.0.0");
  CHECK(siege.world.run(stream->write(bytes)));
  CHECK(siege.world.run(stream->close_write()));
  siege.world.run_for(1s);
  CHECK(siege.victim.last(Kind::failed)->reason->error->is(HostError::closed_during_negotiation));
}

TEST_CASE("hostile: garbage instead of a Noise message") {
  Siege siege;
  const auto stream = siege.attacker.dial();
  Bytes bytes = noise_proposal();
  append(bytes, Bytes{0x00, 0x03, 1, 2, 3});
  siege.world.run(write_then_wait(*stream, bytes));
  const auto& reason = *siege.victim.last(Kind::failed)->reason;
  CHECK(reason.cause == CloseCause::protocol);
  CHECK(reason.error->is(noise::NoiseError::message_too_short));
}

TEST_CASE("hostile: a Noise message that announces too much is not waited for") {
  Siege siege;
  const auto stream = siege.attacker.dial();
  Bytes bytes = noise_proposal();
  append(bytes, Bytes{0xff, 0xff});
  siege.world.run(write_then_wait(*stream, bytes));
  CHECK(siege.victim.last(Kind::failed)->reason->error->is(noise::NoiseError::message_too_long));
}

TEST_CASE("hostile: garbage instead of Noise frames") {
  Siege siege;
  auto transport = siege.attacker.dial();
  rt::Stream* const raw = transport.get();
  auto upgraded = siege.world.run(upgrade(std::move(transport), siege.attacker.protocols(), {}));
  REQUIRE(upgraded);
  siege.world.run_for(1s);
  CHECK(siege.victim.count(Kind::connected) == 1);
  Bytes bytes{0x00, 0x20};
  bytes.resize(34);
  siege.world.run(write_then_wait(*raw, bytes));
  const auto& reason = *siege.victim.last(Kind::disconnected)->reason;
  CHECK(reason.cause == CloseCause::protocol);
  CHECK(reason.error->is(noise::NoiseError::cannot_decrypt));
}

TEST_CASE("hostile: garbage instead of yamux") {
  Siege siege;
  auto upgraded = siege.attacker.secured();
  siege.world.run(write_then_wait(*upgraded.stream, to_bytes("not a yamux header")));
  const auto& reason = *siege.victim.last(Kind::disconnected)->reason;
  CHECK(reason.cause == CloseCause::protocol);
  CHECK(reason.error->is(yamux::YamuxError::bad_version));
}

TEST_CASE("hostile: yamux data for more than the window") {
  Siege siege;
  auto upgraded = siege.attacker.secured();
  Bytes bytes(yamux::k_header_bytes);
  yamux::encode_header(bytes, {.type = yamux::FrameType::data,
                               .flags = yamux::k_flag_syn,
                               .stream = 1,
                               .length = yamux::k_initial_window_bytes + 1});
  siege.world.run(write_then_wait(*upgraded.stream, bytes));
  CHECK(
      siege.victim.last(Kind::disconnected)->reason->error->is(yamux::YamuxError::window_exceeded));
}

TEST_CASE("hostile: garbage instead of a stream's negotiation ends the stream only") {
  Siege siege;
  Running attack(siege);
  auto stream = attack.connection->open_stream().value();
  CHECK(siege.world.run(stream->write(to_bytes("\x05garbage"))));
  CHECK(siege.world.run(read_to_end(*stream)).error().is(RtError::reset));
  auto good = attack.connection->open_stream().value();
  const auto agreement = siege.world.run(propose(*good, {std::string(k_echo)}));
  CHECK(agreement);
  stream.reset();
  good.reset();
}

TEST_CASE("hostile: a stream that never negotiates is ended") {
  Siege siege;
  Running attack(siege);
  auto stream = attack.connection->open_stream().value();
  CHECK(siege.world.run(stream->write(multistream_header())));
  const auto start = siege.world.now();
  CHECK(siege.world.run(read_to_end(*stream)).error().is(RtError::reset));
  CHECK(siege.world.now() - start < 11s);
  stream.reset();
}

TEST_CASE("hostile: identify with another's key closes the connection") {
  Siege siege;
  Running attack(siege);
  auto identify_stream = siege.world.run(attack.connection->accept());
  REQUIRE(identify_stream);
  REQUIRE(siege.world.run(agree(
      *identify_stream, multistream::make_protocol_list({std::string(identify::k_protocol_id)}))));
  identify::Info lie;
  lie.public_key = multiformats::PublicKey(siege.friendly.key.public_key());
  CHECK(siege.world.run(identify_stream->write(identify::encode(lie).value())));
  CHECK(siege.world.run(identify_stream->close_write()));
  siege.world.run_for(2s);
  CHECK(siege.victim.last(Kind::disconnected)
            ->reason->error->is(identify::IdentifyError::key_mismatch));
  identify_stream.reset();
}

TEST_CASE("host: identify push replaces what it tells, and nothing else") {
  Siege siege;
  Running attack(siege);
  auto stream = attack.connection->open_stream().value();
  REQUIRE(siege.world.run(propose(*stream, {std::string(identify::k_push_protocol_id)})));
  identify::Info news;
  news.agent_version = "renamed/2";
  news.protocols = {"/new/1"};
  CHECK(siege.world.run(stream->write(identify::encode(news).value())));
  CHECK(siege.world.run(stream->close_write()));
  siege.world.run_for(1s);
  const auto peers = siege.victim.host.peers();
  REQUIRE(peers.size() == 1);
  CHECK(peers.front().agent == "renamed/2");
  CHECK(peers.front().protocols == std::vector<std::string>{"/new/1"});
  CHECK(siege.victim.count(Kind::identified) == 1);
  stream.reset();
}

TEST_CASE("hostile: who comes from the Internet cannot send us to addresses of our own network") {
  Siege siege;
  const auto ip = siege.world.put_behind_nat(siege.friendly.node, rt::sim::NatOptions::full_cone());
  REQUIRE(scope_of(Multiaddr::from_tcp(ip.to_string(), 1).value()) == AddressScope::global);
  REQUIRE(siege.world.run(siege.friendly.host.connect(siege.victim.address)));
  siege.world.run_for(2s);
  const auto peer = siege.friendly.host.peer_id();
  const auto peers = siege.victim.host.peers();
  const auto found = std::ranges::find(peers, peer, &PeerInfo::id);
  REQUIRE(found != peers.end());
  REQUIRE(std::ranges::count(found->listen_addresses, siege.friendly.address.without_peer()) == 1);
  const auto now = peerstore::Time(siege.victim.node.clock().wall_now_ms());
  for (const auto& known : siege.victim.host.peer_store().addresses(peer, now)) {
    CHECK(scope_of(known.address) == AddressScope::global);
  }
}

TEST_CASE("limits: handshakes under way") {
  Siege siege({.handshakes_max = 3});
  std::vector<std::unique_ptr<rt::Stream>> silent;
  for (int i = 0; i < 5; ++i) {
    silent.push_back(siege.attacker.dial());
  }
  siege.world.run_for(1s);
  CHECK(siege.victim.count(Kind::failed) == 2);
  const auto& reason = *siege.victim.last(Kind::failed)->reason;
  CHECK(reason.cause == CloseCause::limit);
  CHECK(reason.error->is(limits::limit_error(limits::Resource::connections,
                                             limits::Scope::transient, Direction::inbound)));
  siege.world.run_for(10s);
  CHECK(siege.victim.count(Kind::failed) == 5);
}

TEST_CASE("limits: inbound connections, of all and of one peer") {
  Siege siege({.inbound_connections_max = 5, .connections_per_peer_max = 2});
  std::vector<Upgraded> open;
  for (int i = 0; i < 3; ++i) {
    open.push_back(siege.attacker.secured());
    siege.world.run_for(100ms);
  }
  CHECK(siege.victim.host.peers().size() == 2);
  CHECK(siege.victim.last(Kind::failed)
            ->reason->error->is(limits::limit_error(limits::Resource::connections,
                                                    limits::Scope::peer, Direction::inbound)));
  CHECK(siege.victim.last(Kind::failed)->peer == siege.attacker.identity.peer_id());
  std::vector<std::unique_ptr<rt::Stream>> silent;
  for (int i = 0; i < 4; ++i) {
    silent.push_back(siege.attacker.dial());
  }
  siege.world.run_for(100ms);
  CHECK(siege.victim.count(Kind::failed) == 2);
  CHECK(siege.victim.last(Kind::failed)->reason->cause == CloseCause::limit);
  CHECK(siege.victim.last(Kind::failed)->reason->error->detail() == 5);
}

TEST_CASE("limits: inbound connections from one address leave room for others") {
  Siege siege({.inbound_connections_max = 12, .connections_per_address_max = 3});
  siege.world.put_behind_nat(siege.attacker.node, {});
  std::vector<std::unique_ptr<rt::Stream>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(siege.attacker.dial());
    siege.world.run_for(10ms);
  }
  CHECK(siege.victim.host.resources().system().connections[0] == 3);
  CHECK(siege.victim.count(Kind::failed) == 17);
  const auto& reason = *siege.victim.last(Kind::failed)->reason;
  CHECK(reason.cause == CloseCause::limit);
  CHECK(reason.error->message().find("limits.address.connections_inbound") != std::string::npos);
  // Many from a private network, where a proxy may be, are as good as others.
  Attacker proxy(siege.world, siege.victim);
  for (int i = 0; i < 6; ++i) {
    silent.push_back(proxy.dial());
  }
  siege.world.run_for(100ms);
  CHECK(siege.victim.host.resources().system().connections[0] == 9);
}

TEST_CASE("limits: outbound connections") {
  Siege siege({.outbound_connections_max = 1});
  CHECK(siege.world.run(siege.victim.host.connect(siege.friendly.address)));
  TestHost other(siege.world.add_node("other"));
  CHECK(siege.world.run(siege.victim.host.connect(other.address))
            .error()
            .is(limits::limit_error(limits::Resource::connections, limits::Scope::system,
                                    Direction::outbound)));
  siege.world.run(other.host.stop());
}

TEST_CASE("limits: streams that a peer may open are reset above the limit") {
  Siege siege({.inbound_streams_max = 4});
  Running attack(siege);
  std::vector<std::unique_ptr<rt::Stream>> streams;
  for (int i = 0; i < 6; ++i) {
    streams.push_back(attack.connection->open_stream().value());
    CHECK(siege.world.run(streams.back()->write(multistream_header())));
  }
  Bytes buffer(64);
  for (std::size_t i = 0; i < streams.size(); ++i) {
    const auto answer = siege.world.run(streams[i]->read_some(buffer));
    CHECK(answer.has_value() == (i < 4));
  }
  streams.clear();
}

TEST_CASE("limits: streams of all connections, inbound and outbound, say which limit it was") {
  World world(1);
  TestHost b(world.add_node("b"));
  auto& node = world.add_node("a");
  const auto key = crypto::KeyPair::generate([&node](MutableBytes out) { node.rng().fill(out); });
  HostOptions options{.key = key};
  options.resources = limits::Limits{.system = {.streams_outbound = 3},
                                     .transient = {},
                                     .peer = {.streams_inbound = 2},
                                     .protocol = {}};
  Host host(std::move(options), node.loop(), node.network(), node.rng());
  REQUIRE(host.handle(std::string(k_echo), echo));
  REQUIRE(host.listen(Multiaddr::from_tcp(node.ip().to_string(), k_port).value()));
  REQUIRE(world.run(host.connect(b.address)));
  world.run_for(1s);
  std::vector<OpenedStream> held;
  for (int i = 0; i < 3; ++i) {
    held.push_back(world.run(open_echo(host, b.host.peer_id())).value());
  }
  CHECK(host.resources().of(std::string(k_echo)).streams[1] == 3);
  const auto refused = world.run(open_echo(host, b.host.peer_id()));
  CHECK(refused.error().is(
      limits::limit_error(limits::Resource::streams, limits::Scope::system, Direction::outbound)));
  held.pop_back();
  CHECK(world.run(open_echo(host, b.host.peer_id())));
  std::vector<OpenedStream> theirs;
  for (int i = 0; i < 3; ++i) {
    theirs.push_back(world.run(open_echo(b.host, host.peer_id())).value());
    CHECK(world.run(theirs.back().stream->write(to_bytes("x"))));
  }
  Bytes buffer(1);
  CHECK(world.run(theirs[1].stream->read_some(buffer)));
  const auto reset = world.run(theirs[2].stream->read_some(buffer));
  REQUIRE(!reset);
  CHECK(reset.error().is(RtError::reset));
  CHECK(reset.error().detail() == to_value(ResetCode::limit_exceeded));
  CHECK(host.resources().refusals(limits::Resource::streams, limits::Scope::peer,
                                  Direction::inbound) == 1);
  theirs.clear();
  held.clear();
  world.run(host.stop());
  CHECK(host.resources().system().empty());
  world.run(b.host.stop());
}

TEST_CASE("limits: protocols with a handler") {
  Siege siege;
  Host& host = siege.victim.host;
  Result<void> added;
  std::size_t count = 0;
  while (added) {
    added = host.handle("/p/" + std::to_string(count++), echo);
    REQUIRE(count <= k_protocols_max);
  }
  CHECK(added.error().is(HostError::too_many_protocols));
  CHECK(host.handle("/p/0", echo));
}
