#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/message/circle_sync.hpp"
#include "vivim/message/gossip_circles.hpp"
#include "vivim/message/members_test_detail.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::message::test {

inline libp2p::gossipsub::ServiceOptions signed_by(const crypto::KeyPair& key) {
  libp2p::gossipsub::ServiceOptions options;
  options.router.signer = Signer::of(key);
  return options;
}

/// A whole host on a simulated machine that gossips and is in circles. It can die at any moment and
/// come back with what its disk kept.
class Villager {
 public:
  Villager(rt::sim::World& world, std::uint64_t number, CircleSyncOptions options = {})
      : world_(world),
        node_(world.add_node("m" + std::to_string(number))),
        key_(key_pair(number)),
        options_(options) {
    start();
  }
  ~Villager() {
    if (circles_) {
      stop(true);
    }
  }
  Villager(const Villager&) = delete;
  Villager& operator=(const Villager&) = delete;

  void start() {
    worker_ = node_.make_worker();
    store::StoreOptions options{
        .database = {.path = "vivim.db", .disk = &node_.disk(), .random_seed = 7}};
    store_ = std::move(world_.run(store::Store::open(node_.loop(), *worker_, options)).value());
    host_.emplace(libp2p::HostOptions{.key = key_}, node_.loop(), node_.network(), node_.rng());
    address_ =
        host_
            ->listen(
                libp2p::Multiaddr::parse("/ip4/" + node_.ip().to_string() + "/tcp/4001").value())
            .value()
            .with_peer(host_->peer_id())
            .value();
    service_.emplace(*host_, node_.loop(), node_.rng(), signed_by(key_));
    binding_.emplace(*service_);
    circles_.emplace(node_.loop(), *store_, node_.rng(), Signer::of(key_), binding_->gossip(),
                     CirclesOptions{.on_message = [this](const CircleMessage& said) {
                       ++heard[std::string(as_text(said.message.payload))];
                       orders.push_back(said.order);
                       saids.push_back(said.message);
                     }});
    sync_.emplace(*host_, node_.loop(), node_.rng(), *circles_, options_);
    binding_->on_neighbour(
        [this](const PeerId& peer, const CircleId& circle) { sync_->ask(peer, circle); });
    REQUIRE(world_.run(circles_->start()));
    binding_->attach(&*circles_);
    REQUIRE(sync_->start());
    REQUIRE(service_->start());
  }
  void stop(bool orderly) {
    world_.run(host_->stop());
    world_.run(service_->stop());
    binding_->attach(nullptr);
    world_.run(sync_->stop());
    world_.run(circles_->stop());
    sync_.reset();
    circles_.reset();
    binding_.reset();
    service_.reset();
    if (orderly) {
      REQUIRE(world_.run(store_->close()));
    }
    host_.reset();
    store_.reset();
    worker_.reset();
  }
  void crash() {
    node_.crash();
    stop(false);
  }
  void start_again() {
    node_.restart();
    start();
  }

  rt::sim::Node& node() { return node_; }
  const crypto::KeyPair& key() const { return key_; }
  libp2p::Host& host() { return *host_; }
  libp2p::gossipsub::Service& service() { return *service_; }
  Circles& circles() { return *circles_; }
  CircleSync& sync() { return *sync_; }
  const libp2p::Multiaddr& address() const { return address_; }

  std::map<std::string, int> heard;  ///< of all lives
  std::vector<Order> orders;
  std::vector<Message> saids;

 private:
  rt::sim::World& world_;
  rt::sim::Node& node_;
  crypto::KeyPair key_;
  CircleSyncOptions options_;
  libp2p::Multiaddr address_ = libp2p::Multiaddr::parse("/ip4/127.0.0.1/tcp/1").value();
  std::unique_ptr<rt::Worker> worker_;
  std::unique_ptr<store::Store> store_;
  std::optional<libp2p::Host> host_;
  std::optional<libp2p::gossipsub::Service> service_;
  std::optional<GossipCircles> binding_;
  std::optional<Circles> circles_;
  std::optional<CircleSync> sync_;
};

/// Some of them, each connected with the next.
struct Village {
  explicit Village(std::uint64_t seed, std::size_t members) : world(seed) {
    world.set_default_link({.latency = std::chrono::milliseconds(30)});
    for (std::size_t i = 0; i < members; ++i) {
      people.push_back(std::make_unique<Villager>(world, i + 1));
    }
    for (std::size_t i = 1; i < members; ++i) {
      connect(i, i - 1);
    }
  }
  void connect(std::size_t from, std::size_t to) {
    REQUIRE(world.run(people[from]->host().connect(people[to]->address())));
  }
  CircleTopic join(std::size_t who, std::uint8_t secret) {
    return {
        .circle =
            world.run(people[who]->circles().join(CircleSecret(Bytes(32, secret)), "village"))->id,
        .subtopic = {}};
  }
  CircleTopic join_all(std::uint8_t secret) {
    CircleTopic topic;
    for (std::size_t i = 0; i < people.size(); ++i) {
      topic = join(i, secret);
    }
    world.run_for(std::chrono::seconds(5));
    return topic;
  }
  void say(std::size_t who, const CircleTopic& topic, const std::string& text) {
    REQUIRE(world.run(people[who]->circles().publish(topic, to_bytes(text))));
  }

  rt::sim::World world;
  std::vector<std::unique_ptr<Villager>> people;
};

}  // namespace vivim::message::test
