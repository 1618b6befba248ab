#include "vivim/libp2p/limits/limits.hpp"

#include <random>
#include <set>

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/limits/resource_manager.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::limits;
using multiformats::PeerId;

namespace {

constexpr auto k_in = Direction::inbound;
constexpr auto k_out = Direction::outbound;

PeerId peer(std::uint8_t seed) {
  return PeerId::of(crypto::KeyPair::generate(
      [seed](MutableBytes out) { std::fill(out.begin(), out.end(), seed); }));
}

Machine machine(std::uint64_t gib, std::uint64_t descriptors) {
  return {.memory_bytes = gib << 30, .file_descriptors = descriptors};
}

}  // namespace

TEST_CASE("limits: every limit has an error of its own that says how to raise it") {
  std::set<std::string> messages;
  for (const auto resource : k_resources) {
    for (const auto scope : k_scopes) {
      for (const auto side : {k_in, k_out}) {
        const Error error(limit_error(resource, scope, side), 7);
        CHECK(is_limit_error(error));
        CHECK(error.blame() == Blame::transient);
        CHECK(error.message().find(config_key(resource, scope, side)) != std::string::npos);
        messages.insert(error.message());
      }
    }
  }
  CHECK(messages.size() == 40);
  CHECK(config_key(Resource::connections, Scope::system, k_in) ==
        "limits.system.connections_inbound");
  CHECK(config_key(Resource::memory, Scope::peer, k_out) == "limits.peer.memory_bytes");
  const Refusal refusal{.resource = Resource::streams,
                        .scope = Scope::peer,
                        .side = k_out,
                        .current = 9,
                        .asked = 1,
                        .limit = 9};
  CHECK(refusal.to_string() ==
        "streams of one peer: 9 of 9 in use, 1 more asked for by this side; raise "
        "limits.peer.streams_outbound");
}

TEST_CASE("limits: every limit is found by the key that its error names") {
  Limits limits;
  std::set<std::uint64_t*> found;
  for (const auto scope : k_scopes) {
    for (const auto resource : k_resources) {
      for (const auto side : {Direction::inbound, Direction::outbound}) {
        const auto key = config_key(resource, scope, side);
        const auto name = key.substr(key.rfind('.') + 1);
        auto* limit = find_limit(limits, to_string(scope), name);
        REQUIRE((limit != nullptr) == is_counted(resource, scope, side));
        if (limit != nullptr) {
          found.insert(limit);
        }
      }
    }
  }
  CHECK(found.size() == 4 * 6 + 3);
  CHECK(find_limit(limits, "peer", "streams") == &limits.peer.streams);
  CHECK(find_limit(limits, "peer", "dreams") == nullptr);
  CHECK(find_limit(limits, "address", "streams") == nullptr);
  CHECK(find_limit(limits, "address", "connections") == nullptr);
  CHECK(find_limit(limits, "galaxy", "streams") == nullptr);
}

TEST_CASE("limits: scaled from the machine") {
  const Limits small = scaled_limits(machine(1, 1024));
  const Limits large = scaled_limits(machine(64, 1'000'000));
  CHECK(small.system.connections == 256);
  CHECK(small.system.file_descriptors == 512);
  CHECK(large.system.connections == 128 + 4096);
  CHECK(large.system.memory_bytes == std::uint64_t{4} << 30);
  for (const auto gib : {0, 1, 3, 1000}) {
    for (const auto descriptors : {0, 1, 64, 1 << 20}) {
      const Limits limits = scaled_limits(machine(gib, descriptors));
      CHECK(limits.system.connections >= 1);
      CHECK(limits.system.connections <= 8192);
      CHECK(limits.system.connections <=
            std::max<std::uint64_t>(1, limits.system.file_descriptors));
      CHECK(limits.transient.connections <= limits.system.connections);
      CHECK(limits.peer.memory_bytes < limits.system.memory_bytes);
    }
  }
}

