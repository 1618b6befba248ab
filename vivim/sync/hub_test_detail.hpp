#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/sync/document_hub.hpp"

/// For tests of documents that are open in a node.
namespace vivim::sync::testing {

inline constexpr store::DocumentId k_document{{1}};

/// One node's store and hub, on a simulated disk.
struct Home {
  rt::sim::Node& node;
  std::unique_ptr<rt::Worker> worker;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<DocumentHub> hub;

  explicit Home(rt::sim::Node& at) : node(at), worker(at.make_worker()) {}

  /// `key` signs; without one nothing is signed.
  rt::Co<void> start(HubOptions options = {},
                     std::optional<multiformats::PrivateKey> key = std::nullopt) {
    auto opened = co_await store::Store::open(
        node.loop(), *worker,
        {.database = {.path = "vivim.db", .disk = &node.disk(), .random_seed = 1}});
    REQUIRE(opened);
    store = std::move(*opened);
    hub = std::make_unique<DocumentHub>(node.loop(), *store, node.rng(), std::move(options),
                                        std::move(key));
  }

  rt::Co<void> create(store::DocumentId id) {
    const auto created = co_await store->write([id](store::Database& database) {
      return store::Documents(database).create(id, store::DocumentKind::conversation, 0);
    });
    REQUIRE(created);
  }

  /// Starts, and opens k_document, which is new.
  rt::Co<DocumentLease> open_new(HubOptions options = {},
                                 std::optional<multiformats::PrivateKey> key = std::nullopt) {
    co_await start(std::move(options), std::move(key));
    co_await create(k_document);
    co_return co_await open();
  }
  rt::Co<DocumentLease> open() {
    auto lease = co_await hub->open(k_document);
    REQUIRE(lease);
    co_return std::move(*lease);
  }

  rt::Co<void> stop() {
    co_await hub->stop();
    hub.reset();
    (void)co_await store->close();
    store.reset();
  }
};

/// Remembers what a document told it, and what was on disk at that moment.
struct Listener final : Subscriber {
  std::vector<Bytes> updates;
  std::vector<Bytes> steps;
  std::vector<Bytes> presence;
  std::vector<Bytes> envelopes;
  std::size_t denied = 0;
  Bytes durable;
  std::optional<Reason> ended;

  void on_update(BytesView update) override { updates.push_back(to_bytes(update)); }
  void on_step_two(BytesView update) override { steps.push_back(to_bytes(update)); }
  void on_durable(BytesView vector) override { durable = to_bytes(vector); }
  void on_signed(BytesView envelope, BytesView update) override {
    envelopes.push_back(to_bytes(envelope));
    updates.push_back(to_bytes(update));
  }
  void on_denied(std::string_view) override { ++denied; }
  void on_awareness(BytesView update) override { presence.push_back(to_bytes(update)); }
  void on_end(Reason reason, std::string_view) override { ended = reason; }
};

/// Two who listen to one document.
struct Pair {
  explicit Pair(OpenDocument& of, std::optional<SubscriberPeer> alice_is = std::nullopt,
                std::optional<SubscriberPeer> bob_is = std::nullopt)
      : document(of),
        alice_id(*of.subscribe(alice, std::move(alice_is))),
        bob_id(*of.subscribe(bob, std::move(bob_is))) {}
  ~Pair() {
    document.unsubscribe(alice_id);
    document.unsubscribe(bob_id);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  OpenDocument& document;
  Listener alice;
  Listener bob;
  SubscriberId alice_id;
  SubscriberId bob_id;
};

/// Types at the end of the title.
inline void type(crdt::Doc& doc, std::string_view words) {
  doc.transact([&](crdt::Transaction& transaction) { doc.text("title").push(transaction, words); });
}

inline multiformats::PrivateKey signing_key(std::uint8_t seed) {
  crypto::Ed25519Seed bytes;
  std::ranges::fill(bytes.writable(), seed);
  return multiformats::PrivateKey(crypto::Ed25519KeyPair::from_seed(bytes));
}

/// An update that a remote client made: `words` typed at the end.
inline Bytes remote_edit(crdt::Doc& remote, std::string_view words) {
  Bytes update;
  const auto watching =
      remote.on_update([&update](BytesView bytes, crdt::Origin) { update = to_bytes(bytes); });
  type(remote, words);
  return update;
}

inline rt::Co<std::string> title_on_disk(store::Store& store) {
  const auto log = co_await store.read(
      [](store::Database& database) { return store::Documents(database).load(k_document); });
  REQUIRE(log);
  crdt::Doc doc(crdt::ClientId{99});
  if (log->snapshot) {
    REQUIRE(crdt::apply_update(doc, *log->snapshot));
  }
  for (const auto& update : log->updates) {
    REQUIRE(crdt::apply_update(doc, update.bytes));
  }
  co_return doc.text("title").to_string();
}

/// Runs a scenario at one node in a world of its own.
inline void run(std::uint64_t seed, rt::Co<void> (*scenario)(Home&)) {
  rt::sim::World world(seed);
  Home home(world.add_node("a"));
  world.run(scenario(home));
}

}  // namespace vivim::sync::testing
