#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <zlib.h>

#include "cmake/test_paths.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/json_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

// B4 of crdt-benchmarks: the keystrokes of a paper (automerge-paper of editing-traces), one by one.
namespace vivim::crdt {
namespace {

struct Patch {
  std::uint32_t at = 0;
  std::uint32_t removed = 0;
  std::string inserted;
};

std::optional<std::string> read_gzip(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    return std::nullopt;
  }
  std::string text;
  std::string buffer(1 << 20, '\0');
  for (int count = 0; (count = gzread(file, buffer.data(), 1 << 20)) > 0;) {
    text.append(buffer, 0, static_cast<std::size_t>(count));
  }
  gzclose(file);
  return text;
}

// {"txns": [{"patches": [[position, removed, "inserted"], ...]}, ...]}
std::vector<Patch> load_trace() {
  const auto text =
      read_gzip(test_paths::shared_data() + "/traces/sequential/automerge-paper.json.gz");
  std::vector<Patch> patches;
  if (!text) {
    return patches;
  }
  const Any trace = detail::parse_json(*text);
  for (const Any& transaction : *trace.find("txns")->if_array()) {
    for (const Any& patch : *transaction.find("patches")->if_array()) {
      const auto& fields = *patch.if_array();
      patches.push_back({.at = static_cast<std::uint32_t>(*fields[0].if_number()),
                         .removed = static_cast<std::uint32_t>(*fields[1].if_number()),
                         .inserted = *fields[2].if_string()});
    }
  }
  return patches;
}

struct Trace {
  std::vector<Patch> patches = load_trace();
  std::vector<Bytes> updates;
  Bytes state;

  Trace() {
    Doc doc(ClientId{1});
    const auto recording =
        doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
    replay(doc);
    state = encode_state_as_update(doc);
  }

  void replay(Doc& doc) const {
    Text text = doc.text("text");
    for (const Patch& patch : patches) {
      doc.transact([&](Transaction& t) {
        text.remove(t, patch.at, patch.removed);
        text.insert(t, patch.at, patch.inserted);
      });
    }
  }
};

const Trace* trace_or_skip(benchmark::State& state) {
  static const Trace trace;  // made once for all benchmarks of this program
  if (trace.patches.empty()) {
    state.SkipWithError("skipped: the trace is not there");
    return nullptr;
  }
  return &trace;
}

void b4_op_by_op(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  for (auto run : state) {
    Doc doc(ClientId{1});
    std::size_t bytes = 0;
    const auto counting = doc.on_update([&](BytesView update, Origin) { bytes += update.size(); });
    trace->replay(doc);
    benchmark::DoNotOptimize(bytes);
  }
}
BENCHMARK(b4_op_by_op)->Unit(benchmark::kMillisecond);

void b4_apply_remote_updates(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  for (auto run : state) {
    Doc doc(ClientId{2});
    for (const Bytes& update : trace->updates) {
      benchmark::DoNotOptimize(apply_update(doc, update));
    }
  }
}
BENCHMARK(b4_apply_remote_updates)->Unit(benchmark::kMillisecond);

void b4_load(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  for (auto run : state) {
    Doc doc(ClientId{2});
    benchmark::DoNotOptimize(apply_update(doc, trace->state));
    benchmark::DoNotOptimize(doc.text("text").to_string());
  }
  state.counters["bytes"] = static_cast<double>(trace == nullptr ? 0 : trace->state.size());
}
BENCHMARK(b4_load)->Unit(benchmark::kMillisecond);

void b4_encode(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  Doc doc(ClientId{2});
  if (trace != nullptr) {
    benchmark::DoNotOptimize(apply_update(doc, trace->state));
  }
  for (auto run : state) {
    benchmark::DoNotOptimize(encode_state_as_update(doc));
  }
}
BENCHMARK(b4_encode)->Unit(benchmark::kMillisecond);

void b4_load_v2(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  Bytes v2;
  if (trace != nullptr) {
    v2 = convert_update(trace->state, UpdateFormat::v1, UpdateFormat::v2).value();
  }
  for (auto run : state) {
    Doc doc(ClientId{2});
    benchmark::DoNotOptimize(apply_update(doc, v2, {}, UpdateFormat::v2));
    benchmark::DoNotOptimize(doc.text("text").to_string());
  }
  state.counters["bytes"] = static_cast<double>(v2.size());
}
BENCHMARK(b4_load_v2)->Unit(benchmark::kMillisecond);

void b4_encode_v2(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  Doc doc(ClientId{2});
  if (trace != nullptr) {
    benchmark::DoNotOptimize(apply_update(doc, trace->state));
  }
  for (auto run : state) {
    benchmark::DoNotOptimize(encode_state_as_update(doc, UpdateFormat::v2));
  }
}
BENCHMARK(b4_encode_v2)->Unit(benchmark::kMillisecond);

void b4_convert_to_v2(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  for (auto run : state) {
    benchmark::DoNotOptimize(convert_update(trace->state, UpdateFormat::v1, UpdateFormat::v2));
  }
}
BENCHMARK(b4_convert_to_v2)->Unit(benchmark::kMillisecond);

void b4_merge_updates(benchmark::State& state) {
  const Trace* trace = trace_or_skip(state);
  std::vector<BytesView> views;
  if (trace != nullptr) {
    views.assign(trace->updates.begin(), trace->updates.end());
  }
  for (auto run : state) {
    benchmark::DoNotOptimize(merge_updates(views));
  }
}
BENCHMARK(b4_merge_updates)->Unit(benchmark::kMillisecond);

// A text whose 2,000 updates come in the order from last to first.
void reversed_arrival_2k(benchmark::State& state) {
  Doc writer(ClientId{1});
  std::vector<Bytes> updates;
  const auto recording =
      writer.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  for (int i = 0; i < 2'000; ++i) {
    writer.transact([&](Transaction& t) { writer.text("t").push(t, "x"); });
  }
  for (auto run : state) {
    Doc doc(ClientId{2});
    for (auto update = updates.rbegin(); update != updates.rend(); ++update) {
      benchmark::DoNotOptimize(apply_update(doc, *update));
    }
    benchmark::DoNotOptimize(doc.text("t").length());
  }
}
BENCHMARK(reversed_arrival_2k)->Unit(benchmark::kMillisecond);

void random_inserts_30k(benchmark::State& state) {
  for (auto run : state) {
    Doc doc(ClientId{1});
    const auto listening = doc.on_update([](BytesView, Origin) {});
    Text text = doc.text("t");
    std::uint32_t random = 1;
    for (std::uint32_t i = 0; i < 30'000; ++i) {
      random = random * 1664525 + 1013904223;
      doc.transact([&](Transaction& t) {
        text.insert(t, static_cast<std::uint32_t>((std::uint64_t{random} * (i + 1)) >> 32), "x");
      });
    }
  }
}
BENCHMARK(random_inserts_30k)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vivim::crdt
