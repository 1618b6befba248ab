#include <vector>

#include <benchmark/benchmark.h>

#include "vivim/libp2p/yamux/session.hpp"

namespace vivim::libp2p::yamux {
namespace {

Config bench_config() {
  Config config;
  config.keep_alive_interval = Time::zero();
  return config;
}

// Bytes from write() to read() through memory: buffering, framing, flow control; no cryptography.
void through_memory(benchmark::State& state) {
  const auto stream_count = static_cast<std::size_t>(state.range(0));
  const auto chunk = static_cast<std::size_t>(state.range(1));
  Session from(Role::dialer, bench_config(), Time{});
  Session to(Role::listener, bench_config(), Time{});
  std::vector<StreamId> streams(stream_count);
  for (auto& stream : streams) {
    stream = *from.open_stream();
  }
  const Bytes piece(chunk, 0x5a);
  Bytes wire(64 * 1024);
  Bytes into(64 * 1024);
  std::size_t bytes = 0;
  for (auto _ : state) {
    for (const auto stream : streams) {
      (void)from.write(stream, piece);
    }
    while (const auto count = from.poll_transmit(wire, Time{})) {
      (void)to.feed(BytesView(wire).first(count), Time{});
      while (const auto event = to.poll_event()) {
        while (event->kind == EventKind::readable) {
          const auto outcome = to.read(event->stream, into);
          if (outcome->count == 0) {
            break;
          }
          bytes += outcome->count;
        }
      }
    }
    while (const auto count = to.poll_transmit(wire, Time{})) {
      (void)from.feed(BytesView(wire).first(count), Time{});
    }
    while (from.poll_event()) {
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void open_and_close(benchmark::State& state) {
  Session session(Role::dialer, bench_config(), Time{});
  Session peer(Role::listener, bench_config(), Time{});
  Bytes wire(4096);
  for (auto _ : state) {
    const auto stream = *session.open_stream();
    (void)session.close_write(stream);
    (void)peer.feed(BytesView(wire).first(session.poll_transmit(wire, Time{})), Time{});
    while (const auto event = peer.poll_event()) {
      if (event->kind == EventKind::opened) {
        (void)peer.close_write(event->stream);
        peer.release(event->stream);
      }
    }
    (void)session.feed(BytesView(wire).first(peer.poll_transmit(wire, Time{})), Time{});
    while (session.poll_event()) {
    }
    session.release(stream);
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(through_memory)
    ->ArgNames({"streams", "write"})
    ->Args({1, 65536})
    ->Args({1, 1024})
    ->Args({32, 65536})
    ->Args({200, 4096});
BENCHMARK(open_and_close);

}  // namespace
}  // namespace vivim::libp2p::yamux
