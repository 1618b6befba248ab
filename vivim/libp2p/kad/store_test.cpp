// What a node of the DHT holds for others: values, providers, and how it answers.
#include <set>
#include <span>

#include <doctest/doctest.h>

#include "vivim/libp2p/kad/records.hpp"
#include "vivim/libp2p/kad/server.hpp"
#include "vivim/libp2p/kad/store_test_detail.hpp"
#include "vivim/libp2p/kad/tally.hpp"
#include "vivim/libp2p/record/peer_record.hpp"

namespace vivim::libp2p::kad::test {

using namespace std::chrono_literals;
using multiformats::AddressScope;

namespace {

struct Store {
  explicit Store(ServerLimits server_limits = {}, RecordLimits record_limits = {},
                 ProviderLimits provider_limits = {})
      : records(table.key(), validators, record_limits),
        providers(provider_limits),
        server({.table = table,
                .records = records,
                .providers = providers,
                .find_peer = [this](const PeerId& wanted) -> std::optional<PeerInfo> {
                  return wanted == known.contact.peer ? std::optional(known) : std::nullopt;
                }},
               server_limits) {
    for (std::uint64_t number = 1; number <= 60; ++number) {
      (void)table.add(contact(number), {}, k_start);
    }
  }

  Result<std::optional<Message>> ask(const PeerId& from, const Message& request,
                                     rt::TimePoint now = k_start) {
    return server.answer({.peer = from, .groups = {}}, request, now, k_wall);
  }

