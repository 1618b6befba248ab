// The whole way of an import: file, parser, documents, compression, database. `VIVIM_IMPORT_MB`
// sets the size (256). Besides the speed it tells the processor time that each thread took, which
// other work on the same machine disturbs less: cpu_* are seconds for each GB (10^9 bytes) read.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include "vivim/chat/importers/synthetic.hpp"
#include "vivim/chat/library/hub_documents.hpp"
#include "vivim/chat/library/library.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/asio/worker.hpp"

namespace {

using vivim::chat::Library;
namespace rt = vivim::rt;

std::uint64_t megabytes() {
  const char* const text = std::getenv("VIVIM_IMPORT_MB");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 256;
}

double peak_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// Processor time of the thread that asks, in seconds.
double thread_seconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// Seconds by thread.
struct Cpu {
  double loop = 0;
  double reader = 0;
  double packer = 0;
  double store = 0;
};

/// A home in a folder of its own, opened for one import; indexing follows it and is not part of
/// it.
vivim::Outcome<vivim::chat::ImportOutcome> import_into(const std::filesystem::path& folder,
                                                       const std::string& path, Cpu& cpu) {
  const double begun = thread_seconds();
  rt::asio_::Loop loop;
  rt::asio_::SystemRng rng;
  rt::asio_::ThreadWorker store_worker(loop, "store");
  rt::asio_::ThreadWorker reader(loop, "reader");
  rt::asio_::ThreadWorker packer(loop, "packer");
  auto store = loop.run(vivim::store::Store::open(
      loop, store_worker, {.database = {.path = (folder / "vivim.db").string()}}));
  vivim::sync::DocumentHub hub(loop, **store, rng);
  vivim::chat::HubDocuments documents(hub);
  Library library({loop, **store, documents, rng, reader, packer});
  auto outcome = loop.run(library.import_now(path));
  cpu = {.loop = thread_seconds() - begun,
         .reader = loop.run(reader.run(thread_seconds)),
         .packer = loop.run(packer.run(thread_seconds)),
         .store = loop.run(store_worker.run(thread_seconds))};
  loop.run(library.stop());
  loop.run(hub.stop());
  (void)loop.run((*store)->close());
  return outcome;
}

void import_whole(benchmark::State& state) {
  const auto folder = std::filesystem::temp_directory_path() / "vivim_import_bench";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto path = (folder / "conversations.json").string();
  {
    std::ofstream out(path, std::ios::binary);
    vivim::chat::write_synthetic_export(
        {.bytes = megabytes() << 20, .indented = state.range(0) != 0},
        [&](std::string_view piece) { out << piece; });
  }
  Cpu cpu;
  for (auto _ : state) {
    const auto outcome = import_into(folder, path, cpu);
    if (!outcome) {
      state.SkipWithError(outcome.error().message.c_str());
      break;
    }
    state.counters["conversations"] = static_cast<double>(outcome->added);
    state.counters["turns"] = static_cast<double>(outcome->report.turns);
  }
  const auto gigabytes = static_cast<double>(std::filesystem::file_size(path)) / 1e9;
  state.counters["cpu_loop"] = cpu.loop / gigabytes;
  state.counters["cpu_reader"] = cpu.reader / gigabytes;
  state.counters["cpu_packer"] = cpu.packer / gigabytes;
  state.counters["cpu_store"] = cpu.store / gigabytes;
  state.counters["cpu_all"] = (cpu.loop + cpu.reader + cpu.packer + cpu.store) / gigabytes;
  state.counters["database_MB"] =
      static_cast<double>(std::filesystem::file_size(folder / "vivim.db")) / 1e6;
  state.counters["peak_MB"] = peak_mb();
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(std::filesystem::file_size(path)));
  std::filesystem::remove_all(folder);
}
BENCHMARK(import_whole)
    ->ArgName("indented")
    ->Arg(0)
    ->Iterations(1)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
