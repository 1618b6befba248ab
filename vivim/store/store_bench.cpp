#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "vivim/rt/asio/disk.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/worker.hpp"
#include "vivim/rt/sim/engine.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/search.hpp"
#include "vivim/store/store.hpp"

namespace vivim::store {
namespace {

/// Whose files: SQLite's own, or ours through rt::Disk.
enum class Files : std::int64_t { sqlite, disk };

/// A folder with an empty database in it.
struct Home {
  explicit Home(Files files) {
    std::string pattern = (std::filesystem::temp_directory_path() / "vivim-bench-XXXXXX").string();
    folder = mkdtemp(pattern.data());
    disk = std::move(*rt::asio_::DirectoryDisk::open_root(folder));
    options.path = files == Files::disk ? "vivim.db" : folder + "/vivim.db";
    options.disk = files == Files::disk ? disk.get() : nullptr;
  }
  ~Home() { std::filesystem::remove_all(folder); }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  std::string folder;
  std::unique_ptr<rt::asio_::DirectoryDisk> disk;
  DatabaseOptions options;
};

DocumentId document_id(std::uint64_t number) {
  DocumentId id;
  store_be64(id.bytes, number * 0x9e3779b97f4a7c15ULL);
  store_be64(MutableBytes(id.bytes).subspan(8), number);
  return id;
}

/// Words with frequencies about as in a language.
std::string words(rt::sim::SeededRng& rng, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t rank = rng.below(50'000);
    rank = rank * rank / 50'000 * rng.below(1000) / 1000;
    for (rank += 26; rank > 0; rank /= 26) {
      text.push_back(static_cast<char>('a' + rank % 26));
    }
    text.push_back(' ');
  }
  return text;
}

rt::Co<void> writer(Store& store, DocumentId id, std::size_t updates) {
  for (std::size_t i = 0; i < updates; ++i) {
    if (!co_await store.append_update(id, Bytes(60, 1))) {
      std::abort();
    }
  }
}

rt::Co<void> write_all(rt::asio_::Loop& loop, Store& store, std::size_t writers,
                       std::size_t updates) {
  rt::TaskGroup group(loop);
  for (std::size_t i = 0; i < writers; ++i) {
    group.spawn("writer", writer(store, document_id(i), updates));
  }
  while (group.running() > 0) {
    co_await rt::sleep_for(loop, std::chrono::milliseconds(1));
  }
  co_await group.stop();
}

/// Durable appends of 60 bytes by concurrent writers. Arguments: files, writers.
void group_commit(benchmark::State& state) {
  Home home(static_cast<Files>(state.range(0)));
  const auto writers = static_cast<std::size_t>(state.range(1));
  const std::size_t updates = writers == 1 ? 300 : 6400 / writers;
  rt::asio_::Loop loop;
  rt::asio_::ThreadWorker worker(loop, "store");
  auto store = std::move(*loop.run(Store::open(loop, worker, {.database = home.options})));
  (void)loop.run(store->write([writers](Database& db) -> Result<void> {
    for (std::size_t i = 0; i < writers; ++i) {
      VIVIM_TRYV(Documents(db).create(document_id(i), DocumentKind::conversation, 1));
    }
    return {};
  }));
  for (auto _ : state) {
    loop.run(write_all(loop, *store, writers, updates));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * writers * updates));
  state.counters["commits/s"] = benchmark::Counter(static_cast<double>(store->counters().commits),
                                                   benchmark::Counter::kIsRate);
  (void)loop.run(store->close());
}
BENCHMARK(group_commit)
    ->ArgsProduct({{0, 1}, {1, 16, 256}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

/// One imported conversation: 20 nodes of about 2 KB of JSON.
struct Source {
  explicit Source(std::uint64_t number) {
    rt::sim::SeededRng rng(number);
    for (int i = 0; i < 20; ++i) {
      nodes.push_back(to_bytes(
          R"({"id":")" + std::to_string(rng.u64()) +
          R"(","message":{"author":{"role":"user","name":null,"metadata":{}},"create_time":1700000000.123,"update_time":null,"content":{"content_type":"text","parts":[")" +
          words(rng, 250) +
          R"("]},"status":"finished_successfully","end_turn":true,"weight":1.0,"metadata":{"timestamp_":"absolute","message_type":null},"recipient":"all"}})"));
      bytes += nodes.back().size();
    }
    snapshot = to_bytes(words(rng, 5000));
  }
  std::vector<Bytes> nodes;
  Bytes snapshot;
  std::size_t bytes = 0;
};

/// Import: hashing, compressing and storing. Argument: files. Bytes are those of the source's
/// nodes.
void import_conversations(benchmark::State& state) {
  rt::asio_::Loop loop;
  const rt::Clock& clock = loop.clock();
  constexpr std::uint64_t k_conversations = 1000;
  constexpr std::size_t k_batch = 150;
  std::vector<Source> sources;
  for (std::uint64_t i = 0; i < k_conversations; ++i) {
    sources.emplace_back(i);
  }
  std::int64_t bytes = 0;
  double packing = 0;
  double seconds = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto home = std::make_unique<Home>(static_cast<Files>(state.range(0)));
    auto db = std::move(*Database::open(home->options));
    state.ResumeTiming();
    Packer packer;
    for (std::size_t first = 0; first < sources.size(); first += k_batch) {
      const auto begun = clock.now();
      const std::size_t count = std::min(k_batch, sources.size() - first);
      std::vector<std::vector<PackedBlob>> blobs(count);
      std::vector<NewConversation> batch;
      for (std::size_t i = 0; i < count; ++i) {
        const Source& source = sources[first + i];
        for (const Bytes& node : source.nodes) {
          blobs[i].push_back(pack_blob(packer, node));
        }
        bytes += static_cast<std::int64_t>(source.bytes);
        batch.push_back({.row = {.id = document_id(first + i), .title = "A conversation"},
                         .snapshot = source.snapshot,
                         .packed = packer.pack(source.snapshot),
                         .blobs = blobs[i]});
      }
      packing += std::chrono::duration<double>(clock.now() - begun).count();
      if (!Conversations(*db).insert_many(batch)) {
        std::abort();
      }
      seconds += std::chrono::duration<double>(clock.now() - begun).count();
    }
    state.PauseTiming();
    (void)db->close();
    db.reset();
    home.reset();
    state.ResumeTiming();
  }
  state.SetBytesProcessed(bytes);
  // An importer packs on other threads: what the store's own thread can take.
  state.counters["bytes_stored/s"] =
      benchmark::Counter(static_cast<double>(bytes) / (seconds - packing));
}
BENCHMARK(import_conversations)
    ->Arg(0)
    ->Arg(1)
    ->UseRealTime()
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

/// Full-text indexing of turns of 80 words, 32 documents of 20 turns at once.
void index_turns(benchmark::State& state) {
  Home home(Files::sqlite);
  auto db = std::move(*Database::open(home.options));
  rt::sim::SeededRng rng(1);
  std::vector<IndexedDocument> batch(32);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i].title = words(rng, 5);
    for (int turn = 0; turn < 20; ++turn) {
      batch[i].turns.push_back({.turn = "t" + std::to_string(turn),
                                .role = "user",
                                .time = static_cast<rt::WallMs>(rng.below(1'700'000'000'000)),
                                .text = words(rng, 80)});
    }
  }
  std::uint64_t number = 0;
  for (auto _ : state) {
    (void)db->begin();
    for (IndexedDocument& document : batch) {
      document.id = document_id(number++);
      (void)Documents(*db).create(document.id, DocumentKind::conversation, 1);
    }
    if (!Search(*db).replace(batch) || !db->commit()) {
      std::abort();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch.size() * 20));
}
BENCHMARK(index_turns)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vivim::store
