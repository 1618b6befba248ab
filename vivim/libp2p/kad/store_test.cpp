// What a node of the DHT holds for others: values, providers, and how it answers.
#include <doctest/doctest.h>

#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/libp2p/kad/kad_test_detail.hpp"
#include "vivim/libp2p/kad/providers.hpp"
#include "vivim/libp2p/kad/records.hpp"
#include "vivim/libp2p/kad/server.hpp"
#include "vivim/libp2p/kad/tally.hpp"

using namespace vivim;
using namespace vivim::libp2p::kad;
using namespace vivim::libp2p::kad::test;
using namespace std::chrono_literals;
namespace limits = vivim::libp2p::limits;

namespace {

const rt::TimePoint k_start{1h};
constexpr rt::WallMs k_wall = 1'795'824'000'000;
constexpr rt::WallMs k_hour_ms = 3'600'000;

struct Publisher {
  explicit Publisher(std::uint64_t number)
      : key(key_pair(number)), signer(libp2p::record::Signer::of(key)), peer(PeerId::of(key)) {}

  Bytes seal(std::uint64_t sequence, std::string_view value = "v",
             rt::WallMs expires = k_wall + k_hour_ms) const {
    return seal_content(signer, "name", sequence, expires, as_bytes(value));
  }
  Bytes content() const { return content_key(peer, "name"); }
  Bytes pk_key() const {
    Bytes bytes = to_bytes("/pk/");
    append(bytes, peer.bytes());
    return bytes;
  }

  crypto::KeyPair key;
  libp2p::record::Signer signer;
  PeerId peer;
};

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

PeerInfo provider(std::uint64_t number) {
  return {.contact = contact(number)};
}

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
  CHECK_FALSE(add(5, "c"));  // entries
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

TEST_CASE("provider record: signed by the provider, for the key, until a time") {
  const Publisher alice(1);
  const Bytes key = to_bytes("key");
  const auto sealed = [&](rt::WallMs expires) {
    return seal_provider(alice.signer, key, expires, {address("1.2.3.4")});
  };
  const Bytes record = sealed(k_wall + k_hour_ms);
  CHECK(open_provider(record, alice.peer, key, k_wall).value() == std::vector{address("1.2.3.4")});
  CHECK_FALSE(open_provider(record, peer(1), key, k_wall));
  CHECK_FALSE(open_provider(record, alice.peer, to_bytes("other"), k_wall));
  CHECK_FALSE(open_provider(record, alice.peer, key, k_wall + k_hour_ms));
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

TEST_CASE("value tally: the best, who lags, and whether they disagree") {
  const auto validators = Validators::standard();
  const Publisher alice(1);
  ValueTally tally(alice.content(), validators);
  const auto record = [&](const Bytes& value) {
    return std::optional(Record{.key = alice.content(), .value = value});
  };
  CHECK(tally.add(peer(1), std::nullopt, k_wall));
  CHECK_FALSE(tally.best());
  CHECK_FALSE(tally.add(peer(2), record(to_bytes("junk")), k_wall));
  CHECK_FALSE(tally.add(peer(3), Record{.key = to_bytes("/pk/x"), .value = alice.seal(1)}, k_wall));
  CHECK(tally.add(peer(4), record(alice.seal(1)), k_wall));
  CHECK(tally.add(peer(5), record(alice.seal(1)), k_wall));
  CHECK(tally.votes() == 2);
  CHECK_FALSE(tally.disagree());
  CHECK(tally.add(peer(6), record(alice.seal(2)), k_wall));
  CHECK(tally.add(peer(7), record(alice.seal(1)), k_wall));
  CHECK(tally.disagree());
  CHECK(tally.votes() == 1);
  CHECK(tally.invalid() == 2);
  CHECK(tally.best() == alice.seal(2));
  CHECK(tally.outdated().size() == 6);
}

TEST_CASE("provider tally: one that tells many does not hide the others'") {
  const Publisher alice(1);
  const Bytes key = to_bytes("key");
  ProviderTally tally(key, {.per_node_max = 3, .providers_max = 8});
  std::vector<PeerInfo> many;
  for (std::uint64_t number = 1; number <= 60; ++number) {
    many.push_back(provider(number));
  }
  CHECK(tally.add(many, k_wall).size() == 3);
  CHECK(tally.add(many, k_wall).empty());
  PeerInfo own{
      .contact = {.peer = alice.peer, .addresses = {}},
      .provider_record = seal_provider(alice.signer, key, k_wall + 1000, {address("1.2.3.4")})};
  CHECK(tally.add({own, own}, k_wall).size() == 1);
  const auto found = tally.providers();
  CHECK(found[0].contact.peer == alice.peer);  // signed
  CHECK(found[0].contact.addresses == std::vector{address("1.2.3.4")});
  CHECK(found[1].told_by == 2);
  own.provider_record.back() ^= 1;
  ProviderTally other(key);
  CHECK(other.add({own}, k_wall).empty());
  for (std::uint64_t node = 0; node < 10; ++node) {
    tally.add({provider(100 + (node * 2)), provider(101 + (node * 2))}, k_wall);
  }
  CHECK(tally.size() == 8);
  CHECK(tally.nodes() == 13);
}
