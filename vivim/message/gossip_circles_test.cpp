// Circles over whole hosts that gossip: members at the ends, others between them.
#include "vivim/message/gossip_circles.hpp"

#include <map>
#include <set>

#include <doctest/doctest.h>

#include "vivim/message/members_test_detail.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;
namespace gossipsub = vivim::libp2p::gossipsub;

namespace {

gossipsub::ServiceOptions signed_by(const crypto::KeyPair& key) {
  gossipsub::ServiceOptions options;
  options.router.signer = Signer::of(key);
  return options;
}

struct Member {
  Member(rt::sim::World& world_, std::uint64_t number)
      : world(world_),
        node(world.add_node("m" + std::to_string(number))),
        key(key_pair(number)),
        worker(node.make_worker()),
        host({.key = key}, node.loop(), node.network(), node.rng()),
        service(host, node.loop(), node.rng(), signed_by(key)),
        binding(service),
        address(
            host.listen(
                    libp2p::Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
                .value()
                .with_peer(host.peer_id())
                .value()) {
    store::StoreOptions options{
        .database = {.path = "vivim.db", .disk = &node.disk(), .random_seed = 7}};
    store = std::move(world.run(store::Store::open(node.loop(), *worker, options)).value());
    circles.emplace(node.loop(), *store, node.rng(), Signer::of(key), binding.gossip(),
                    CirclesOptions{.on_message = [this](const CircleMessage& said) {
                      ++heard[std::string(as_text(said.message.payload))];
                      orders.push_back(said.order);
                    }});
    REQUIRE(world.run(circles->start()));
    binding.attach(&*circles);
    REQUIRE(service.start());
  }
  ~Member() {
    world.run(host.stop());
    world.run(service.stop());
    binding.attach(nullptr);
    world.run(circles->stop());
    circles.reset();
    REQUIRE(world.run(store->close()));
  }
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  rt::sim::World& world;
  rt::sim::Node& node;
  crypto::KeyPair key;
  std::unique_ptr<rt::Worker> worker;
  std::unique_ptr<store::Store> store;
  libp2p::Host host;
  gossipsub::Service service;
  GossipCircles binding;
  std::optional<Circles> circles;
  libp2p::Multiaddr address;
  std::map<std::string, int> heard;
  std::vector<Order> orders;
};

struct Village {
  explicit Village(std::uint64_t seed, std::size_t members) : world(seed) {
    world.set_default_link({.latency = 30ms});
    for (std::size_t i = 0; i < members; ++i) {
      people.push_back(std::make_unique<Member>(world, i + 1));
    }
    for (std::size_t i = 1; i < members; ++i) {
      REQUIRE(world.run(people[i]->host.connect(people[i - 1]->address)));
    }
  }
  CircleTopic join_all(std::uint8_t secret) {
    CircleTopic topic;
    for (auto& person : people) {
      topic.circle =
          world.run(person->circles->join(CircleSecret(Bytes(32, secret)), "village"))->id;
    }
    world.run_for(5s);
    return topic;
  }
  void say(std::size_t who, const CircleTopic& topic, const std::string& text) {
    REQUIRE(world.run(people[who]->circles->publish(topic, to_bytes(text))));
  }

  rt::sim::World world;
  std::vector<std::unique_ptr<Member>> people;
};

}  // namespace

TEST_CASE("gossip circles: what one says, all hear once, causes first") {
  Village village(1, 6);
  const auto topic = village.join_all(1);
  for (int i = 0; i < 30; ++i) {
    village.say(village.world.rng().below(6), topic, std::to_string(i));
    village.world.run_for(std::chrono::milliseconds(village.world.rng().below(300)));
  }
  village.world.run_for(1min);
  std::map<std::string, int> total;
  for (const auto& person : village.people) {
    for (const auto& [text, times] : person->heard) {
      CHECK(times == 1);
      total[text] += times;
    }
    for (const auto order : person->orders) {
      CHECK(order == Order::causal);
    }
  }
  CHECK(total.size() == 30);
  for (const auto& [text, times] : total) {
    CHECK(times == 5);
  }
}

TEST_CASE("gossip circles: what is not by a member is not passed on, and costs its carrier") {
  Village village(2, 3);
  const auto topic = village.join_all(1);
  // The first has another secret, and says in this topic what nobody can open.
  auto& stranger = *village.people[0];
  const Circle other(CircleSecret(Bytes(32, 9)));
  Message message{.id = message_id(1),
                  .time_ms = stranger.node.clock().wall_now_ms(),
                  .lifetime = 1h,
                  .from = stranger.host.peer_id(),
                  .to = topic.to_text(),
                  .payload = other.seal(stranger.host.peer_id(), topic.to_text(), Bytes{1},
                                        [&](MutableBytes out) { stranger.node.rng().fill(out); })};
  REQUIRE(
      stranger.service.publish(topic.to_text(), seal(Signer::of(stranger.key), message).value()));
  village.world.run_for(10s);
  CHECK(village.people[1]->circles->counts().refused == 1);
  CHECK(village.people[2]->circles->counts().refused == 0);
  CHECK(village.people[1]->heard.empty());
}
