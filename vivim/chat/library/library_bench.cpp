// The whole way of an import: file, parser, documents, compression, database. `VIVIM_IMPORT_MB`
// sets the size (256).
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

/// A home in a folder of its own, opened for one import.
vivim::Outcome<vivim::chat::ImportOutcome> import_into(const std::filesystem::path& folder,
                                                       const std::string& path) {
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
  for (auto _ : state) {
    const auto outcome = import_into(folder, path);
    if (!outcome) {
      state.SkipWithError(outcome.error().message.c_str());
      break;
    }
    state.counters["conversations"] = static_cast<double>(outcome->added);
    state.counters["turns"] = static_cast<double>(outcome->report.turns);
  }
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
