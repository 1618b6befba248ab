#include "vivim/sync/document_hub.hpp"

#include <algorithm>
#include <chrono>

#include <doctest/doctest.h>

#include "vivim/crdt/sync_protocol.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/sync/browser_channel.hpp"

using namespace vivim;
using namespace vivim::sync;
using namespace std::chrono_literals;

namespace {

constexpr store::DocumentId k_document{{1}};

/// One node's store and hub, on a simulated disk.
struct Home {
  rt::sim::Node& node;
  std::unique_ptr<rt::Worker> worker;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<DocumentHub> hub;

  explicit Home(rt::sim::Node& at) : node(at), worker(at.make_worker()) {}

  rt::Co<void> start(HubOptions options = {}) {
    auto opened = co_await store::Store::open(
        node.loop(), *worker,
        {.database = {.path = "vivim.db", .disk = &node.disk(), .random_seed = 1}});
    REQUIRE(opened);
    store = std::move(*opened);
    hub = std::make_unique<DocumentHub>(node.loop(), *store, node.rng(), options);
  }

  rt::Co<void> create(store::DocumentId id) {
    const auto created = co_await store->write([id](store::Database& database) {
      return store::Documents(database).create(id, store::DocumentKind::conversation, 0);
    });
    REQUIRE(created);
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
  void on_signed(BytesView envelope) override { envelopes.push_back(to_bytes(envelope)); }
  void on_denied(std::string_view) override { ++denied; }
  void on_awareness(BytesView update) override { presence.push_back(to_bytes(update)); }
  void on_end(Reason reason, std::string_view) override { ended = reason; }
};

/// One of a crowd: a thousand copies of a large update would take gigabytes, so it only counts.
struct Counter final : Subscriber {
  std::size_t updates = 0;

