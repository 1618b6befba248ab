#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "vivim/libp2p/kad/dht.hpp"
#include "vivim/libp2p/kad/kad_test_detail.hpp"
#include "vivim/libp2p/standin/stand_in.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::libp2p::kad::test {

/// What a host is made of, secured by a stand-in: hundreds of handshakes are cheap then.
inline HostOptions host_options(standin::StandInAuthority& authority, const crypto::KeyPair& key,
                                rt::sim::Node& machine, const HostLimits& limits = {}) {
  HostOptions options{.key = key, .limits = limits};
  options.securities.push_back(authority.security_for(key, machine.rng()));
  return options;
}

/// A node of the DHT: a whole host on a machine of the simulated world.
struct DhtNode {
  DhtNode(rt::sim::World& world, standin::StandInAuthority& authority, std::size_t index,
          DhtOptions options, const HostLimits& limits = {})
      : machine(world.add_node("n" + std::to_string(index))),
        key(key_pair(index + 1)),
        host(host_options(authority, key, machine, limits), machine.loop(), machine.network(),
             machine.rng()),
        dht(host, machine.rng(), record::Signer::of(key), std::move(options)),
        address(
            host.listen(Multiaddr::parse("/ip4/" + machine.ip().to_string() + "/tcp/4001").value())
                .value()
                .with_peer(host.peer_id())
                .value()) {
    VIVIM_ASSERT(dht.start().has_value());
  }
  PeerId peer() const { return host.peer_id(); }

  rt::sim::Node& machine;
  crypto::KeyPair key;
  Host host;
  Dht dht;
  Multiaddr address;
};

/// So many nodes, each of which was told of the first one. Stopped when it goes.
struct DhtNetwork {
  explicit DhtNetwork(std::size_t count, std::uint64_t seed = 7, DhtOptions options = server())
      : world(seed), authority(world) {
    world.set_default_link({.latency = std::chrono::milliseconds(20)});
    for (std::size_t i = 0; i < count; ++i) {
      add(copy(options));
    }
    world.run_for(std::chrono::seconds(60));
  }
  ~DhtNetwork() {
    for (auto& node : nodes) {
      if (node) {
        stop(*node);
      }
    }
  }
  DhtNetwork(const DhtNetwork&) = delete;
  DhtNetwork& operator=(const DhtNetwork&) = delete;

  static DhtOptions server() { return {.mode = Mode::server}; }
  /// Validators are not copied: tests use the standard ones.
  static DhtOptions copy(const DhtOptions& from) {
    return {.mode = from.mode,
            .rpc = from.rpc,
            .query = from.query,
            .regions = from.regions,
            .table = from.table,
            .records = from.records,
            .providers = from.providers,
            .server = from.server,
            .times = from.times,
            .limits = from.limits,
            .known = from.known,
            .held = from.held};
  }

  DhtNode& add(DhtOptions options) {
    nodes.push_back(std::make_unique<DhtNode>(world, authority, made++, std::move(options)));
    if (nodes.size() > 1 && nodes[0]) {
      (void)world.run(nodes.back()->host.connect(nodes[0]->address));
    }
    return *nodes.back();
  }
  void stop(DhtNode& node) {
    node.dht.quit();
    world.run(node.host.stop());
    world.run(node.dht.stop());
  }
  /// The node goes without a word.
  void remove(std::size_t index) {
    stop(*nodes[index]);
    nodes[index].reset();
  }
  DhtNode& operator[](std::size_t index) { return *nodes[index]; }

  rt::sim::World world;
  standin::StandInAuthority authority;
  std::size_t made = 0;
  std::vector<std::unique_ptr<DhtNode>> nodes;
};

/// A key of content, as content is provided: a multihash.
inline Bytes content(std::uint64_t number) {
  return multiformats::Multihash::sha256_of(as_bytes("content " + std::to_string(number))).bytes();
}

}  // namespace vivim::libp2p::kad::test
