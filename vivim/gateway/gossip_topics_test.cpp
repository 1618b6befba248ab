// Topics of the API over a gossip service, in the simulated world.
#include "vivim/gateway/gossip_topics.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"

namespace vivim::gateway::test {

namespace {

using namespace std::chrono_literals;
namespace gossipsub = libp2p::gossipsub;

struct TopicsPeer {
  explicit TopicsPeer(rt::sim::Node& node_)
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key}, node.loop(), node.network(), node.rng()),
        service(host, node.loop(), node.rng(), options()),
        topics(node.loop(), events) {
    REQUIRE(service.start());
    topics.attach(&service);
  }
  gossipsub::ServiceOptions options() const {
    gossipsub::ServiceOptions made;
    made.router.signer = libp2p::record::Signer::of(key);
    return made;
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  libp2p::Host host;
  gossipsub::Service service;
  EventHub events;
  GossipTopics topics;
};

struct Two {
  Two() {
    const auto address =
        a.host
            .listen(libp2p::Multiaddr::parse("/ip4/" + a.node.ip().to_string() + "/tcp/1").value())
            .value()
            .with_peer(a.host.peer_id())
            .value();
    REQUIRE(world.run(b.host.connect(address)));
    REQUIRE(world.run(a.topics.subscribe("t")));
    REQUIRE(world.run(b.topics.subscribe("t")));
    world.run_for(3s);
  }
  ~Two() {
    for (TopicsPeer* peer : {&a, &b}) {
      peer->topics.attach(nullptr);
      world.run(peer->host.stop());
      world.run(peer->service.stop());
    }
  }

  rt::sim::World world{3};
  TopicsPeer a{world.add_node("a")};
  TopicsPeer b{world.add_node("b")};
};

}  // namespace

TEST_CASE("topics: what one publishes the other keeps") {
  Two two;
  CHECK(two.world.run(two.a.topics.topics())->at(0).mesh_peers == 1);
  CHECK(two.world.run(two.a.topics.publish("t", to_bytes("hello")))->peers == 1);
  two.world.run_for(1s);
  const auto got = two.world.run(two.b.topics.messages("t", 0));
  REQUIRE(got->messages.size() == 1);
  CHECK(as_text(got->messages[0].data) == "hello");
  CHECK(got->messages[0].author == two.a.host.peer_id().to_string());
  CHECK(two.world.run(two.b.topics.messages("t", got->last))->messages.empty());
  // Our own are no news to us.
  CHECK(two.world.run(two.a.topics.messages("t", 0))->messages.empty());
}

TEST_CASE("topics: what is kept is bounded") {
  Two two;
  for (std::size_t i = 0; i < k_topic_messages_max + 100; ++i) {
    REQUIRE(two.world.run(two.a.topics.publish("t", to_bytes("m" + std::to_string(i)))));
    two.world.run_for(5ms);
  }
  two.world.run_for(2s);
  CHECK(two.world.run(two.b.topics.messages("t", 0))->messages.size() == k_topic_messages_max);
  CHECK(two.world.run(two.b.topics.messages("t", 0))->last == k_topic_messages_max + 100);
  for (std::size_t i = 0; i < 12; ++i) {
    Bytes large(900'000, static_cast<std::uint8_t>(i));
    REQUIRE(two.world.run(two.a.topics.publish("t", std::move(large))));
    two.world.run_for(1s);
  }
  CHECK(two.world.run(two.b.topics.messages("t", 0))->messages.size() == 9);
  for (std::size_t i = 1; i < k_api_topics_max; ++i) {
    REQUIRE(two.world.run(two.a.topics.subscribe(std::to_string(i))));
  }
  const auto refused = two.world.run(two.a.topics.subscribe("one more"));
  CHECK(refused.error().code == "too_many_topics");
}

TEST_CASE("topics: a topic of the node's own is not left with the API's") {
  Two two;
  REQUIRE(two.a.service.subscribe("own"));
  CHECK(two.world.run(two.a.topics.subscribe("own")).value());
  CHECK_FALSE(two.world.run(two.a.topics.subscribe("own")).value());
  CHECK(two.world.run(two.a.topics.unsubscribe("own")));
  CHECK(two.a.service.router().subscribed("own"));
  // Nor when the API was in it first; and who judges its messages is not put aside.
  CHECK(two.world.run(two.a.topics.subscribe("later")).value());
  REQUIRE(two.a.service.subscribe("later", {.validate = true}));
  CHECK(two.world.run(two.a.topics.unsubscribe("later")));
  CHECK(two.a.service.router().subscribed("later"));
  CHECK(two.world.run(two.a.topics.subscribe("later")).value());
  REQUIRE(two.world.run(two.b.topics.subscribe("later")));
  std::size_t judged = 0;
  const auto observed = two.a.service.observe([&](const libp2p::gossipsub::Event& event) {
    judged += std::holds_alternative<libp2p::gossipsub::ToValidate>(event) ? 1 : 0;
  });
  two.world.run_for(2s);
  REQUIRE(two.world.run(two.b.topics.publish("later", to_bytes("x"))));
  two.world.run_for(2s);
  CHECK(judged == 1);
  CHECK(two.world.run(two.a.topics.unsubscribe("later")));
  two.a.service.unsubscribe("later");
  CHECK_FALSE(two.a.service.router().subscribed("later"));
  CHECK(two.world.run(two.a.topics.unsubscribe("t")));
  CHECK_FALSE(two.a.service.router().subscribed("t"));
  CHECK(two.world.run(two.a.topics.unsubscribe("t")).error().code == "not_subscribed");
  CHECK(two.world.run(two.a.topics.publish("", {})).error().code == "bad_topic");
  two.a.topics.attach(nullptr);
  CHECK(two.world.run(two.a.topics.topics()).error().code == "no_gossip");
  two.a.topics.attach(&two.a.service);
}

}  // namespace vivim::gateway::test