  void on_update(BytesView) override { ++updates; }
  void on_step_two(BytesView) override {}
  void on_durable(BytesView) override {}
  void on_awareness(BytesView) override {}
  void on_end(Reason, std::string_view) override {}
};

void type(crdt::Doc& doc, std::string_view words) {
  doc.transact([&](crdt::Transaction& transaction) { doc.text("title").push(transaction, words); });
}

multiformats::PrivateKey signing_key(std::uint8_t seed) {
  crypto::Ed25519Seed bytes;
  std::ranges::fill(bytes.writable(), seed);
  return multiformats::PrivateKey(crypto::Ed25519KeyPair::from_seed(bytes));
}

/// An update that a remote client made: `words` typed at the end.
Bytes remote_edit(crdt::Doc& remote, std::string_view words) {
  Bytes update;
  const auto watching =
      remote.on_update([&update](BytesView bytes, crdt::Origin) { update = to_bytes(bytes); });
  type(remote, words);
  return update;
}

rt::Co<std::string> title_on_disk(store::Store& store) {
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

rt::Co<void> relays_after_disk(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    auto& document = **lease;
    Listener alice;
    Listener bob;
    const auto alice_id = *document.subscribe(alice);
    const auto bob_id = *document.subscribe(bob);
    crdt::Doc remote(crdt::ClientId{7});
    REQUIRE(document.receive(alice_id, remote_edit(remote, "hello")));
    CHECK(document.doc().client_id() != remote.client_id());
    CHECK(bob.updates.empty());  // integrated, but not on disk yet
    CHECK(alice.durable.empty());
    REQUIRE(co_await document.flush());
    CHECK((co_await title_on_disk(*home.store)) == "hello");
    CHECK(bob.updates.size() == 1);
    CHECK(alice.updates.empty());
    CHECK(alice.durable == crdt::encode_state_vector(remote));

    REQUIRE(co_await document.edit([](crdt::Doc& doc) { type(doc, " world"); }));
    CHECK((co_await title_on_disk(*home.store)) == "hello world");
    CHECK(alice.updates.size() == 1);
    CHECK(bob.updates.size() == 2);

    // Twice is once.
    REQUIRE(document.receive(bob_id, bob.updates.at(0)));
    REQUIRE(co_await document.flush());
    CHECK(alice.updates.size() == 1);

    REQUIRE(document.answer_step_one(bob_id, {}));
    while (bob.steps.empty()) {
      co_await rt::sleep_for(home.node.loop(), 1ms);
    }
    crdt::Doc fresh(crdt::ClientId{8});
    REQUIRE(crdt::apply_update(fresh, bob.steps.at(0)));
    CHECK(fresh.text("title").to_string() == "hello world");

    CHECK_FALSE(document.receive(bob_id, Bytes{9, 9, 9}));
    document.unsubscribe(alice_id);
    document.unsubscribe(bob_id);
  }
  co_await home.stop();
}

rt::Co<void> relays_without_a_tree(Home& home) {
  co_await home.start({.trees_bytes_max = 1});
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    auto& document = **lease;
    Listener alice;
    Listener bob;
    const auto alice_id = *document.subscribe(alice);
    const auto bob_id = *document.subscribe(bob);
    crdt::Doc remote(crdt::ClientId{7});
    const auto first = remote_edit(remote, "hello");
    REQUIRE(document.receive(alice_id, first));
    REQUIRE(document.receive(alice_id, first));  // again: nobody hears of it
    REQUIRE(document.receive(alice_id, remote_edit(remote, " world")));
    REQUIRE(document.answer_step_one(bob_id, crdt::encode_state_vector(crdt::StateVector())));
    REQUIRE(co_await document.flush());
    CHECK(bob.updates.size() == 2);
    CHECK(alice.updates.empty());
    CHECK(bob.durable == crdt::encode_state_vector(remote));
    crdt::Doc newcomer(crdt::ClientId{8});
    REQUIRE(bob.steps.size() == 1);
    REQUIRE(crdt::apply_update(newcomer, bob.steps.front()));
    CHECK(newcomer.text("title").to_string() == "hello world");
    CHECK(home.hub->trees() == 0);

    // Another document of the same client: what was first stays, and it is noticed.
    crdt::Doc impostor(crdt::ClientId{7});
    REQUIRE(document.receive(bob_id, remote_edit(impostor, "other")));
    CHECK(document.equivocations() == 1);

    CHECK(document.doc().text("title").to_string() == "hello world");
    CHECK(home.hub->trees() == 1);
    // Opening is where nobody holds a document: trees above the limit go.
    auto again = co_await home.hub->open(k_document);
    CHECK(home.hub->trees() == 0);
    CHECK(document.doc().text("title").to_string() == "hello world");
    document.unsubscribe(alice_id);
    document.unsubscribe(bob_id);
  }
  CHECK(co_await title_on_disk(*home.store) == "hello world");
  co_await home.stop();
}

rt::Co<void> asks_for_permission(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    auto& document = **lease;
    Listener alice;
    Listener bob;
    const auto alice_id = *document.subscribe(alice);
    const auto bob_id = *document.subscribe(bob);
    const auto key = signing_key(1);
    const auto stranger = signing_key(2);
    const crdt::Author author{.document = k_document.view(), .session = 5};

    // Anybody may write the notes, the owner of one key the title; nobody what has no place.
    document.set_policy([&](const UpdateSource& source, const crdt::UpdateEffects& effects) {
      const bool owner = source.author != nullptr && *source.author == key.public_key();
      return !effects.unplaced && std::ranges::all_of(effects.places, [&](const auto& entry) {
        return owner || entry.first.root == "notes";
      });
    });

    crdt::Doc visitor(crdt::ClientId{7});
    Bytes note;
    const auto watching =
        visitor.on_update([&](BytesView bytes, crdt::Origin) { note = to_bytes(bytes); });
    visitor.transact([&](crdt::Transaction& t) { visitor.text("notes").push(t, "a note"); });
    REQUIRE(document.receive(alice_id, note));
    CHECK(alice.denied == 0);
    const auto title = remote_edit(visitor, "mine");
    REQUIRE(document.receive(alice_id, title));
    CHECK(alice.denied == 1);
    // What came after a refused one cannot be placed any more.
    visitor.transact([&](crdt::Transaction& t) { visitor.text("notes").push(t, "!"); });
    REQUIRE(document.receive(alice_id, note));
    CHECK(alice.denied == 2);
    REQUIRE(co_await document.flush());
    CHECK(document.doc().text("title").to_string().empty());
    CHECK(document.doc().text("notes").to_string() == "a note");
    CHECK_FALSE(alice.ended);
    CHECK(bob.updates.size() == 1);

    crdt::Doc owner(crdt::client_of(key.public_key(), author));
    const auto words = remote_edit(owner, "hello");
    const auto envelope = crdt::seal(key, author, words).value();
    REQUIRE(document.receive_signed(alice_id, envelope));
    REQUIRE(co_await document.flush());
    CHECK(document.doc().text("title").to_string() == "hello");
    // Bob may check it himself.
    CHECK(bob.envelopes == std::vector<Bytes>{envelope});
    CHECK(bob.updates.size() == 2);

    crdt::Doc other(crdt::client_of(stranger.public_key(), author));
    const auto forged = crdt::seal(stranger, author, remote_edit(other, "no")).value();
    REQUIRE(document.receive_signed(bob_id, forged));
    CHECK(bob.denied == 1);
    CHECK(document.receive_signed(bob_id, Bytes{9}).error().is(crdt::EnvelopeError::bad_version));
    REQUIRE(co_await document.flush());
    CHECK(document.doc().text("title").to_string() == "hello");
    document.unsubscribe(alice_id);
    document.unsubscribe(bob_id);
  }
  CHECK(co_await title_on_disk(*home.store) == "hello");
  co_await home.stop();
}

