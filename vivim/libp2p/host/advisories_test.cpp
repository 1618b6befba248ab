// What broke other implementations of libp2p (docs/security/advisories.md), as far as a host is
// concerned; and peers that do too much of what is allowed.
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/siege_test_detail.hpp"
#include "vivim/libp2p/record/peer_record.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using Kind = HostEvent::Kind;

namespace {

/// Sends one identify push, and waits until its stream has ended; `identified` counts those that
/// were read.
void push(Siege& siege, MuxedConnection& connection, const identify::Info& news) {
  auto stream = connection.open_stream().value();
  const auto message = identify::encode(news).value();
  if (siege.world.run(propose(*stream, {std::string(identify::k_push_protocol_id)})) &&
      siege.world.run(stream->write(message)) && siege.world.run(stream->close_write())) {
    (void)siege.world.run(read_to_end(*stream));
  }
}

bool says(const Host& host, std::string_view line) {
  return host.metrics_text().find(line) != std::string::npos;
}

}  // namespace

TEST_CASE("CVE-2023-40583: signed records of peers that do not exist are not kept") {
  Siege siege;
  Running attack(siege);
  siege.world.run_for(1s);
  for (int i = 0; i < 10; ++i) {
    const auto nobody = crypto::KeyPair::generate(siege.attacker.random());
    identify::Info news;
    news.agent_version = "liar/1";
    news.signed_peer_record = record::seal_peer_record(
        record::Signer::of(nobody), 1, {Multiaddr::parse("/ip4/192.0.2.1/tcp/4001").value()});
    push(siege, *attack.connection, news);
    CHECK(siege.victim.host.peer_store().find(PeerId::of(nobody)) == nullptr);
  }
  CHECK(siege.victim.count(Kind::identified) == 10);
  CHECK(siege.victim.host.peer_store().size() == 1);  // of the liar
}

// There: topics that a peer subscribes to. Here: every name that a peer can make up.
TEST_CASE(
    "GHSA-4f8r-922h-2vgv, GHSA-g3g5-x568-qvqx, go-libp2p-pubsub#705, go-libp2p-pubsub#710, "
    "cpp-libp2p#349, py-libp2p#1349: names that a peer makes up are bounded, and go with it") {
  Siege siege;
  {
    Running attack(siege);
    siege.world.run_for(1s);
    const auto metrics = siege.victim.host.metrics_text().size();
    for (int i = 0; i < 12; ++i) {
      identify::Info news;
      for (int j = 0; j < 200; ++j) {
        news.protocols.push_back("/made-up/" + std::to_string(i) + "/" + std::to_string(j));
      }
      push(siege, *attack.connection, news);
      auto stream = attack.connection->open_stream().value();
      CHECK_FALSE(siege.world.run(propose(*stream, {news.protocols.front()})));
    }
    CHECK(siege.victim.count(Kind::identified) == 12);
    const auto peers = siege.victim.host.peers();
    REQUIRE(peers.size() == 1);
    CHECK(peers[0].protocols.size() <= identify::k_protocols_max);  // of the last push alone
    CHECK(siege.victim.host.metrics_text().size() < metrics + 1000);
    CHECK(siege.victim.host.resources().of("/made-up/1/0").empty());
  }
  siege.world.run_for(1s);
  CHECK(siege.victim.host.peers().empty());
}

TEST_CASE("CVE-2022-23492, CVE-2022-23487, CVE-2022-23486: streams without end") {
  Siege siege({.inbound_streams_max = 8});
  Running attack(siege);
  std::vector<std::unique_ptr<rt::Stream>> streams;
  for (int i = 0; i < 200; ++i) {
    streams.push_back(attack.connection->open_stream().value());
    CHECK(siege.world.run(streams.back()->write(Bytes{0x13})));
    CHECK(siege.victim.host.resources().system().streams[0] <= 9);  // and identify's
  }
  siege.world.run_for(1s);
  CHECK(
      says(siege.victim.host, "libp2p_streams_refused_total{reason=\"too_many_of_connection\"} 1"));
  streams.clear();
}

TEST_CASE("identify storm: pushes above a rate are reset unread, and counted") {
  Siege siege;
  Running attack(siege);
  siege.world.run_for(1s);
  identify::Info news;
  const auto start = siege.world.now();
  for (int i = 0; i < 100; ++i) {
    news.agent_version = "storm/" + std::to_string(i);
    push(siege, *attack.connection, news);
  }
  const auto seconds = static_cast<std::size_t>((siege.world.now() - start) / 1s);
  const auto read = siege.victim.count(Kind::identified);
  CHECK(read >= 16);
  CHECK(read <= 17 + seconds);
  CHECK(says(siege.victim.host, "libp2p_streams_refused_total{reason=\"identify_push_rate\"}"));
  siege.world.run_for(5s);
  push(siege, *attack.connection, news);
  CHECK(siege.victim.count(Kind::identified) == read + 1);
}

TEST_CASE("hostile: silent connections of one address keep only their own like out") {
  Siege siege({.handshakes_max = 4});
  std::vector<std::unique_ptr<rt::Stream>> silent;
  for (int i = 0; i < 8; ++i) {
    silent.push_back(siege.attacker.dial());
  }
  siege.world.run_for(100ms);
  CHECK(siege.victim.count(Kind::failed) == 4);
  CHECK(siege.world.run(siege.friendly.host.connect(siege.victim.address)));
  siege.world.run_for(100ms);
  CHECK(siege.victim.count(Kind::failed) == 5);  // one made room
  const auto& reason = *siege.victim.last(Kind::failed)->reason;
  CHECK(reason.cause == CloseCause::limit);
  CHECK(reason.error->is(limits::limit_error(limits::Resource::connections,
                                             limits::Scope::transient, Direction::inbound)));
  CHECK(siege.victim.host.resources().transient().connections[0] == 3);
}