  RoutingTable table{peer(0)};
  Validators validators = Validators::standard();
  Records records;
  Providers providers;
  PeerInfo known{.contact = contact(700)};
  Server server;
};

}  // namespace

TEST_CASE("validators: a public key under its peer's id") {
  const auto validators = Validators::standard();
  const Publisher publisher(1);
  const Bytes value = publisher.signer.key.encode();
  CHECK(validators.validate(publisher.pk_key(), value, k_wall));
  CHECK(validators.validate(publisher.pk_key(), Publisher(2).signer.key.encode(), k_wall)
            .error()
            .is(KadError::invalid_record));
  CHECK(validators.validate(to_bytes("/pk/nobody"), value, k_wall)
            .error()
            .is(KadError::invalid_record));
  CHECK_FALSE(validators.better(publisher.pk_key(), value, value));
}

TEST_CASE("validators: keys, sizes and namespaces") {
  const auto validators = Validators::standard();
  CHECK(validators.validate({}, {}, k_wall).error().is(KadError::bad_key));
  CHECK(validators.validate(Bytes(k_key_bytes_max + 1), {}, k_wall).error().is(KadError::bad_key));
  CHECK(validators.validate(to_bytes("/pk/x"), Bytes(k_value_bytes_max + 1), k_wall)
            .error()
            .is(KadError::record_too_large));
  for (const auto* key : {"/ipns/x", "pk/x", "/vivim/other/x", "/pk"}) {
    CHECK(validators.validate(to_bytes(std::string_view(key)), {}, k_wall)
              .error()
              .is(KadError::unknown_namespace));
    CHECK_FALSE(validators.knows(to_bytes(std::string_view(key))));
    CHECK_FALSE(validators.better(to_bytes(std::string_view(key)), {}, {}));
  }
}

TEST_CASE("content record: only its publisher signs it, for its key, and not for ever") {
  const auto validators = Validators::standard();
  const Publisher alice(1);
  const Publisher mallory(2);
  const auto valid = [&](const Bytes& key, const Bytes& value) {
    return validators.validate(key, value, k_wall);
  };
  CHECK(valid(alice.content(), alice.seal(1)));
  const auto record = open_content(alice.content(), alice.seal(1));
  CHECK(record->publisher == alice.peer);
  CHECK(record->name == "name");
  CHECK(record->value == to_bytes("v"));
  CHECK(valid(alice.content(), mallory.seal(1)).error().is(KadError::invalid_record));
  CHECK(
      valid(content_key(alice.peer, "other"), alice.seal(1)).error().is(KadError::invalid_record));
  CHECK(valid(content_key(alice.peer, ""), alice.seal(1)).error().is(KadError::invalid_record));
  CHECK(valid(to_bytes("/vivim/content/nobody/name"), alice.seal(1))
            .error()
            .is(KadError::invalid_record));
  const auto cid = to_bytes("/vivim/content/" + alice.peer.to_cid_string() + "/name");
  CHECK(valid(cid, alice.seal(1)).error().is(KadError::invalid_record));
  CHECK(valid(alice.content(), alice.seal(1, "v", k_wall)).error().is(KadError::record_expired));
  CHECK(valid(alice.content(), alice.seal(1, "v", k_wall + (31 * 24 * k_hour_ms)))
            .error()
            .is(KadError::invalid_record));
  Bytes damaged = alice.seal(1);
  for (std::size_t i = 0; i < damaged.size(); ++i) {
    damaged[i] ^= 1;
    CHECK_FALSE(valid(alice.content(), damaged));
    damaged[i] ^= 1;
  }
}

TEST_CASE("content record: the better of two is the same from both sides") {
  const Publisher alice(1);
  const ContentValidator validator;
  const std::vector<Bytes> values{alice.seal(1), alice.seal(2),
                                  alice.seal(2, "v", k_wall + (2 * k_hour_ms)), alice.seal(2, "w"),
                                  to_bytes("not one")};
  for (const Bytes& a : values) {
    CHECK_FALSE(validator.better(alice.content(), a, a));
    for (const Bytes& b : values) {
      CHECK((a == b ||
             validator.better(alice.content(), a, b) != validator.better(alice.content(), b, a)));
    }
  }
  CHECK(validator.better(alice.content(), values[1], values[0]));
  CHECK(validator.better(alice.content(), values[2], values[1]));
  CHECK(validator.better(alice.content(), values[3], values[1]));
}

TEST_CASE("records: put, replaced by a better one, gone when over") {
  Store store;
  const Publisher alice(1);
  const auto key = alice.content();
  const auto put = [&](const Bytes& value, rt::TimePoint now = k_start) {
    return store.records.put(peer(9), key, value, now, k_wall);
  };
  CHECK(store.records.get(key, k_start) == nullptr);
  CHECK(put(alice.seal(2)));
  CHECK(store.records.get(key, k_start)->value == alice.seal(2));
  CHECK(store.records.get(key, k_start)->time_received == "2026-11-28T00:00:00.000Z");
  CHECK(put(alice.seal(1)).error().is(KadError::worse_record));
  CHECK(put(alice.seal(3)));
  CHECK(put(alice.seal(3), k_start + 40h));  // again: for as long as from then
  CHECK(store.records.size() == 1);
  CHECK(store.records.get(key, k_start + 80h) != nullptr);
  CHECK(store.records.get(key, k_start + 88h) == nullptr);
  store.records.expire(k_start + 88h);
  CHECK(store.records.size() == 0);
  CHECK(store.records.bytes() == 0);
}

TEST_CASE("records: a value that is over makes room for one that is worse by its number") {
  Store store;
  const Publisher alice(1);
  REQUIRE(store.records.put(peer(9), alice.content(), alice.seal(9, "v", k_wall + 1000), k_start,
                            k_wall));
  CHECK(store.records.put(peer(9), alice.content(), alice.seal(3), k_start, k_wall + 2000));
}

TEST_CASE("records: bounded in number, bytes, and of one peer; those farthest from us go first") {
  Store store({}, {.records_max = 8, .per_peer_max = 30});
  std::vector<Publisher> publishers;
  std::size_t refused = 0;
  for (std::uint64_t number = 0; number < 40; ++number) {
    publishers.emplace_back(number);
    const auto& one = publishers.back();
    refused += store.records.put(peer(number), one.content(), one.seal(1), k_start, k_wall) ? 0 : 1;
    CHECK(store.records.size() <= 8);
  }
  CHECK(refused > 0);
  std::ranges::sort(publishers, {}, [&](const Publisher& one) {
    return Key::of(one.content()).distance(store.table.key());
  });
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(store.records.get(publishers[i].content(), k_start) != nullptr);
  }
  Store greedy({}, {.per_peer_max = 2});
  for (std::size_t i = 0; i < 3; ++i) {
    const auto put = greedy.records.put(peer(1), publishers[i].content(), publishers[i].seal(1),
                                        k_start, k_wall);
    CHECK(put.has_value() == (i < 2));
  }
  Store small({}, {.bytes_max = 700});
  for (const Publisher& one : publishers) {
    (void)small.records.put(peer(1), one.content(), one.seal(1), k_start, k_wall);
    CHECK(small.records.bytes() <= 700);
  }
  CHECK(small.records.size() >= 1);
}

