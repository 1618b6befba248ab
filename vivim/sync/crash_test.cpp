// A document that is edited, compacted and signed while its node is killed again and again, on a
// disk that loses and tears what was not synced.
#include <chrono>
#include <set>

#include <doctest/doctest.h>

#include "vivim/base/log.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/sync/hub_test_detail.hpp"

using namespace vivim;
using namespace vivim::sync;
using namespace vivim::sync::testing;

namespace {

constexpr int k_lives = 5;

struct Progress {
  std::uint64_t next = 0;
  crdt::Doc guest{crdt::ClientId{7}};  ///< a browser: it lives through all of it
  std::set<std::uint64_t> acknowledged;
  std::size_t compacted = 0;  ///< lives that found a snapshot
};

std::string key_of(std::uint64_t number) {
  return std::to_string(number);
}

rt::Co<void> write_on(OpenDocument& document, Progress& progress) {
  for (;;) {
    const std::uint64_t number = progress.next++;
    const auto written = co_await document.edit([number](crdt::Doc& doc) {
      doc.transact([number, &doc](crdt::Transaction& t) {
        doc.map("numbers").set(t, key_of(number), crdt::Any(true));
        doc.map("last").set(t, "number", crdt::Any(static_cast<double>(number)));
      });
    });
    if (!written) {
      co_return;
    }
    progress.acknowledged.insert(number);
  }
}

/// Types on without waiting, as browsers do: there is always something that is not on disk yet.
rt::Co<void> type_on(Home& home, OpenDocument& document, crdt::Doc& guest) {
  Listener listener;
  const auto id = document.subscribe(listener);
  REQUIRE(id);
  const auto before = crdt::encode_state_as_update(guest, document.durable());
  REQUIRE(before);
  bool taken = document.receive(*id, *before).has_value();
  while (taken && home.node.running()) {
    taken = document.receive(*id, remote_edit(guest, "x")).has_value();
    co_await rt::sleep_for(home.node.loop(), std::chrono::microseconds(200));
  }
  document.unsubscribe(*id);
}

// What was acknowledged is there, and signed: the envelopes alone make the same document.
rt::Co<void> check(Home& home, OpenDocument& document, Progress& progress) {
  const auto numbers = document.doc().map("numbers");
  for (const std::uint64_t number : progress.acknowledged) {
    REQUIRE(numbers.contains(key_of(number)));
  }
  const auto job = [](store::Database& database) -> Result<std::vector<store::EnvelopeRow>> {
    store::Envelopes envelopes(database);
    VIVIM_TRY(const auto seqs, envelopes.find(k_document, {.known = {}, .deleting = true}));
    VIVIM_TRY(auto page, envelopes.read(k_document, seqs, SIZE_MAX));
    return std::move(page.rows);
  };
  const auto rows = co_await home.store->read(job);
  REQUIRE(rows);
  crdt::Doc copy(crdt::ClientId{99});
  for (const auto& row : *rows) {
    const auto opened = crdt::open_envelope(k_document.view(), row.bytes);
    REQUIRE(opened);
    REQUIRE(crdt::apply_update(copy, opened->update));
  }
  CHECK_FALSE(crdt::has_pending(copy));
  CHECK(crdt::state_vector(copy) == crdt::state_vector(document.doc()));
  CHECK(copy.map("numbers").size() == numbers.size());
  CHECK(copy.text("title").to_string() == document.doc().text("title").to_string());
  const auto log = co_await home.store->read(
      [](store::Database& database) { return store::Documents(database).load(k_document); });
  REQUIRE(log);
  progress.compacted += log->snapshot ? 1 : 0;
}

rt::Co<void> live(Home& home, Progress& progress) {
  co_await home.start({.compaction = {.updates_max = 20}}, signing_key(1));
  if (progress.next == 0) {
    co_await home.create(k_document);
  }
  {
    const auto lease = co_await home.open();
    lease->authorship().begin_signing();
    co_await check(home, *lease, progress);
    rt::TaskGroup writers(home.node.loop());
    writers.spawn("writer", write_on(*lease, progress));
    writers.spawn("writer", write_on(*lease, progress));
    writers.spawn("guest", type_on(home, *lease, progress.guest));
    co_await rt::sleep_for(home.node.loop(),
                           std::chrono::microseconds(home.node.rng().below(30'000)));
    home.node.crash(home.node.rng().below(2) == 0 ? rt::sim::CrashKind::power
                                                  : rt::sim::CrashKind::process);
    co_await writers.stop();
  }
  co_await home.stop();
}

}  // namespace

TEST_CASE("hub: killed while it compacts and signs, what was acknowledged is there and signed") {
  log::set_sink([](auto&&...) {}, log::Level::error);
  std::size_t acknowledged = 0;
  std::size_t compacted = 0;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    CAPTURE(seed);
    rt::sim::World world(seed);
    auto& node = world.add_node("a");
    Progress progress;
    for (int life = 0; life < k_lives; ++life) {
      Home home(node);
      world.run(live(home, progress));
      node.restart();
    }
    acknowledged += progress.acknowledged.size();
    compacted += progress.compacted;
  }
  CHECK(acknowledged > 500);
  CHECK(compacted > 15);
}
