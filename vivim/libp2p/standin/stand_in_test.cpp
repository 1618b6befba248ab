#include "vivim/libp2p/standin/stand_in.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/host/host.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view k_word = "/vivim/test/word/1";

struct TestHost {
  TestHost(rt::sim::Node& node_, standin::StandInAuthority& authority, std::uint8_t byte,
           const crypto::KeyPair* claimed = nullptr)
      : node(node_),
        key(crypto::KeyPair::from_seed(
            crypto::Ed25519Seed(Bytes(crypto::k_ed25519_seed_bytes, byte)))),
        host({.key = key,
              .securities = securities(authority, claimed == nullptr ? key : *claimed, node.rng())},
             node.loop(), node.network(), node.rng()) {
    address = host.listen(Multiaddr::from_tcp(node.ip().to_string(), 4001).value())
                  .value()
                  .with_peer(host.peer_id())
                  .value();
    CHECK(host.handle(std::string(k_word), [this](InboundStream inbound) -> rt::Co<void> {
      Bytes buffer(10);
      const auto read = co_await rt::read_exactly(*inbound.stream, buffer);
      if (read) {
        heard = std::string(as_text(buffer));
        from = inbound.peer;
        CHECK(co_await inbound.stream->close_write());
      }
    }));
  }
  static std::vector<std::unique_ptr<Security>> securities(standin::StandInAuthority& authority,
                                                           const crypto::KeyPair& as,
                                                           rt::Rng& rng) {
    std::vector<std::unique_ptr<Security>> all;
    all.push_back(authority.security_for(as, rng));
    return all;
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  Multiaddr address;
  std::string heard;
  std::optional<PeerId> from;
};

rt::Co<void> say(Host& host, PeerId peer) {
  const std::vector<std::string> protocols{std::string(k_word)};
  auto opened = co_await host.open_stream(peer, protocols);
  REQUIRE(opened);
  REQUIRE(co_await opened->stream->write(as_bytes("0123456789")));
  REQUIRE(co_await opened->stream->close_write());
  Bytes end(1);
  CHECK(co_await opened->stream->read_some(end) == 0);
}

rt::Co<void> stop(TestHost& a, TestHost& b) {
  co_await a.host.stop();
  co_await b.host.stop();
}

}  // namespace

TEST_CASE(
    "stand-in: hosts connect, know each other, and need no more round trips than with Noise") {
  rt::sim::World world(1);
  world.set_default_link({.latency = 50ms});
  standin::StandInAuthority authority(world);
  TestHost alice(world.add_node("alice"), authority, 1);
  TestHost bob(world.add_node("bob"), authority, 2);
  const auto begin = world.now();
  const auto connected = world.run(alice.host.connect(bob.address));
  REQUIRE(connected);
  CHECK(*connected == bob.host.peer_id());
  CHECK(world.now() - begin == 200ms);  // TCP's round trip and that of the handshake
  world.run(say(alice.host, *connected));
  CHECK(bob.heard == "0123456789");
  CHECK(bob.from == alice.host.peer_id());
  CHECK(alice.host.peers().front().security == standin::k_protocol_id);
  CHECK(alice.host.peers().front().muxer == "/yamux/1.0.0");
  world.run(stop(alice, bob));
}

TEST_CASE(
    "stand-in: another peer than the expected one, and one that proves nothing, are refused") {
  rt::sim::World world(1);
  standin::StandInAuthority authority(world);
  standin::StandInAuthority false_authority(world);
  TestHost alice(world.add_node("alice"), authority, 1);
  TestHost bob(world.add_node("bob"), authority, 2);
  // Mallory says to be Bob, at an address of hers, but has no word for it.
  TestHost mallory(world.add_node("mallory"), false_authority, 3, &bob.key);
  const auto to_bob_at_mallory = Multiaddr::from_tcp(mallory.node.ip().to_string(), 4001)
                                     .value()
                                     .with_peer(bob.host.peer_id())
                                     .value();
  const auto unproven = world.run(alice.host.connect(to_bob_at_mallory));
  REQUIRE_FALSE(unproven);
  CHECK(unproven.error().is(standin::StandInError::unproven));
  const auto to_carol_at_bob = Multiaddr::from_tcp(bob.node.ip().to_string(), 4001)
                                   .value()
                                   .with_peer(mallory.host.peer_id())
                                   .value();
  const auto other = world.run(alice.host.connect(to_carol_at_bob));
  REQUIRE_FALSE(other);
  CHECK(other.error().is(standin::StandInError::wrong_peer));
  CHECK_FALSE(world.run(mallory.host.connect(alice.address)));
  world.run_for(1s);
  CHECK(alice.host.peers().empty());
  world.run(mallory.host.stop());
  world.run(stop(alice, bob));
}

TEST_CASE("stand-in: a host with Noise alone does not speak it") {
  rt::sim::World world(1);
  standin::StandInAuthority authority(world);
  TestHost alice(world.add_node("alice"), authority, 1);
  rt::sim::Node& node = world.add_node("real");
  const auto key = crypto::KeyPair::from_seed(
      crypto::Ed25519Seed(Bytes(crypto::k_ed25519_seed_bytes, std::uint8_t{9})));
  Host real({.key = key}, node.loop(), node.network(), node.rng());
  CHECK_FALSE(world.run(real.connect(alice.address)));
  const auto at = real.listen(Multiaddr::from_tcp(node.ip().to_string(), 4001).value());
  REQUIRE(at);
  CHECK_FALSE(world.run(alice.host.connect(at->with_peer(real.peer_id()).value())));
  world.run(real.stop());
  world.run(alice.host.stop());
}

TEST_CASE("stand-in: messages that are none") {
  using standin::StandInError;
  const auto key = crypto::KeyPair::from_seed(
      crypto::Ed25519Seed(Bytes(crypto::k_ed25519_seed_bytes, std::uint8_t{9})));
  const standin::Hello hello{
      .nonce = {1, 2, 3},
      .identity = standin::Hello::Identity{.peer = multiformats::PeerId::of(key),
                                           .proof = {4, 5},
                                           .muxers = {"/yamux/1.0.0", "/mplex/6.7.0"}}};
  const Bytes whole = standin::encode(hello);
  const BytesView message = BytesView(whole).subspan(2);
  const auto decoded = standin::decode(message);
  REQUIRE(decoded);
  REQUIRE(decoded->identity);
  CHECK(decoded->identity->peer == hello.identity->peer);
  CHECK(decoded->identity->muxers == hello.identity->muxers);
  std::size_t refused = 0;
  for (std::size_t n = 0; n < message.size(); ++n) {
    const auto part = standin::decode(message.first(n));
    refused += part ? 0 : 1;
    CHECK((part || part.error().is(StandInError::malformed)));
  }
  // The nonce alone, and an identity with no muxers or one of two, are whole messages.
  CHECK(refused == message.size() - 3);
  Bytes many(message.begin(), message.end());
  for (std::size_t i = 0; i < standin::k_muxers_max; ++i) {
    many.push_back(0);
  }
  CHECK_FALSE(standin::decode(many));
}
