#include "vivim/sync/document_hub.hpp"

#include <algorithm>
#include <chrono>

#include <doctest/doctest.h>

#include "vivim/crdt/sync_protocol.hpp"
#include "vivim/sync/browser_channel.hpp"
#include "vivim/sync/hub_test_detail.hpp"

using namespace vivim;
using namespace vivim::sync;
using namespace vivim::sync::testing;
using namespace std::chrono_literals;

namespace {

/// One of a crowd: a thousand copies of a large update would take gigabytes, so it only counts.
struct Counter final : Subscriber {
  std::size_t updates = 0;

  void on_update(BytesView) override { ++updates; }
  void on_step_two(BytesView) override {}
  void on_durable(BytesView) override {}
  void on_awareness(BytesView) override {}
  void on_end(Reason, std::string_view) override {}
};

rt::Co<void> relays_after_disk(Home& home) {
  {
    const auto lease = co_await home.open_new();
    auto& document = *lease;
    Pair pair(document);
    auto& [of, alice, bob, alice_id, bob_id] = pair;
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
  }
  co_await home.stop();
}

rt::Co<void> relays_without_a_tree(Home& home) {
  {
    const auto lease = co_await home.open_new({.trees_bytes_max = 1});
    auto& document = *lease;
    Pair pair(document);
    auto& [of, alice, bob, alice_id, bob_id] = pair;
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
  }
  CHECK(co_await title_on_disk(*home.store) == "hello world");
  co_await home.stop();
}

rt::Co<void> tells_a_browser_what_is_denied(Home& home) {
  {
    auto lease = co_await home.open_new();
    lease->authorship().set_access(store::Access::read);
    BrowserChannel channel(home.node.loop(), std::move(lease));
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
  constexpr std::uint64_t k_present = 200;
  {
    auto lease = co_await home.open_new();
    auto& document = *lease;
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
  Listener listener;
  {
    auto lease = co_await home.open_new();
    REQUIRE(lease->subscribe(listener));
    home.hub->evict(k_document, Reason::done, "removed");
    CHECK(listener.ended == Reason::done);
    CHECK(home.hub->size() == 0);
  }
  co_await home.stop();
}

// While the hub stops, who held documents lets go of them, and the idle ones become too many.
rt::Co<void> stops_while_documents_go(Home& home) {
  constexpr std::uint8_t k_documents = 65;
  co_await home.start({.idle_max = 1});
  std::vector<DocumentLease> leases;
  for (std::uint8_t i = 1; i <= k_documents; ++i) {
    co_await home.create({{i}});
    auto lease = co_await home.hub->open({{i}});
    REQUIRE(lease);
    crdt::Doc remote(crdt::ClientId{7});
    REQUIRE((*lease)->receive(SubscriberId{0}, remote_edit(remote, "x")));
    leases.push_back(std::move(*lease));
  }
  rt::TaskGroup tasks(home.node.loop());
  const auto stop = [](DocumentHub& hub) -> rt::Co<void> { co_await hub.stop(); };
  tasks.spawn("stop", stop(*home.hub));
  std::size_t sizes = 0;
  while (!leases.empty()) {
    co_await rt::sleep_for(home.node.loop(), 100us);
    leases.pop_back();
    sizes += home.hub->size();
  }
  CHECK(sizes < std::size_t{k_documents} * k_documents);  // some went meanwhile
  co_await tasks.stop();
  const auto written = co_await home.store->read([](store::Database& database) -> Result<bool> {
    for (std::uint8_t i = 1; i <= k_documents; ++i) {
      VIVIM_TRY(const auto seq, store::Documents(database).last_seq({{i}}));
      if (seq == 0) {
        return false;
      }
    }
    return true;
  });
  CHECK(written.value());
  home.hub.reset();
  (void)co_await home.store->close();
  home.store.reset();
}

rt::Co<void> compacts(Home& home) {
  {
    auto lease = co_await home.open_new();
    for (int i = 0; i < 600; ++i) {
      REQUIRE(co_await lease->edit([](crdt::Doc& doc) { type(doc, "x"); }));
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
  {
    auto lease = co_await home.open_new();
    REQUIRE(co_await lease->edit([](crdt::Doc& doc) { type(doc, "hi"); }));
    BrowserChannel channel(home.node.loop(), std::move(lease));
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
  {
    const auto lease = co_await home.open_new();
    auto& document = *lease;
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
    CHECK(crowd[1].updates >
          1);  // a large one comes in parts  // it came back only when the disk had taken it
    for (std::uint64_t i = 1; i <= k_subscribers_max; ++i) {
      document.unsubscribe(SubscriberId{i});
    }
  }
  co_await home.stop();
}

rt::Co<void> slow_browser_is_closed(Home& home) {
  {
    auto lease = co_await home.open_new();
    BrowserChannel channel(home.node.loop(), std::move(lease));
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
  run(6, backlog_makes_senders_wait);
}

TEST_CASE("browser channel: one that takes nothing is closed, and told to come back") {
  run(7, slow_browser_is_closed);
}

TEST_CASE("hub: nothing is relayed or called durable before it is on disk") {
  run(1, relays_after_disk);
}

TEST_CASE("hub: documents that are only passed on have no tree, and trees are bounded by bytes") {
  run(2, relays_without_a_tree);
}

TEST_CASE("browser channel: a change that is not permitted is told, and the channel stays") {
  run(2, tells_a_browser_what_is_denied);
}

TEST_CASE("hub: presence costs what changes of it, whoever else is there") {
  run(2, presence_by_changes);
}

TEST_CASE("hub: a document is in memory once, and how many are is limited") {
  run(2, same_document_for_all);
}

TEST_CASE("hub: evicting a document ends it for everybody") {
  run(3, eviction_ends_subscribers);
}

TEST_CASE("hub: documents that go while it stops are not looked at any more") {
  run(8, stops_while_documents_go);
}

TEST_CASE("hub: a long log is compacted, and reads the same") {
  run(4, compacts);
}

TEST_CASE("browser channel: y-websocket's framing, durability by step 1, bad messages end it") {
  run(5, browser_speaks_y_websocket);
}