TEST_CASE("resource manager: connections count for the node, then for their peer too") {
  ResourceManager manager({.system = {.connections_inbound = 3, .connections = 4},
                           .transient = {.connections_inbound = 2},
                           .peer = {.connections = 1}});
  auto first = manager.open_connection(k_in, 1, 100);
  auto second = manager.open_connection(k_in, 1, 100);
  REQUIRE(first);
  REQUIRE(second);
  const auto third = manager.open_connection(k_in, 1, 100);
  CHECK(third.error().is(limit_error(Resource::connections, Scope::transient, k_in)));
  CHECK(third.error().detail() == 2);
  CHECK(first->assign_peer(peer(1)));
  CHECK(manager.transient().connections[0] == 1);
  CHECK(manager.of(peer(1)).memory_bytes == 100);
  CHECK(second->assign_peer(peer(1)).error().is(
      limit_error(Resource::connections, Scope::peer, k_in)));
  CHECK(manager.last_refusal()->current == 1);
  CHECK(second->assign_peer(peer(2)));
  auto fourth = manager.open_connection(k_in, 1, 100);
  REQUIRE(fourth);
  CHECK(manager.open_connection(k_in, 1, 100)
            .error()
            .is(limit_error(Resource::connections, Scope::system, k_in)));
  auto out = manager.open_connection(k_out, 1, 100);
  REQUIRE(out);
  CHECK(manager.open_connection(k_out, 1, 100)
            .error()
            .is(limit_error(Resource::connections, Scope::system, k_out)));
  CHECK(manager.refusals(Resource::connections, Scope::system, k_out) == 1);
  first->release();
  CHECK(manager.of(peer(1)).empty());
  CHECK(manager.open_connection(k_out, 1, 100));
}

TEST_CASE("resource manager: inbound connections of one address, and what they hold") {
  ResourceManager manager({.address = {.memory_bytes = 500, .connections_inbound = 2}});
  const Bytes here{203, 0, 113, 1};
  const Bytes there{203, 0, 113, 2};
  auto first = manager.open_connection(k_in, 1, 100, here);
  auto second = manager.open_connection(k_in, 1, 100, here);
  REQUIRE(first);
  REQUIRE(second);
  const auto third = manager.open_connection(k_in, 1, 100, here);
  REQUIRE(!third);
  CHECK(third.error().is(limit_error(Resource::connections, Scope::address, k_in)));
  CHECK(manager.last_refusal()->to_string() ==
        "connections from one address: 2 of 2 in use, 1 more asked for by the remote side; raise "
        "limits.address.connections_inbound");
  CHECK(manager.system().connections[0] == 2);
  CHECK(manager.open_connection(k_in, 1, 100, there));
  CHECK(manager.open_connection(k_in, 1, 100));
  CHECK(first->grow(300));
  CHECK(first->grow(1).error().is(limit_error(Resource::memory, Scope::address, k_in)));
  first->shrink(300);
  CHECK(second->grow(300));
  Reservation moved = std::move(*second);
  CHECK(manager.of(here).memory_bytes == 500);
  moved.keep_memory();
  CHECK(manager.of(here).connections[0] == 1);
  CHECK(manager.open_connection(k_in, 1, 0, here));
  moved.release();
  first->release();
  CHECK(manager.of(here).empty());
}

TEST_CASE("resource manager: whose address counts") {
  const auto counted = [](std::string_view text) {
    return counted_address(multiformats::Multiaddr::parse(text).value());
  };
  CHECK(counted("/ip4/203.0.113.7/tcp/1") == Bytes{203, 0, 113, 7});
  CHECK(counted("/ip4/203.0.113.7/udp/1/quic-v1") == counted("/ip4/203.0.113.7/tcp/2/ws"));
  CHECK(counted("/ip6/2001:db8:0:1::1/tcp/1") == counted("/ip6/2001:db8:0:2::2/tcp/9"));
  CHECK(counted("/ip6/2001:db8:0:1::1/tcp/1") != counted("/ip6/2001:db8:1::1/tcp/1"));
  for (const auto* text :
       {"/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1", "/ip4/192.168.1.1/tcp/1", "/ip4/10.1.1.1/tcp/1",
        "/ip6/fe80::1/tcp/1", "/ip6/fd00::1/tcp/1", "/dns4/example.org/tcp/1",
        "/ip4/203.0.113.7/tcp/1/p2p/12D3KooWGzBTrhbh3cCCsBHfkZpKBKFgLvmRRY7Cmi1DDNbqyFzB/"
        "p2p-circuit"}) {
    CHECK_MESSAGE(!counted(text), text);
  }
}

