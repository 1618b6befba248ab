// Partial messages: who gets parts, who whole messages, who is told of groups.
#include "vivim/libp2p/gossipsub/router_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

namespace {

struct Parts {
  explicit Parts(PartialMode mode) {
    REQUIRE(bench.router.subscribe("t", {.partial = mode}, bench.now));
  }

  PeerIndex add(std::uint8_t number, wire::Subscription subscription, bool extension = true,
                bool graft = true) {
    const PeerIndex peer = bench.add(number, {.protocol = Protocol::v1_3});
    subscription.topic = "t";
    subscription.subscribe = true;
    Bytes fields;
    Bytes control;
    wire::append_subscription(fields, subscription);
    if (extension) {
      wire::append_extensions(control, {.partial_messages = true});
    }
    if (graft) {
      wire::append_graft(control, "t");
    }
    REQUIRE(bench.say(peer, wire::frame(fields, control)));
    (void)bench.got(peer);
    return peer;
  }

  Bench bench;
  Bytes group{1, 2, 3};
  Bytes part{4};
};

}  // namespace

TEST_CASE("partial: we say in which topics we want parts, to whom understands it") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {.partial = PartialMode::requests}, bench.now));
  const PeerIndex newer = bench.add(2, {.protocol = Protocol::v1_3});
  const PeerIndex older = bench.add(3, {.protocol = Protocol::v1_2});
  const wire::Rpc hello = bench.got(newer);
  CHECK(hello.extensions->partial_messages);
  CHECK(hello.subscriptions.at(0).requests_partial);
  CHECK(hello.subscriptions.at(0).supports_partial);
  const wire::Rpc old_hello = bench.got(older);
  CHECK_FALSE(old_hello.extensions);
  CHECK_FALSE(old_hello.subscriptions.at(0).requests_partial);
}

TEST_CASE("partial: who wants parts gets no whole messages, others do") {
  Parts f(PartialMode::supports);
  const PeerIndex wants = f.add(2, {.requests_partial = true});
  const PeerIndex sends = f.add(3, {.supports_partial = true});
  const PeerIndex mute = f.add(4, {.requests_partial = true}, false);
  const auto published = f.bench.router.publish("t", as_bytes("hello"), f.bench.now);
  f.bench.settle();
  CHECK(published->peers == 2);
  CHECK(f.bench.got(wants).publish.empty());
  CHECK(f.bench.got(sends).publish.size() == 1);
  CHECK(f.bench.got(mute).publish.size() == 1);
}

TEST_CASE("partial: parts go to who asked for them, what there is to all who can send") {
  Parts f(PartialMode::requests);
  const PeerIndex wants = f.add(2, {.requests_partial = true});
  const PeerIndex sends = f.add(3, {.supports_partial = true});
  (void)f.add(4, {});
  const auto peers = f.bench.router.publish_partial("t", f.group);
  REQUIRE(peers);
  REQUIRE(peers->size() == 2);
  CHECK((*peers)[0].index == wants);
  CHECK((*peers)[0].requests);
  CHECK((*peers)[1].index == sends);
  CHECK_FALSE((*peers)[1].requests);
  for (const PartialPeer& peer : *peers) {
    CHECK(f.bench.router.send_partial(
        peer.index,
        {.topic = "t", .group = f.group, .message = f.part, .metadata = BytesView(f.part)}));
  }
  f.bench.settle();
  const wire::Rpc parts = f.bench.got(wants);
  REQUIRE(parts.partial);
  CHECK(parts.partial->message);
  CHECK(parts.partial->metadata);
  const wire::Rpc told = f.bench.got(sends);
  REQUIRE(told.partial);
  CHECK_FALSE(told.partial->message);
  CHECK(told.partial->metadata);
}

TEST_CASE("partial: two routers exchange parts") {
  Swarm swarm(2);
  swarm.subscribe_all("t", {.partial = PartialMode::requests});
  swarm.link(0, 1);
  swarm.beat(2);
  const Bytes group{1};
  const Bytes part{2};
  const auto peers = swarm.at(0).publish_partial("t", group);
  REQUIRE(peers);
  REQUIRE(peers->size() == 1);
  REQUIRE(swarm.at(0).send_partial(peers->at(0).index,
                                   {.topic = "t", .group = group, .message = part}));
  swarm.settle();
  REQUIRE(swarm.told(1).partial.size() == 1);
  const PartialReceived& got = swarm.told(1).partial[0];
  CHECK(got.peer == swarm.at(0).self());
  CHECK(got.group == group);
  CHECK(got.message == part);
  CHECK_FALSE(got.metadata);
}

TEST_CASE("partial: gossip tells the application of peers outside the mesh, once") {
  Parts f(PartialMode::requests);
  for (std::uint8_t i = 2; i < 14; ++i) {
    (void)f.add(i, {.requests_partial = true});
  }
  const PeerIndex outside = f.add(20, {.requests_partial = true}, true, false);
  (void)f.bench.router.publish_partial("t", f.group);
  CHECK(f.bench.told.partial_gossip.empty());
  f.bench.beat();
  REQUIRE(f.bench.told.partial_gossip.size() == 1);
  CHECK(f.bench.told.partial_gossip[0].group == f.group);
  CHECK(std::ranges::find(f.bench.told.partial_gossip[0].peers, peer_of(20)) !=
        f.bench.told.partial_gossip[0].peers.end());
  f.bench.beat(3);
  std::size_t told = 0;
  for (const PartialGossip& gossip : f.bench.told.partial_gossip) {
    told += static_cast<std::size_t>(std::ranges::count(gossip.peers, peer_of(20)));
  }
  CHECK(told == 1);
  CHECK(f.bench.got(outside).ihave.empty());
}

TEST_CASE("partial: errors") {
  Parts f(PartialMode::supports);
  const PeerIndex whole = f.add(2, {});
  const wire::Partial partial{.topic = "t", .group = f.group};
  CHECK(f.bench.router.send_partial(whole, partial).error().is(GossipsubError::no_partial));
  CHECK(
      f.bench.router.send_partial(PeerIndex{99}, partial).error().is(GossipsubError::unknown_peer));
  CHECK(f.bench.router.publish_partial("u", f.group).error().is(GossipsubError::no_partial));
  const PeerIndex wants = f.add(3, {.requests_partial = true});
  const Bytes large(f.bench.router.options().limits.message_bytes_max + 1);
  CHECK(f.bench.router.send_partial(wants, {.topic = "t", .group = f.group, .message = large})
            .error()
            .is(GossipsubError::too_large));
}