rt::Co<void> tells_a_browser_what_is_denied(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    (*lease)->set_policy([](const UpdateSource&, const crdt::UpdateEffects&) { return false; });
    BrowserChannel channel(home.node.loop(), std::move(*lease));
    REQUIRE(channel.start());
    while (channel.next_message()) {
    }
    crdt::Doc remote(crdt::ClientId{7});
    REQUIRE(channel.receive(crdt::protocol::websocket_sync(crdt::protocol::SyncType::update,
                                                           remote_edit(remote, "hello"))));
    const auto message = channel.next_message();
    REQUIRE(message);
    CHECK(message->at(0) == 2);  // auth: permission denied
    CHECK(message->at(1) == 0);
    CHECK_FALSE(channel.ended());
  }
  co_await home.stop();
}

rt::Co<void> presence_by_changes(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  constexpr std::uint64_t k_present = 200;
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    auto& document = **lease;
    Listener relay;
    Listener watcher;
    const auto relay_id = *document.subscribe(relay);
    const auto watcher_id = *document.subscribe(watcher);
    // Somebody who knows everybody, as another relay does, and sends all of them each time.
    crdt::Awareness crowd(crdt::ClientId{1});
    const std::string state(100, 'x');
    for (std::uint64_t i = 2; i <= k_present; ++i) {
      crdt::Awareness one{crdt::ClientId{i}};
      one.set_local_state('"' + state + '"', 0);
      REQUIRE(crowd.apply(one.encode_all(), {}, 0));
    }
    crowd.set_local_state('"' + state + '"', 0);
    const auto everybody = crowd.encode_all();
    REQUIRE(document.receive_awareness(relay_id, everybody));
    const auto bytes = [&] {
      std::size_t sum = 0;
      for (const auto& update : std::exchange(watcher.presence, {})) {
        sum += update.size();
      }
      return sum;
    };
    CHECK(bytes() == everybody.size());
    REQUIRE(document.receive_awareness(relay_id, everybody));  // nothing new
    CHECK(bytes() == 0);
    for (int move = 0; move < 50; ++move) {
      crowd.set_local_state('"' + std::to_string(move) + state + '"', 0);
      REQUIRE(document.receive_awareness(relay_id, crowd.encode_all()));
    }
    CHECK(bytes() < 50 * (state.size() + 16));
    CHECK(relay.presence.empty());  // nothing comes back to who sent it
    document.unsubscribe(watcher_id);
    document.unsubscribe(relay_id);
  }
  co_await home.stop();
}

rt::Co<void> same_document_for_all(Home& home) {
  co_await home.start({.leased_max = 2, .idle_max = 1});
  co_await home.create({{1}});
  co_await home.create({{2}});
  co_await home.create({{3}});
  {
    auto first = co_await home.hub->open({{1}});
    auto again = co_await home.hub->open({{1}});
    REQUIRE(first);
    REQUIRE(again);
    CHECK(&**first == &**again);
    auto second = co_await home.hub->open({{2}});
    REQUIRE(second);
    const auto third = co_await home.hub->open({{3}});
    REQUIRE_FALSE(third);
    CHECK(third.error().is(SyncError::too_many_documents));
    const auto unknown = co_await home.hub->open({{9}});
    REQUIRE_FALSE(unknown);
  }
  CHECK(home.hub->size() == 1);  // one idle document is kept
  auto unknown = co_await home.hub->open({{9}});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().is(store::StoreError::not_found));
  co_await home.stop();
}

rt::Co<void> eviction_ends_subscribers(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  Listener listener;
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    REQUIRE((*lease)->subscribe(listener));
    home.hub->evict(k_document, Reason::done, "removed");
    CHECK(listener.ended == Reason::done);
    CHECK(home.hub->size() == 0);
  }
  co_await home.stop();
}

rt::Co<void> compacts(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    for (int i = 0; i < 600; ++i) {
      REQUIRE(co_await (*lease)->edit([](crdt::Doc& doc) { type(doc, "x"); }));
    }
  }
  co_await home.stop();
  co_await home.start();
  CHECK((co_await title_on_disk(*home.store)).size() == 600);
  const auto log = co_await home.store->read(
      [](store::Database& database) { return store::Documents(database).load(k_document); });
  REQUIRE(log);
  CHECK(log->snapshot);
  CHECK(log->updates.size() < 200);
  co_await home.stop();
}