TEST_CASE("resource manager: streams, descriptors and memory") {
  ResourceManager manager({.system = {.memory_bytes = 1000, .file_descriptors = 1},
                           .peer = {.streams_outbound = 2},
                           .protocol = {.streams = 1}});
  auto a = manager.open_stream(k_out, peer(1));
  auto b = manager.open_stream(k_out, peer(1));
  REQUIRE(a);
  REQUIRE(b);
  CHECK(manager.open_stream(k_out, peer(1))
            .error()
            .is(limit_error(Resource::streams, Scope::peer, k_out)));
  CHECK(manager.open_stream(k_in, peer(1)));  // given back at once
  CHECK(a->assign_protocol("/x"));
  CHECK(
      b->assign_protocol("/x").error().is(limit_error(Resource::streams, Scope::protocol, k_out)));
  CHECK(manager.of(std::string("/x")).streams[1] == 1);
  CHECK(a->grow(900));
  CHECK(b->grow(101).error().is(limit_error(Resource::memory, Scope::system, k_out)));
  a->shrink(500);
  CHECK(b->grow(101));
  auto one = manager.open_connection(k_out, 1, 0);
  REQUIRE(one);
  CHECK(manager.open_connection(k_out, 1, 0)
            .error()
            .is(limit_error(Resource::file_descriptors, Scope::system, k_out)));
  CHECK(manager.open_connection(k_out, 0, 0));
  const Usage huge{.memory_bytes = k_unlimited};
  CHECK(!manager.reserve(k_out, huge));
}

TEST_CASE("resource manager property: never above a limit, and nothing left at the end") {
  std::mt19937 random(9);
  for (int round = 0; round < 100; ++round) {
    const Limits limits{.system = {.memory_bytes = 500, .connections = 6, .streams = 10},
                        .transient = {.connections = 3, .streams = 5},
                        .peer = {.memory_bytes = 300, .connections = 2, .streams = 4},
                        .protocol = {.streams = 3}};
    ResourceManager manager(limits);
    std::vector<Reservation> held;
    for (int step = 0; step < 300; ++step) {
      const auto side = random() % 2 == 0 ? k_in : k_out;
      const PeerId who = peer(1 + random() % 3);
      const auto which = held.empty() ? 0 : random() % held.size();
      switch (random() % 6) {
        case 0:
          if (auto got = manager.open_connection(side, 1, random() % 100)) {
            if (got->assign_peer(who)) {
              held.push_back(std::move(*got));
            }
          }
          break;
        case 1:
          if (auto got = manager.open_stream(side, who)) {
            (void)got->assign_protocol(random() % 2 == 0 ? "/a" : "/b");
            held.push_back(std::move(*got));
          }
          break;
        case 2:
          if (!held.empty()) {
            (void)held[which].grow(random() % 200);
          }
          break;
        case 3:
          if (!held.empty()) {
            held[which].shrink(held[which].amount().memory_bytes / 2);
          }
          break;
        default:
          if (!held.empty()) {
            std::swap(held[which], held.back());
            held.pop_back();
          }
      }
      const Usage& all = manager.system();
      REQUIRE(all.memory_bytes <= 500);
      REQUIRE(all.connections[0] + all.connections[1] <= 6);
      REQUIRE(all.streams[0] + all.streams[1] <= 10);
      Usage sum;
      for (const auto& each : held) {
        sum += each.amount();
      }
      REQUIRE(sum == all);
      for (std::uint8_t i = 1; i <= 3; ++i) {
        REQUIRE(manager.of(peer(i)).memory_bytes <= 300);
      }
    }
    held.clear();
    CHECK(manager.system().empty());
    CHECK(manager.transient().empty());
  }
}
