#include <algorithm>

#include <benchmark/benchmark.h>

#include "vivim/libp2p/noise/handshake.hpp"

namespace {

using namespace vivim;
using namespace vivim::libp2p::noise;

const crypto::AeadKey& key() {
  static const crypto::AeadKey k_key(Bytes(32, 1));
  return k_key;
}

constexpr std::size_t k_batch = 256 * 1024;

void seal(benchmark::State& state) {
  Sender sender(key());
  const Bytes plaintext(k_batch, 7);
  Bytes out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(sender.seal(plaintext, out, static_cast<std::size_t>(state.range(0))));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k_batch));
}
BENCHMARK(seal)->Arg(1024)->Arg(4096)->Arg(16384)->Arg(32768)->Arg(65519);

void seal_and_open(benchmark::State& state) {
  Sender sender(key());
  Receiver receiver(key());
  const Bytes plaintext(k_batch, 7);
  Bytes out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(sender.seal(plaintext, out, static_cast<std::size_t>(state.range(0))));
    for (BytesView rest = out; !rest.empty();) {
      rest = rest.subspan(receiver.feed(rest.first(std::min<std::size_t>(rest.size(), 65536))));
      for (auto piece = receiver.next(); piece && *piece; piece = receiver.next()) {
        benchmark::DoNotOptimize((*piece)->data());
      }
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k_batch));
}
BENCHMARK(seal_and_open)->Arg(1024)->Arg(4096)->Arg(16384)->Arg(32768)->Arg(65519);

void handshake_both_sides(benchmark::State& state) {
  const Identity ours(crypto::KeyPair::generate(crypto::os_random), crypto::os_random);
  const Identity theirs(crypto::KeyPair::generate(crypto::os_random), crypto::os_random);
  for (auto _ : state) {
    Handshake initiator(ours, {}, crypto::os_random);
    Handshake responder(theirs, {.role = Role::responder}, crypto::os_random);
    static_cast<void>(responder.feed(initiator.poll_transmit()));
    static_cast<void>(initiator.feed(responder.poll_transmit()));
    static_cast<void>(responder.feed(initiator.poll_transmit()));
    if (!responder.done()) {
      state.SkipWithError("not done");
    }
  }
}
BENCHMARK(handshake_both_sides);

}  // namespace
