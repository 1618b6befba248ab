#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/doctor.hpp"
#include "vivim/store/store.hpp"
#include "vivim/store/store_test_detail.hpp"

namespace vivim::store {
namespace {

using namespace testing;
using rt::Co;
using rt::sim::Node;
using rt::sim::World;

constexpr std::size_t k_documents = 3;
constexpr int k_lives = 4;

/// What one document was told: everything submitted, in order, and how much of it was acknowledged.
struct Expected {
  std::uint64_t submitted = 0;
  std::set<std::uint64_t> acknowledged;
};

Bytes update_of(std::uint64_t document, std::uint64_t number, std::size_t padding) {
  Bytes bytes(16 + padding, static_cast<std::uint8_t>(number));
  store_be64(bytes, document);
  store_be64(MutableBytes(bytes).subspan(8), number);
  return bytes;
}

std::uint64_t number_of(BytesView update) {
  return load_be64(update.subspan(8));
}

Co<void> append(Store& store, std::uint64_t document, std::uint64_t number, std::size_t padding,
                Expected& expected) {
  const auto done =
      co_await store.append_update(document_id(document), update_of(document, number, padding));
  if (done) {
    expected.acknowledged.insert(number);
  }
}

/// The snapshot of the test's format: the numbers of the updates in it.
Bytes snapshot_of(const DocumentLog& log) {
  Bytes snapshot = log.snapshot.value_or(Bytes());
  for (const Update& update : log.updates) {
    Bytes number(8);
    store_be64(number, number_of(update.bytes));
    vivim::append(snapshot, number);
  }
  return snapshot;
}

Co<void> compact(Store& store, std::uint64_t document) {
  co_await store.write([document](Database& db) -> Result<void> {
    Documents documents(db);
    VIVIM_TRY(const DocumentLog log, documents.load(document_id(document)));
    const std::uint64_t last = log.updates.empty() ? log.snapshot_seq : log.updates.back().seq;
    return documents.compact(document_id(document), snapshot_of(log), last);
  });
}

Result<void> create_documents(Database& db) {
  for (std::uint64_t i = 0; i < k_documents; ++i) {
    VIVIM_TRY(const bool has, Documents(db).has(document_id(i)));
    if (!has) {
      VIVIM_TRYV(Documents(db).create(document_id(i), DocumentKind::conversation, 1));
    }
  }
  return {};
}

/// One program on one disk, killed again and again at random moments.
class CrashRun {
 public:
  explicit CrashRun(std::uint64_t seed) : world_(seed), node_(world_.add_node("node")) {}

  void run() {
    for (int life = 0; life < k_lives; ++life) {
      live();
    }
    open();
    check();
    must(world_.run(store_->close()));
  }

  std::uint64_t trace() const { return world_.trace_hash(); }
  std::size_t acknowledged() const {
    std::size_t total = 0;
    for (const Expected& each : expected_) {
      total += each.acknowledged.size();
    }
    return total;
  }

 private:
  void open() {
    worker_ = node_.make_worker();
    StoreOptions options{
        .database = {
            .path = "vivim.db", .disk = &node_.disk(), .wal_bytes = 64 << 10, .random_seed = 7}};
    store_ = must(world_.run(Store::open(node_.loop(), *worker_, options)));
    must(world_.run(store_->write(create_documents)));
  }

  void live() {
    open();
    check();
    rt::TaskGroup group(node_.loop());
    const std::uint64_t steps = 1 + world_.rng().below(60);
    for (std::uint64_t i = 0; i < steps; ++i) {
      submit(group);
      world_.run_for(std::chrono::microseconds(world_.rng().below(300)));
    }
    node_.crash();
    REQUIRE(world_.run_until([&] { return group.running() == 0; }));
    world_.run(group.stop());
    store_.reset();
    node_.restart();
  }

  void submit(rt::TaskGroup& group) {
    const std::uint64_t document = world_.rng().below(k_documents);
    if (world_.rng().below(10) == 0) {
      group.spawn("compact", compact(*store_, document));
      return;
    }
    Expected& expected = expected_[document];
    const std::size_t padding = world_.rng().below(8) == 0 ? world_.rng().below(20'000) : 30;
    group.spawn("append", append(*store_, document, expected.submitted++, padding, expected));
  }

  /// Every acknowledged update is there exactly once, in order; what was not acknowledged may be.
  void check() {
    for (std::uint64_t i = 0; i < k_documents; ++i) {
      const auto log = must(world_.run(
          store_->read([i](Database& db) { return Documents(db).load(document_id(i)); })));
      const Bytes all = snapshot_of(log);
      std::vector<std::uint64_t> present;
      for (std::size_t at = 0; at < all.size(); at += 8) {
        present.push_back(load_be64(BytesView(all).subspan(at)));
      }
      CHECK(std::ranges::adjacent_find(present, std::greater_equal<>()) == present.end());
      CHECK(std::ranges::includes(present, expected_[i].acknowledged));
      CHECK((present.empty() || present.back() < expected_[i].submitted));
    }
    const auto checks = must(world_.run(
        store_->read([](Database& db) -> Result<std::vector<Check>> { return examine(db); })));
    for (const Check& each : checks) {
      CHECK_MESSAGE(each.ok, each.name << ": " << each.detail);
    }
  }

  World world_;
  Node& node_;
  std::unique_ptr<rt::Worker> worker_;
  std::unique_ptr<Store> store_;
  std::array<Expected, k_documents> expected_;
};

TEST_CASE("crash: on a disk that tears writes, 300 seeds lose nothing that was acknowledged") {
  silence_log();
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= 300 / VIVIM_SEEDS_PART; ++seed) {
    CAPTURE(seed);
    CrashRun run(seed);
    run.run();
    acknowledged += run.acknowledged();
  }
  CHECK(acknowledged > 5000 / VIVIM_SEEDS_PART);
}

TEST_CASE("crash: the same seed gives the same trace") {
  silence_log();
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CrashRun first(seed);
    first.run();
    CrashRun second(seed);
    second.run();
    CHECK(first.trace() == second.trace());
  }
}

}  // namespace
}  // namespace vivim::store