rt::Co<void> browser_speaks_y_websocket(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    REQUIRE(co_await (*lease)->edit([](crdt::Doc& doc) { type(doc, "hi"); }));
    BrowserChannel channel(home.node.loop(), std::move(*lease));
    REQUIRE(channel.start());
    const auto hello = channel.next_message();
    REQUIRE(hello);
    CHECK((*hello)[0] == 0);
    CHECK((*hello)[1] == 0);
    REQUIRE(channel.next_message());
    CHECK_FALSE(channel.next_message());

    // The browser's own step 1 is answered by step 2, and by what is durable.
    REQUIRE(channel.receive(Bytes{0, 0, 1, 0}));
    co_await channel.wait();
    const auto answer = channel.next_message();
    REQUIRE(answer);
    CHECK((*answer)[1] == 1);
    const auto durable = channel.next_message();
    REQUIRE(durable);
    CHECK((*durable)[1] == 0);

    // Its presence comes back to it, so that it does not take a quiet line for dead.
    REQUIRE(channel.receive(Bytes{1, 4, 1, 9, 1, 0}));
    CHECK(channel.next_message());

    CHECK_FALSE(channel.receive(Bytes{0, 2, 200}));
    REQUIRE(channel.ended());
    CHECK(channel.ended()->code == BrowserChannel::k_close_malformed);
  }
  co_await home.stop();
}

rt::Co<void> backlog_makes_senders_wait(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    auto& document = **lease;
    std::vector<Counter> crowd(k_subscribers_max);
    for (auto& listener : crowd) {
      REQUIRE(document.subscribe(listener));
    }
    Listener late;
    const auto refused = document.subscribe(late);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().is(SyncError::too_many_subscribers));

    const std::string words(k_backlog_bytes_max + 1, 'x');
    crdt::Doc remote(crdt::ClientId{7});
    REQUIRE(document.receive(SubscriberId{1}, remote_edit(remote, words)));
    CHECK(crowd[1].updates == 0);
    co_await document.room();
    CHECK(crowd[1].updates == 1);  // it came back only when the disk had taken it
    for (std::uint64_t i = 1; i <= k_subscribers_max; ++i) {
      document.unsubscribe(SubscriberId{i});
    }
  }
  co_await home.stop();
}

rt::Co<void> slow_browser_is_closed(Home& home) {
  co_await home.start();
  co_await home.create(k_document);
  {
    auto lease = co_await home.hub->open(k_document);
    REQUIRE(lease);
    BrowserChannel channel(home.node.loop(), std::move(*lease));
    REQUIRE(channel.start());
    const std::string words(std::size_t{12} << 20, 'x');
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(channel.ended());
      auto other = co_await home.hub->open(k_document);
      REQUIRE(co_await (*other)->edit([&](crdt::Doc& doc) { type(doc, words); }));
    }
    REQUIRE(channel.ended());
    CHECK(channel.ended()->code == BrowserChannel::k_close_try_again);
    CHECK_FALSE(channel.next_message());
  }
  co_await home.stop();
}

}  // namespace

TEST_CASE("hub: a backlog makes senders wait, and subscribers are counted") {
  rt::sim::World world(6);
  Home home(world.add_node("a"));
  world.run(backlog_makes_senders_wait(home));
}

TEST_CASE("browser channel: one that takes nothing is closed, and told to come back") {
  rt::sim::World world(7);
  Home home(world.add_node("a"));
  world.run(slow_browser_is_closed(home));
}

TEST_CASE("hub: nothing is relayed or called durable before it is on disk") {
  rt::sim::World world(1);
  Home home(world.add_node("a"));
  world.run(relays_after_disk(home));
}

TEST_CASE("hub: documents that are only passed on have no tree, and trees are bounded by bytes") {
  rt::sim::World world(2);
  Home home(world.add_node("a"));
  world.run(relays_without_a_tree(home));
}

TEST_CASE("hub: who may write what is asked before it is integrated; the rest goes on") {
  rt::sim::World world(2);
  Home home(world.add_node("a"));
  world.run(asks_for_permission(home));
}

TEST_CASE("browser channel: a change that is not permitted is told, and the channel stays") {
  rt::sim::World world(2);
  Home home(world.add_node("a"));
  world.run(tells_a_browser_what_is_denied(home));
}

TEST_CASE("hub: presence costs what changes of it, whoever else is there") {
  rt::sim::World world(2);
  Home home(world.add_node("a"));
  world.run(presence_by_changes(home));
}

TEST_CASE("hub: a document is in memory once, and how many are is limited") {
  rt::sim::World world(2);
  Home home(world.add_node("a"));
  world.run(same_document_for_all(home));
}

TEST_CASE("hub: evicting a document ends it for everybody") {
  rt::sim::World world(3);
  Home home(world.add_node("a"));
  world.run(eviction_ends_subscribers(home));
}

TEST_CASE("hub: a long log is compacted, and reads the same") {
  rt::sim::World world(4);
  Home home(world.add_node("a"));
  world.run(compacts(home));
}

TEST_CASE("browser channel: y-websocket's framing, durability by step 1, bad messages end it") {
  rt::sim::World world(5);
  Home home(world.add_node("a"));
  world.run(browser_speaks_y_websocket(home));
}