TEST_CASE("records: held over a restart, judged again, and no longer than before") {
  Store store;
  const Publisher alice(1);
  const Publisher bob(2);
  REQUIRE(store.records.put(peer(9), alice.content(), alice.seal(2), k_start, k_wall));
  REQUIRE(store.records.put(peer(9), bob.content(), bob.seal(1, "v", k_wall + (30 * k_hour_ms)),
                            k_start, k_wall));
  const Bytes snapshot = store.records.encode(k_start + 20h, k_wall + (20 * k_hour_ms));
  // The process begins anew: its clock too. Alice's value is over by itself.
  Store later;
  REQUIRE(later.records.adopt(snapshot, k_start, k_wall + (21 * k_hour_ms)));
  CHECK(later.records.size() == 1);
  REQUIRE(later.records.get(bob.content(), k_start) != nullptr);
  CHECK(later.records.get(bob.content(), k_start)->value ==
        bob.seal(1, "v", k_wall + (30 * k_hour_ms)));
  CHECK(later.records.get(bob.content(), k_start + 26h) != nullptr);
  CHECK(later.records.get(bob.content(), k_start + 28h) == nullptr);
  // Too late for all of them.
  Store last;
  REQUIRE(last.records.adopt(snapshot, k_start, k_wall + (60 * k_hour_ms)));
  CHECK(last.records.size() == 0);
}

