// The DHT as whole hosts in a simulated network.
#include "vivim/libp2p/kad/dht.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/libp2p/kad/dht_test_detail.hpp"
#include "vivim/libp2p/kad/store_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::kad;
using namespace vivim::libp2p::kad::test;
using namespace std::chrono_literals;

namespace {

struct Value {
  Bytes key;
  Bytes value;
};

Value value_of(DhtNode& node, std::uint64_t sequence) {
  const auto signer = record::Signer::of(node.key);
  return {.key = content_key(node.peer(), "profile"),
          .value = seal_content(signer, "profile", sequence,
                                node.machine.clock().wall_now_ms() + k_hour_ms, as_bytes("hello"))};
}

std::vector<PeerId> peers_of(const std::vector<FoundProvider>& providers) {
  std::vector<PeerId> peers;
  for (const FoundProvider& provider : providers) {
    peers.push_back(provider.contact.peer);
  }
  return peers;
}

}  // namespace

TEST_CASE("dht: nodes that were told of one find each other, and any of them") {
  DhtNetwork net(40);
  for (auto& node : net.nodes) {
    CHECK(node->dht.table().size() >= 20);
  }
  const auto found = net.world.run(net[3].dht.find_peer(net[30].peer()));
  REQUIRE(found);
  CHECK(found->is_signed);
  CHECK(std::ranges::count(found->contact.addresses, net[30].address.without_peer()) == 1);
  CHECK(net.world.run(net[3].dht.find_peer(peer(77'777))).error().is(KadError::not_found));

  const auto closest = net.world.run(net[5].dht.find_closest(to_bytes("anything")));
  REQUIRE(closest);
  CHECK(closest->end == QueryEnd::complete);
  std::vector<PeerId> all;
  for (auto& node : net.nodes) {
    if (node->peer() != net[5].peer()) {
      all.push_back(node->peer());
    }
  }
  const Key target = Key::of(as_bytes("anything"));
  std::ranges::sort(all, {}, [&](const PeerId& peer) { return Key::of(peer).distance(target); });
  REQUIRE(closest->closest.size() == k_replication);
  for (std::size_t i = 0; i < k_replication; ++i) {
    CHECK(closest->closest[i].peer == all[i]);
  }
}

TEST_CASE("dht: provided by one, found by all; with its signature and its addresses") {
  DhtNetwork net(30);
  const auto stored = net.world.run(net[7].dht.provide(content(1)));
  REQUIRE(stored);
  CHECK(stored->stored >= 15);
  for (const std::size_t asker : {0U, 12U, 29U}) {
    std::size_t told = 0;
    const auto found = net.world.run(net[asker].dht.find_providers(
        content(1), {.on_found = [&told](const FoundProvider&) { ++told; }}));
    REQUIRE(found);
    REQUIRE(found->providers.size() == 1);
    CHECK(told == 1);
    CHECK(found->providers[0].contact.peer == net[7].peer());
    CHECK(found->providers[0].is_signed);
    CHECK(found->providers[0].contact.addresses == std::vector{net[7].address.without_peer()});
    CHECK(found->lookup.end == QueryEnd::complete);
  }
  const auto early = net.world.run(net[3].dht.find_providers(content(1), {.enough = 1}));
  REQUIRE(early);
  CHECK(early->lookup.end == QueryEnd::stopped);
  CHECK(net.world.run(net[3].dht.find_providers(content(2)))->providers.empty());
  CHECK(net.world.run(net[3].dht.find_providers({})).error().is(KadError::bad_key));
  CHECK(net.world.run(net[3].dht.provide(Bytes(81))).error().is(KadError::bad_key));
}

TEST_CASE("dht: a value that is kept up is signed anew before it is over" *
          doctest::test_suite("long")) {
  DhtOptions options = DhtNetwork::server();
  options.times.republish = 5min;
  DhtNetwork net(25, 17, std::move(options));
  auto& publisher = net[2];
  const Bytes key = content_key(publisher.peer(), "profile");
  constexpr rt::WallMs k_life_ms = 600'000;
  const auto make = [&publisher] {
    return seal_content(record::Signer::of(publisher.key), "profile", 1,
                        publisher.machine.clock().wall_now_ms() + k_life_ms, as_bytes("text"));
  };
  REQUIRE(publisher.dht.keep_putting(key, make));
  net.world.run_for(30min);
  const auto found = net.world.run(net[20].dht.get_value(key));
  REQUIRE(found);
  const auto record = open_content(key, found->value);
  REQUIRE(record);
  CHECK(record->expires_ms > net[20].machine.clock().wall_now_ms());
  CHECK(record->value == to_bytes("text"));
  publisher.dht.stop_publishing(key);
  net.world.run_for(20min);
  CHECK(net.world.run(net[20].dht.get_value(key)).error().is(KadError::not_found));
}

TEST_CASE(
    "dht: a value put by one is got by all; a later one replaces it, and late nodes learn it") {
  DhtNetwork net(30);
  const auto first = value_of(net[4], 1);
  REQUIRE(net.world.run(net[4].dht.put_value(first.key, first.value)));
  const auto got = net.world.run(net[20].dht.get_value(first.key));
  REQUIRE(got);
  CHECK(got->value == first.value);
  CHECK(got->votes >= 15);
  CHECK_FALSE(got->disagreed);
  // Half of those who hold it miss the next one.
  const auto second = value_of(net[4], 2);
  std::size_t changed = 0;
  for (auto& node : net.nodes) {
    if (changed < 8 && node->dht.records().size() == 1 && node->peer() != net[4].peer()) {
      (void)const_cast<Records&>(node->dht.records())
          .put(net[4].peer(), second.key, second.value, node->machine.clock().now(),
               node->machine.clock().wall_now_ms());
      ++changed;
    }
  }
  const auto better = net.world.run(net[21].dht.get_value(first.key));
  REQUIRE(better);
  CHECK(better->value == second.value);
  CHECK(better->disagreed);
  net.world.run_for(10s);
  std::size_t late = 0;
  for (auto& node : net.nodes) {
    const auto* record = node->dht.records().get(first.key, node->machine.clock().now());
    late += record != nullptr && record->value == first.value ? 1 : 0;
  }
  CHECK(late <= 2);  // the publisher's own, and one that is not among the nearest
  CHECK(net.world.run(net[2].dht.get_value(to_bytes("/vivim/content/x/y")))
            .error()
            .is(KadError::not_found));
  CHECK(net.world.run(net[2].dht.get_value(to_bytes("/other/x")))
            .error()
            .is(KadError::unknown_namespace));
  CHECK(net.world.run(net[2].dht.put_value(first.key, to_bytes("junk")))
            .error()
            .is(KadError::invalid_record));
}

TEST_CASE("dht: clients ask and are not in tables; automatic mode follows reachability") {
  DhtNetwork net(12);
  DhtNode& client = net.add({.mode = Mode::client});
  DhtNode& other = net.add({.mode = Mode::automatic});
  net.world.run_for(30s);
  CHECK_FALSE(client.dht.serving());
  CHECK_FALSE(other.dht.serving());
  REQUIRE(net.world.run(client.dht.provide(content(1))));
  CHECK(peers_of(net.world.run(net[5].dht.find_providers(content(1)))->providers) ==
        std::vector{client.peer()});
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(net[i].dht.table().find(client.peer()) == nullptr);
    CHECK(net[i].dht.table().find(other.peer()) == nullptr);
  }
  other.dht.set_reachable(true);
  CHECK(other.dht.serving());
  net.world.run_for(30s);
  CHECK(net[0].dht.table().find(other.peer()) != nullptr);
  other.dht.set_reachable(false);
  net.world.run_for(30s);
  CHECK(net[0].dht.table().find(other.peer()) == nullptr);
}

TEST_CASE("dht: nobody to ask is said, and what is awaited ends when it stops") {
  DhtNetwork net(1);
  CHECK(net.world.run(net[0].dht.find_closest(to_bytes("x"))).error().is(KadError::no_peers));
  CHECK(net.world.run(net[0].dht.provide(content(1))).error().is(KadError::no_peers));
  DhtNetwork two(8);
  std::optional<Result<LookupReport>> ended;
  rt::TaskGroup tasks(two[1].machine.loop());
  const auto look = [](Dht& dht, std::optional<Result<LookupReport>>& into) -> rt::Co<void> {
    into = co_await dht.find_closest(to_bytes("x"));
  };
  tasks.spawn("look", look(two[1].dht, ended));
  two.world.run_for(5ms);
  CHECK_FALSE(ended);
  two.remove(1);
  two.world.run(tasks.stop());
  REQUIRE(ended);
  CHECK(ended->error().is(KadError::stopping));
}

TEST_CASE("dht: a third of the nodes vanish: what they held is still found, and tables heal" *
          doctest::test_suite("long")) {
  DhtOptions options = DhtNetwork::server();
  options.table.fresh = 2min;
  options.times.refresh = 5min;
  DhtNetwork net(40, 11, std::move(options));
  for (std::uint64_t number = 0; number < 5; ++number) {
    REQUIRE(net.world.run(net[number].dht.provide(content(number))));
  }
  const auto value = value_of(net[1], 1);
  REQUIRE(net.world.run(net[1].dht.put_value(value.key, value.value)));
  for (std::size_t i = 10; i < 25; ++i) {
    net.remove(i);
  }
  for (std::uint64_t number = 0; number < 5; ++number) {
    const auto found = net.world.run(net[30].dht.find_providers(content(number)));
    REQUIRE(found);
    CHECK(peers_of(found->providers) == std::vector{net[number].peer()});
  }
  CHECK(net.world.run(net[31].dht.get_value(value.key))->value == value.value);
  net.world.run_for(12min);
  const auto peers = net[30].dht.table().entries();
  CHECK(peers.size() >= 20);
  for (const TableEntry* entry : peers) {
    CHECK(std::ranges::any_of(
        net.nodes, [&](const auto& node) { return node && node->peer() == entry->contact.peer; }));
  }
}

TEST_CASE("dht: what is published is provided and put again, also when those who held it are gone" *
          doctest::test_suite("long")) {
  DhtOptions options = DhtNetwork::server();
  options.times.republish = 10min;
  DhtNetwork net(25, 13, std::move(options));
  REQUIRE(net[2].dht.keep_providing(content(5)));
  const auto value = value_of(net[2], 1);
  REQUIRE(net[2].dht.keep_putting(value.key, [value] { return value.value; }));
  CHECK(net[2].dht.published() == 2);
  net.world.run_for(30s);
  CHECK(net.world.run(net[9].dht.find_providers(content(5)))->providers.size() == 1);
  for (std::size_t i = 3; i < 24; ++i) {
    net.remove(i);
  }
  for (int i = 0; i < 20; ++i) {
    net.add(DhtNetwork::server());
  }
  net.world.run_for(15min);
  const std::size_t last = net.nodes.size() - 1;
  std::size_t holders = 0;
  for (std::size_t i = 25; i <= last; ++i) {
    holders += net[i].dht.providers().entries();
  }
  CHECK(holders >= 10);
  CHECK(net.world.run(net[last].dht.find_providers(content(5)))->providers.size() == 1);
  net[2].dht.stop_publishing(content(5));
  CHECK(net[2].dht.published() == 1);
  CHECK(net[2].dht.keep_providing({}).error().is(KadError::bad_key));
}

TEST_CASE("dht: the table of an earlier life leads back into the network") {
  DhtNetwork net(20, 17);
  const Bytes known = net[6].dht.encode_table();
  DhtNode& again = *net.nodes.emplace_back(std::make_unique<DhtNode>(
      net.world, net.authority, net.made++, DhtOptions{.mode = Mode::server, .known = known}));
  net.world.run_for(30s);
  CHECK(again.dht.table().size() >= 15);
  DhtNode& damaged = *net.nodes.emplace_back(
      std::make_unique<DhtNode>(net.world, net.authority, net.made++,
                                DhtOptions{.mode = Mode::server, .known = Bytes{1, 2, 3}}));
  net.world.run_for(10s);
  CHECK(damaged.dht.table().size() == 0);
}

TEST_CASE("dht: limits on published keys, on streams of one peer, and on messages of one stream") {
  DhtOptions options = DhtNetwork::server();
  options.limits.published_max = 2;
  options.limits.inbound_streams_per_peer_max = 2;
  options.limits.messages_per_stream_max = 3;
  options.times.inbound_idle = 10s;
  DhtNetwork net(3, 19, std::move(options));
  REQUIRE(net[0].dht.keep_providing(content(1)));
  REQUIRE(net[0].dht.keep_providing(content(2)));
  REQUIRE(net[0].dht.keep_providing(content(2)));
  CHECK(net[0].dht.keep_providing(content(3)).error().is(KadError::too_many_provided));
  const std::vector<std::string> protocols{std::string(k_protocol_id)};
  std::vector<std::unique_ptr<rt::Stream>> streams;
  const auto open = [&](std::size_t times, BytesView bytes) {
    auto opened = net.world.run(net[1].host.open_stream(net[2].peer(), protocols));
    REQUIRE(opened);
    for (std::size_t i = 0; i < times; ++i) {
      (void)net.world.run(opened->stream->write(bytes));
    }
    streams.push_back(std::move(opened->stream));
    net.world.run_for(1s);
  };
  (void)net.world.run(net[1].host.connect(net[2].address));
  net.world.run_for(30s);
  const auto refused = [&](std::string_view why) {
    return net[2].host.metrics_text().find("libp2p_kad_refused_total{why=\"" + std::string(why)) !=
           std::string::npos;
  };
  open(0, {});
  open(0, {});
  open(0, {});
  CHECK(refused("too_many_streams"));
  net.world.run_for(15s);  // silent ones end
  streams.clear();
  open(5, delimited(encode({.type = Type::ping})));
  CHECK(refused("too_many_messages"));
  open(1, Bytes{2, 0xff, 0xff});
  CHECK(refused("malformed"));
  open(1, Bytes{0xff, 0xff, 0x7f});
  CHECK(refused("too_large"));
  CHECK(net.world.run(net[0].dht.find_closest(to_bytes("x"))));
  streams.clear();
}

TEST_CASE("dht: when all streams are taken, one that waits of whom has the most makes room") {
  DhtOptions options = DhtNetwork::server();
  options.limits.inbound_streams_max = 4;
  options.limits.inbound_streams_per_peer_max = 2;
  options.times.inbound_idle = 10min;
  DhtNetwork net(5, 31, std::move(options));
  net.world.run_for(60s);
  const std::vector<std::string> protocols{std::string(k_protocol_id)};
  std::vector<std::unique_ptr<rt::Stream>> streams;
  const auto open = [&](DhtNode& from) {
    REQUIRE(net.world.run(from.host.connect(net[3].address)));
    auto opened = net.world.run(from.host.open_stream(net[3].peer(), protocols));
    REQUIRE(opened);
    streams.push_back(std::move(opened->stream));
    const Bytes ping = delimited(encode({.type = Type::ping}));
    DelimitedReader reader(k_answer_bytes_max);
    return net.world.run(streams.back()->write(ping)) &&
           net.world.run(read_message(*streams.back(), reader));
  };
  for (const std::size_t who : {0U, 1U, 0U, 1U, 2U}) {
    CHECK(open(net[who]));
  }
  CHECK_FALSE(open(net[1]));  // it has the most itself
  streams.clear();
}

TEST_CASE("dht: that we have no room for connections is not held against others") {
  DhtNetwork net(25, 37);
  DhtNode& narrow = *net.nodes.emplace_back(
      std::make_unique<DhtNode>(net.world, net.authority, net.made++, DhtNetwork::server(),
                                HostLimits{.outbound_connections_max = 1}));
  REQUIRE(net.world.run(narrow.host.connect(net[0].address)));
  for (std::size_t i = 1; i < 25; ++i) {
    (void)net.world.run(net[i].host.connect(narrow.address));
  }
  net.world.run_for(60s);
  const std::size_t known = narrow.dht.table().size();
  REQUIRE(known >= 20);
  for (std::size_t i = 1; i < 25; ++i) {
    narrow.host.disconnect(net[i].peer());
  }
  net.world.run_for(1s);
  for (const char* const key : {"a", "b", "c"}) {
    const auto found = net.world.run(narrow.dht.find_closest(to_bytes(std::string_view(key))));
    REQUIRE(found);
    CHECK(found->end == QueryEnd::stopped);  // not that there are no others
  }
  CHECK(narrow.dht.table().size() >= known);
}

TEST_CASE("dht: the same seed gives the same trace") {
  const auto trace = [] {
    DhtNetwork net(12, 23);
    (void)net.world.run(net[1].dht.provide(content(1)));
    (void)net.world.run(net[2].dht.find_providers(content(1)));
    return net.world.trace_hash();
  };
  CHECK(trace() == trace());
}
