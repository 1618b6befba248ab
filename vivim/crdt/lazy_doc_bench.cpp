#include <benchmark/benchmark.h>

#include "vivim/crdt/lazy_doc.hpp"
#include "vivim/crdt/samples_detail.hpp"

namespace vivim::crdt {
namespace {

constexpr std::size_t k_chats = 200;

enum class Use { open, state_vector, read };

// 200 chats of 20 messages: opened only, asked for what they hold, or read.
void chats(benchmark::State& state, Use use) {
  const Bytes chat = small_chat(ClientId{1});
  for (auto _ : state) {
    for (std::size_t i = 0; i < k_chats; ++i) {
      LazyDoc lazy(ClientId{2});
      lazy.load(chat);
      if (use == Use::state_vector) {
        benchmark::DoNotOptimize(lazy.state_vector());
      } else if (use == Use::read) {
        benchmark::DoNotOptimize(lazy.doc());
      }
      benchmark::DoNotOptimize(lazy.bytes());
    }
  }
}
BENCHMARK_CAPTURE(chats, open_200, Use::open)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(chats, state_vector_of_200, Use::state_vector)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(chats, read_200, Use::read)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace vivim::crdt
