#include "vivim/store/store.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/asio/disk.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/worker.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/error.hpp"
#include "vivim/store/settings.hpp"
#include "vivim/store/store_test_detail.hpp"

namespace vivim::store {
namespace {

using namespace testing;
using rt::Co;
using rt::sim::Node;
using rt::sim::World;

StoreOptions options_of(Node& node) {
  return {.database = {.path = "vivim.db", .disk = &node.disk(), .random_seed = 1}};
}

/// A world of one node with an open store.
struct StoreFixture {
  explicit StoreFixture(std::uint64_t seed = 1) : world(seed), node(world.add_node("node")) {
    open(options_of(node));
  }
  ~StoreFixture() {
    if (store) {
      (void)world.run(store->close());
    }
  }

  void open(StoreOptions options) {
    worker = node.make_worker();
    store = must(world.run(Store::open(node.loop(), *worker, std::move(options))));
  }

  DocumentId create(std::uint64_t number) {
    const DocumentId id = document_id(number);
    must(world.run(store->write(
        [id](Database& db) { return Documents(db).create(id, DocumentKind::conversation, 1); })));
    return id;
  }

  DocumentLog load(const DocumentId& id) {
    return must(world.run(store->read([id](Database& db) { return Documents(db).load(id); })));
  }

  World world;
  Node& node;
  std::unique_ptr<rt::Worker> worker;
  std::unique_ptr<Store> store;
};

struct Outcomes {
  std::vector<std::uint64_t> seqs;
  std::vector<Error> errors;
};

Co<void> append(Store& store, DocumentId id, Bytes update, Outcomes& outcomes) {
  auto done = co_await store.append_update(id, std::move(update));
  if (done) {
    outcomes.seqs.push_back(*done);
  } else {
    outcomes.errors.push_back(done.error());
  }
}

/// Starts `count` appends at once and waits for all.
Outcomes append_many(StoreFixture& f, DocumentId id, std::size_t count, std::size_t bytes = 10) {
  Outcomes outcomes;
  rt::TaskGroup group(f.node.loop());
  for (std::size_t i = 0; i < count; ++i) {
    group.spawn("append", append(*f.store, id, Bytes(bytes, 1), outcomes));
  }
  CHECK(f.world.run_until([&] { return group.running() == 0; }));
  f.world.run(group.stop());
  return outcomes;
}

TEST_CASE("store: writes that come together become durable together") {
  StoreFixture f;
  const DocumentId id = f.create(1);
  const std::uint64_t before = f.store->counters().commits;
  const Outcomes outcomes = append_many(f, id, 100);
  CHECK(outcomes.errors.empty());
  REQUIRE(outcomes.seqs.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(outcomes.seqs[i] == i + 1);
  }
  CHECK(f.store->counters().commits - before <= 2);
  CHECK(f.store->counters().commit_writes_max >= 99);
  f.node.disk().crash();
  f.store.reset();
  f.open(options_of(f.node));
  CHECK(f.load(id).updates.size() == 100);
}

TEST_CASE("store: a write that fails takes nobody with it") {
  StoreFixture f;
  const DocumentId id = f.create(1);
  Outcomes good;
  Outcomes bad;
  rt::TaskGroup group(f.node.loop());
  for (int i = 0; i < 10; ++i) {
    group.spawn("good", append(*f.store, id, Bytes{1}, good));
    group.spawn("bad", append(*f.store, document_id(9), Bytes{1}, bad));
  }
  CHECK(f.world.run_until([&] { return group.running() == 0; }));
  f.world.run(group.stop());
  CHECK(good.seqs.size() == 10);
  REQUIRE(bad.errors.size() == 10);
  CHECK(bad.errors[0].is(StoreError::not_found));
  CHECK(f.store->counters().writes_failed == 10);
  CHECK_FALSE(f.store->read_only());
}

TEST_CASE("store: a job that fails halfway leaves nothing") {
  StoreFixture f;
  const auto done = f.world.run(f.store->write([](Database& db) -> Result<int> {
    VIVIM_TRYV(Settings(db).set("half", to_bytes("x")));
    return fail(StoreError::malformed);
  }));
  CHECK(fails(done, StoreError::malformed));
  CHECK_FALSE(must(f.world.run(f.store->read([](Database& db) {
                return Settings(db).get("half");
              }))).has_value());
}

TEST_CASE("store: the queue is bounded in writes and bytes; who finds it full waits") {
  StoreFixture f;
  const DocumentId id = f.create(1);
  must(f.world.run(f.store->close()));
  StoreOptions options = options_of(f.node);
  options.queue_writes_max = 4;
  options.commit_writes_max = 3;
  SUBCASE("writes") {}
  SUBCASE("bytes") {
    options.queue_bytes_max = 25;
  }
  SUBCASE("one larger than all room still goes") {
    options.queue_bytes_max = 5;
  }
  f.open(options);
  Outcomes outcomes;
  std::size_t queued_max = 0;
  rt::TaskGroup group(f.node.loop());
  for (int i = 0; i < 50; ++i) {
    group.spawn("append", append(*f.store, id, Bytes(10, 1), outcomes));
  }
  CHECK(f.world.run_until([&] {
    queued_max = std::max(queued_max, f.store->queued());
    return group.running() == 0;
  }));
  f.world.run(group.stop());
  CHECK(outcomes.seqs.size() == 50);
  CHECK(queued_max <= 4);
  CHECK(f.store->counters().commit_writes_max <= 3);
  CHECK(f.load(id).updates.size() == 50);
}

Co<void> read_count(Store& store, std::size_t& running, std::size_t& most, std::size_t& done) {
  auto result = co_await store.read([&](Database& db) -> Result<std::int64_t> {
    most = std::max(most, ++running);
    auto count = Documents(db).count();
    --running;
    return count;
  });
  done += result.has_value() ? 1 : 0;
}

TEST_CASE("store: reads are bounded too") {
  StoreFixture f;
  must(f.world.run(f.store->close()));
  StoreOptions options = options_of(f.node);
  options.reads_max = 2;
  f.open(options);
  std::size_t running = 0;
  std::size_t most = 0;
  std::size_t done = 0;
  rt::TaskGroup group(f.node.loop());
  for (int i = 0; i < 20; ++i) {
    group.spawn("read", read_count(*f.store, running, most, done));
  }
  CHECK(f.world.run_until([&] { return group.running() == 0; }));
  f.world.run(group.stop());
  CHECK(done == 20);
}

TEST_CASE("store: a full disk is an error, nothing is lost, and it recovers") {
  StoreFixture f;
  const DocumentId id = f.create(1);
  CHECK(append_many(f, id, 5).seqs.size() == 5);
  f.node.disk().set_capacity_bytes(f.node.disk().bytes_used() + 8192);
  const Outcomes outcomes = append_many(f, id, 3, 100'000);
  CHECK(outcomes.seqs.empty());
  REQUIRE(outcomes.errors.size() == 3);
  CHECK(outcomes.errors[0].is(StoreError::full));
  CHECK_FALSE(f.store->read_only());
  CHECK(f.load(id).updates.size() == 5);
  f.node.disk().set_capacity_bytes(1ULL << 30);
  CHECK(append_many(f, id, 2, 100'000).seqs == std::vector<std::uint64_t>{6, 7});
  CHECK(f.load(id).updates.size() == 7);
}

TEST_CASE("store: after the disk failed it is read-only until it is opened again") {
  StoreFixture f;
  const DocumentId id = f.create(1);
  CHECK(append_many(f, id, 5).seqs.size() == 5);
  silence_log();
  f.node.disk().fail_always();
  const Outcomes outcomes = append_many(f, id, 3);
  REQUIRE(outcomes.errors.size() == 3);
  CHECK(outcomes.errors[0].is(StoreError::io));
  CHECK(f.store->read_only());
  f.node.disk().clear_faults();
  CHECK(append_many(f, id, 1).errors.at(0).is(StoreError::read_only));
  CHECK(f.load(id).updates.size() == 5);
  CHECK(f.world.run(f.store->close()).has_value());
  f.store.reset();
  f.node.disk().crash();
  f.open(options_of(f.node));
  CHECK(f.load(id).updates.size() >= 5);
  CHECK(append_many(f, id, 1).errors.empty());
}

Co<void> close_and_note(Store& store, std::optional<Result<void>>& closed) {
  closed = co_await store.close();
}

TEST_CASE("store: close finishes what was begun and refuses what comes later") {
  StoreFixture f;
  const DocumentId id = f.create(1);
  Outcomes early;
  Outcomes late;
  std::optional<Result<void>> closed;
  rt::TaskGroup group(f.node.loop());
  for (int i = 0; i < 10; ++i) {
    group.spawn("early", append(*f.store, id, Bytes{1}, early));
  }
  group.spawn("close", close_and_note(*f.store, closed));
  group.spawn("late", append(*f.store, id, Bytes{1}, late));
  CHECK(f.world.run_until([&] { return group.running() == 0; }));
  f.world.run(group.stop());
  CHECK(early.seqs.size() == 10);
  CHECK(late.errors.at(0).is(StoreError::closed));
  CHECK(closed.value().has_value());
  CHECK(f.world.run(f.store->close()).has_value());
  CHECK(fails(f.world.run(f.store->read([](Database& db) { return Documents(db).count(); })),
              StoreError::closed));
  f.open(options_of(f.node));
  CHECK(f.store->open_report().clean);
  CHECK(f.load(id).updates.size() == 10);
}

Co<Outcomes> append_together(rt::asio_::Loop& loop, Store& store, DocumentId id) {
  Outcomes outcomes;
  rt::TaskGroup group(loop);
  for (int i = 0; i < 200; ++i) {
    group.spawn("append", append(store, id, Bytes(100, 1), outcomes));
  }
  while (group.running() > 0) {
    (void)co_await store.read([](Database& db) { return Documents(db).count(); });
  }
  co_await group.stop();
  co_return outcomes;
}

TEST_CASE("store: on a real loop, worker and files, through either file layer") {
  const TemporaryFolder folder;
  const auto disk = must(rt::asio_::DirectoryDisk::open_root(folder.file("")));
  StoreOptions options;
  SUBCASE("SQLite's own files") {
    options.database.path = folder.file("a.db");
  }
  SUBCASE("rt::Disk") {
    options.database = {.path = "b.db", .disk = disk.get()};
  }
  rt::asio_::Loop loop;
  rt::asio_::ThreadWorker worker(loop, "store");
  const DocumentId id = document_id(1);
  for (int round = 1; round <= 2; ++round) {
    const auto store = must(loop.run(Store::open(loop, worker, options)));
    CHECK(store->open_report().clean);
    if (round == 1) {
      must(loop.run(store->write(
          [id](Database& db) { return Documents(db).create(id, DocumentKind::conversation, 1); })));
    }
    const Outcomes outcomes = loop.run(append_together(loop, *store, id));
    CHECK(outcomes.seqs.size() == 200);
    CHECK(outcomes.errors.empty());
    const auto log =
        must(loop.run(store->read([id](Database& db) { return Documents(db).load(id); })));
    CHECK(log.updates.size() == static_cast<std::size_t>(round) * 200);
    must(loop.run(store->close()));
  }
}

TEST_CASE("store: opening reports what is wrong") {
  World world(1);
  Node& node = world.add_node("node");
  const auto worker = node.make_worker();
  {
    auto file = must(node.disk().open("vivim.db", rt::OpenMode::create));
    must(file->write_at(0, Bytes(10'000, 'x')));
  }
  CHECK(fails(world.run(Store::open(node.loop(), *worker, options_of(node))), StoreError::corrupt));
}

}  // namespace
}  // namespace vivim::store