TEST_CASE("records: a snapshot is bounded, and read strictly") {
  Store store({}, {.per_peer_max = 4096});
  for (std::uint64_t number = 1; number <= 200; ++number) {
    const Publisher one(number);
    REQUIRE(store.records.put(peer(9), one.content(), one.seal(1, std::string(7'000, 'x')), k_start,
                              k_wall));
  }
  const Bytes snapshot = store.records.encode(k_start, k_wall);
  CHECK(snapshot.size() <= k_values_snapshot_bytes_max);
  CHECK(snapshot.size() > k_values_snapshot_bytes_max / 2);
  Store later({}, {.records_max = 50, .per_peer_max = 4096});
  REQUIRE(later.records.adopt(snapshot, k_start, k_wall));
  CHECK(later.records.size() == 50);
  for (const Bytes& bad : {Bytes(), Bytes{2}, Bytes{1, 5}, Bytes{1, 0}, Bytes(2 << 20, 1)}) {
    CHECK_FALSE(later.records.adopt(bad, k_start, k_wall));
  }
}

TEST_CASE("providers: announced, told, over") {
  Providers providers;
  const Bytes key = to_bytes("key");
  CHECK(providers.get(key, k_start).empty());
  CHECK(providers.add(key, provider(1), {}, k_start));
  CHECK(providers.add(key, provider(2), {}, k_start + 1s));
  CHECK(providers.add(key, provider(1), {}, k_start + 2s));
  const auto told = providers.get(key, k_start + 2s);
  REQUIRE(told.size() == 2);
  CHECK(told[0].contact == contact(1));
  CHECK(providers.get(key, k_start + 25h)[0].contact.addresses.empty());
  CHECK(providers.get(key, k_start + 49h).empty());
  CHECK(providers.entries() == 2);
  providers.expire(k_start + 49h);
  CHECK(providers.entries() == 0);
  CHECK(providers.keys() == 0);
}

TEST_CASE("providers: bounded by key, peer, and in all") {
  Providers providers({.keys_max = 3, .per_key_max = 2, .entries_max = 5, .per_peer_max = 2});
  const auto add = [&](std::uint64_t who, const char* key, rt::TimePoint now = k_start) {
    return providers.add(to_bytes(std::string_view(key)), provider(who), {}, now).has_value();
  };
  CHECK(add(1, "a"));
  CHECK(add(2, "a"));
  CHECK_FALSE(add(3, "a"));  // the key is full
  CHECK(add(1, "b"));
  CHECK_FALSE(add(1, "c"));  // it provides enough
  CHECK(add(3, "c"));
  CHECK_FALSE(add(3, "d"));  // keys
  CHECK(add(4, "b"));
  CHECK_FALSE(add(2, "c"));  // entries
  CHECK(add(4, "b"));        // once more is no more
  CHECK(providers.entries() == 5);
  CHECK(add(9, "a", k_start + 49h));
  CHECK(providers.entries() == 1);
}

TEST_CASE("providers: many ids of one group of addresses do not keep others out of a key") {
  Providers providers({.per_key_max = 16});
  const Bytes key = to_bytes("key");
  for (std::uint64_t number = 1; number <= 100; ++number) {
    (void)providers.add(key, provider(number), {Group{77}}, k_start);
  }
  CHECK(providers.add(key, provider(500), {Group{5}}, k_start));
  CHECK(providers.add(key, provider(501), {}, k_start));
  for (std::uint64_t number = 101; number <= 200; ++number) {
    (void)providers.add(key, provider(number), {Group{77}}, k_start);
  }
  std::size_t honest = 0;
  for (const PeerInfo& info : providers.get(key, k_start)) {
    honest += info.contact == contact(500) || info.contact == contact(501) ? 1 : 0;
  }
  CHECK(honest == 2);
  CHECK(providers.get(key, k_start).size() == 16);
}

TEST_CASE("providers: what is full makes room where one has the most, for who has less") {
  const auto key_of = [](std::uint64_t number) { return to_bytes(std::to_string(number)); };
  // Four ids of one group, and as many keys as there is room for.
  Providers keys({.keys_max = 64, .per_peer_max = 32});
  std::uint64_t number = 0;
  for (; number < 64; ++number) {
    CHECK(keys.add(key_of(number), provider(number % 4), {Group{77}}, k_start + 1s * number));
  }
  CHECK_FALSE(keys.add(key_of(number), provider(9), {Group{77}}, k_start));
  CHECK(keys.add(key_of(number), provider(500), {Group{5}}, k_start + 100s));
  CHECK(keys.get(key_of(number), k_start + 100s).size() == 1);
  CHECK(keys.get(key_of(0), k_start + 100s).empty());  // the oldest went
  CHECK(keys.get(key_of(63), k_start + 100s).size() == 1);
  CHECK(keys.keys() <= 64);
  // The same of entries, and of peers that no group tells apart.
  Providers entries({.keys_max = 10, .entries_max = 40, .per_peer_max = 32});
  for (std::uint64_t i = 0; i < 40; ++i) {
    CHECK(entries.add(key_of(i % 10), provider(i / 10), {}, k_start));
  }
  CHECK_FALSE(entries.add(key_of(50), provider(0), {}, k_start));  // who has the most itself
  CHECK(entries.add(key_of(3), provider(500), {}, k_start));
  CHECK(entries.entries() <= 40);
  // Where all have one each, nobody has too much.
  Providers fair({.keys_max = 8});
  for (std::uint64_t i = 0; i < 8; ++i) {
    CHECK(fair.add(key_of(i), provider(i), {Group{i}}, k_start));
  }
  CHECK(fair.add(key_of(99), provider(99), {Group{99}}, k_start).error().is(KadError::no_room));
}

TEST_CASE("providers: of a key with many, those of other groups and other ones come in turn") {
  Providers providers;
  const Bytes key = to_bytes("key");
  for (std::uint64_t i = 0; i < 10; ++i) {
    CHECK(providers.add(key, provider(i), {Group{i % 2}}, k_start));
  }
  CHECK(providers.add(key, provider(20), {Group{7}}, k_start));
  CHECK(providers.add(key, provider(30), {Group{77}}, k_start + 1s));
  std::set<PeerId> first;
  for (int i = 0; i < 4; ++i) {
    const auto told = providers.get(key, k_start + 1s);
    REQUIRE(told.size() == 12);
    first.insert(told[0].contact.peer);
    // One of each group before a second one of any.
    const auto four = std::span(told).first(4);
    CHECK(std::ranges::count(four, contact(20), &PeerInfo::contact) == 1);
    CHECK(std::ranges::count(four, contact(30), &PeerInfo::contact) == 1);
  }
  CHECK(first.size() == 4);
}

TEST_CASE("provider record: signed by the provider, for the key, until a time") {
  const Publisher alice(1);
  const Bytes key = to_bytes("key");
  const auto sealed = [&](rt::WallMs expires) {
    return seal_provider(alice.signer, key, expires, {address("1.2.3.4")});
  };
  const Bytes record = sealed(k_wall + k_hour_ms);
  const auto opened = open_provider(record, alice.peer, key, k_wall);
  REQUIRE(opened);
  CHECK(opened->addresses == std::vector{address("1.2.3.4")});
  CHECK(opened->expires_ms == k_wall + k_hour_ms);
  CHECK_FALSE(open_provider(record, peer(1), key, k_wall));
  CHECK_FALSE(open_provider(record, alice.peer, to_bytes("other"), k_wall));
  CHECK_FALSE(open_provider(record, alice.peer, key, k_wall + k_hour_ms));
  const std::vector<Multiaddr> many(
      k_contact_addresses_max,
      Multiaddr::parse("/dns4/" + std::string(63, 'x') + ".example/tcp/1").value());
  const Bytes long_one = seal_provider(alice.signer, key, k_wall + k_hour_ms, many);
  CHECK(long_one.size() <= k_peer_record_bytes_max);
  CHECK_FALSE(open_provider(long_one, alice.peer, key, k_wall)->addresses.empty());
  CHECK_FALSE(open_provider(sealed(k_wall + (8 * 24 * k_hour_ms)), alice.peer, key, k_wall));
  CHECK_FALSE(open_provider({}, alice.peer, key, k_wall));
  Bytes damaged = record;
  damaged.back() ^= 1;
  CHECK(open_provider(damaged, alice.peer, key, k_wall).error().is(KadError::bad_provider));
}

TEST_CASE("server: who is nearer, without the one who asks; the one looked for if it is known") {
  Store store;
  const Bytes key = to_bytes("key");
  const PeerId asker = store.table.closest(Key::of(key), 1)[0]->contact.peer;
  const auto answer = store.ask(asker, {.type = Type::find_node, .key = key});
  REQUIRE(answer);
  CHECK((*answer)->closer.size() == k_replication);
  CHECK((*answer)->closer[0].contact.peer == store.table.closest(Key::of(key), 2)[1]->contact.peer);
  const auto known =
      store.ask(asker, {.type = Type::find_node, .key = to_bytes(peer(700).bytes())});
  CHECK((*known)->closer[0].contact == contact(700));
  CHECK((*store.ask(asker, {.type = Type::ping}))->type == Type::ping);
}

TEST_CASE("server: values are put, echoed, and got") {
  Store store;
  const Publisher alice(1);
  const Message put{.type = Type::put_value,
                    .key = alice.content(),
                    .record = Record{.key = alice.content(), .value = alice.seal(1)}};
  CHECK((*store.ask(peer(9), put)).value() == put);
  const auto got = store.ask(peer(8), {.type = Type::get_value, .key = alice.content()});
  CHECK((*got)->record->value == alice.seal(1));
  CHECK((*got)->closer.size() == k_replication);
  const auto none = store.ask(peer(8), {.type = Type::get_value, .key = to_bytes("/pk/none")});
  CHECK_FALSE((*none)->record);
  Message other = put;
  other.key = to_bytes("/pk/other");
  CHECK(store.ask(peer(9), other).error().is(KadError::malformed));
  other.record.reset();
  CHECK(store.ask(peer(9), other).error().is(KadError::malformed));
}

TEST_CASE("server: a provider announces itself, and nobody else") {
  Store store;
  const Publisher alice(1);
  const Bytes key = to_bytes("key");
  PeerInfo own{.contact = {.peer = alice.peer, .addresses = {address("1.2.3.4")}}};
  const auto add = [&](const PeerId& from, const PeerInfo& info) {
    return store.ask(from, {.type = Type::add_provider, .key = key, .providers = {info}});
  };
  CHECK(add(peer(5), own).error().is(KadError::not_its_own));
  CHECK_FALSE(add(alice.peer, own).value().has_value());
  PeerInfo nowhere = own;
  nowhere.contact.addresses.clear();
  CHECK(add(alice.peer, nowhere).error().is(KadError::not_its_own));
  own.provider_record = seal_provider(alice.signer, to_bytes("another key"), k_wall + 1000, {});
  CHECK(add(alice.peer, own).error().is(KadError::bad_provider));
  own.provider_record = seal_provider(alice.signer, key, k_wall + 1000, {});
  CHECK(add(alice.peer, own));
  const auto got = store.ask(peer(5), {.type = Type::get_providers, .key = key});
  REQUIRE((*got)->providers.size() == 1);
  CHECK((*got)->providers[0].contact.peer == alice.peer);
  CHECK((*got)->providers[0].provider_record == own.provider_record);
}

TEST_CASE("server: fat providers and fat neighbours do not hide the others of a key") {
  Store store;
  const Bytes key = to_bytes("key");
  const auto long_address = [](std::size_t number) {
    const std::string label(60, 'x');
    const std::string name = label + "." + label + "." + label + ".n" + std::to_string(number);
    return Multiaddr::parse("/dns4/" + name + "/tcp/443/wss").value();
  };
  const auto fat = [&](std::uint64_t number) {
    PeerInfo info{.contact = {.peer = peer(number), .addresses = {}}};
    for (std::size_t i = 0; i < 4 * k_contact_addresses_max; ++i) {
      info.contact.addresses.push_back(long_address(i));
    }
    info.provider_record = Bytes(number % 2 == 0 ? 2000 : k_peer_record_bytes_max, 7);
    return info;
  };
  CHECK(store.providers.add(key, provider(100), {}, k_start));
  for (std::uint64_t number = 200; number < 210; ++number) {
    CHECK(store.providers.add(key, fat(number), {}, k_start + 1s));
  }
  for (const TableEntry* entry : store.table.closest(Key::of(key), 4)) {
    Contact wide = entry->contact;
    wide.addresses = fat(1).contact.addresses;
    (void)store.table.add(wide, {}, k_start);
  }
  const auto answer = store.ask(peer(5), {.type = Type::get_providers, .key = key}, k_start + 2s);
  REQUIRE(answer);
  const Bytes bytes = encode(**answer);
  CHECK(bytes.size() <= k_sent_bytes_max);
  const auto read = decode(bytes);
  REQUIRE(read);
  CHECK(std::ranges::count(read->providers, contact(100), &PeerInfo::contact) == 1);
  CHECK(read->providers.size() == 11);
  CHECK(read->closer.size() >= 8);
}

TEST_CASE("hostile: keys that are none, and floods, are refused") {
  Store store(
      {.requests = {.each = {.burst = 10, .interval = 1s}, .all = {.burst = 100, .interval = 1ms}},
       .stores = {.each = {.burst = 3, .interval = 1s}, .all = {.burst = 100, .interval = 1ms}}});
  for (const Type type : {Type::find_node, Type::get_value, Type::put_value, Type::get_providers,
                          Type::add_provider}) {
    const PeerId from = peer(50 + static_cast<std::uint64_t>(type));
    CHECK(store.ask(from, {.type = type}).error().is(KadError::bad_key));
    CHECK(store.ask(from, {.type = type, .key = Bytes(k_key_bytes_max + 1)})
              .error()
              .is(KadError::bad_key));
  }
  CHECK(store.ask(peer(2), {.type = Type::get_providers, .key = Bytes(81)})
            .error()
            .is(KadError::bad_key));
  CHECK(store.ask(peer(2), {.type = Type::add_provider, .key = Bytes(81)})
            .error()
            .is(KadError::bad_key));
  std::size_t limited = 0;
  for (int i = 0; i < 20; ++i) {
    limited += store.ask(peer(3), {.type = Type::ping}) ? 0 : 1;
  }
  CHECK(limited == 10);
  CHECK(store.ask(peer(4), {.type = Type::ping}));
  CHECK(store.ask(peer(3), {.type = Type::ping}, k_start + 1s));
  const Publisher alice(1);
  std::size_t stored = 0;
  for (std::uint64_t sequence = 1; sequence < 20; ++sequence) {
    const Bytes value = alice.seal(sequence);
    stored += store.ask(peer(6), {.type = Type::put_value,
                                  .key = alice.content(),
                                  .record = Record{.key = alice.content(), .value = value}})
                  ? 1
                  : 0;
  }
  CHECK(stored == 3);
}

TEST_CASE("scope: nobody far away sends us to our own network, not even of itself") {
  const Publisher alice(1);
  const Bytes key = to_bytes("key");
  const std::vector<Multiaddr> places{address("127.0.0.1"), address("10.1.1.1"), address("0.0.0.0"),
                                      address("9.9.9.9")};
  PeerInfo info{.contact = {.peer = alice.peer, .addresses = places},
                .signed_record = libp2p::record::seal_peer_record(alice.signer, 1, places),
                .provider_record = seal_provider(alice.signer, key, k_wall + 1000, places)};
  const auto found_at = [&](AddressScope scope) {
    PeerTally peers(alice.peer);
    CHECK(peers.add(info, scope, 0));
    ProviderTally providers(key);
    CHECK(providers.add({info}, scope, k_wall).size() == 1);
    CHECK(providers.providers()[0].contact.addresses == peers.contact().addresses);
    return peers.contact().addresses;
  };
  CHECK(found_at(AddressScope::global) == std::vector{places[3]});
  CHECK(found_at(AddressScope::local) == std::vector{places[1], places[3]});
  CHECK(found_at(AddressScope::loopback) == places);
  // The same of what is told of it, and kept of what it tells.
  Store store;
  store.known = info;
  const Message provide{.type = Type::add_provider, .key = key, .providers = {info}};
  CHECK(store.server.answer({.peer = alice.peer, .groups = {}, .scope = AddressScope::local},
                            provide, k_start, k_wall));
  CHECK(store.providers.get(key, k_start)[0].contact.addresses ==
        std::vector{places[1], places[3]});
  const auto told = [&](Type type, const Bytes& about, AddressScope scope) {
    const auto answer = store.server.answer({.peer = peer(5), .groups = {}, .scope = scope},
                                            {.type = type, .key = about}, k_start, k_wall);
    REQUIRE(answer);
    return (type == Type::find_node ? (*answer)->closer : (*answer)->providers)[0]
        .contact.addresses;
  };
  const Bytes id = to_bytes(alice.peer.bytes());
  CHECK(told(Type::find_node, id, AddressScope::global) == std::vector{places[3]});
  CHECK(told(Type::find_node, id, AddressScope::loopback) == places);
  CHECK(told(Type::get_providers, key, AddressScope::global) == std::vector{places[3]});
}

}  // namespace vivim::libp2p::kad::test
