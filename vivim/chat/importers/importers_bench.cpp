#include <string>

#include <benchmark/benchmark.h>

#include "vivim/chat/importers/splitter.hpp"
#include "vivim/chat/importers/synthetic.hpp"
#include "vivim/chat/importers/test_support_detail.hpp"

namespace {

using vivim::Result;

class CountingSink final : public vivim::chat::Sink {
 public:
  Result<void> conversation(vivim::chat::Imported imported) override {
    turns += imported.conversation.turns.size();
    return {};
  }
  Result<void> file(vivim::chat::ImportedFile) override { return {}; }
  std::size_t turns = 0;
};

std::string make(bool claude, bool indented) {
  std::string text;
  vivim::chat::write_synthetic_export({.bytes = 64 << 20, .claude = claude, .indented = indented},
                                      [&](std::string_view piece) { text += piece; });
  return text;
}

void split(benchmark::State& state) {
  const auto text = make(false, state.range(0) != 0);
  for (auto _ : state) {
    vivim::chat::Splitter splitter;
    std::string_view rest = text;
    std::size_t elements = 0;
    while (!rest.empty()) {
      splitter.feed(rest.substr(0, 256 << 10));
      rest.remove_prefix(std::min<std::size_t>(rest.size(), 256 << 10));
      while (splitter.poll().value()) {
        ++elements;
      }
    }
    benchmark::DoNotOptimize(elements);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(split)->ArgName("indented")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void parse_and_map(benchmark::State& state) {
  const auto text = make(state.range(0) != 0, state.range(1) != 0);
  vivim::chat::MemoryExport files({{"conversations.json", text}}, 256 << 10);
  for (auto _ : state) {
    CountingSink sink;
    auto report = vivim::chat::import_files(files, "bench", sink);
    benchmark::DoNotOptimize(report);
    state.counters["turns"] = static_cast<double>(sink.turns);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(text.size()));
}
BENCHMARK(parse_and_map)
    ->ArgNames({"claude", "indented"})
    ->Args({0, 0})
    ->Args({0, 1})
    ->Args({1, 0})
    ->Unit(benchmark::kMillisecond);

}  // namespace
