#include <algorithm>

#include <benchmark/benchmark.h>

#include "vivim/libp2p/tls/session.hpp"

namespace {

using namespace vivim;
using namespace vivim::libp2p::tls;

constexpr rt::WallMs k_now = 1'767'225'600'000;
constexpr std::size_t k_batch = std::size_t{256} * 1024;

std::shared_ptr<const Context> make_context() {
  return Context::libp2p(
      make_certificate(crypto::KeyPair::generate(crypto::os_random), crypto::os_random, k_now));
}

void pass(Session& from, Session& to) {
  to.feed(from.poll_transmit());
  static_cast<void>(to.advance());
}

struct Pair {
  Pair(const std::shared_ptr<const Context>& at_client,
       const std::shared_ptr<const Context>& at_server)
      : client(at_client, {.protocols = {"libp2p"}, .now = k_now}),
        server(at_server, {.role = Role::server, .protocols = {"libp2p"}, .now = k_now}) {
    static_cast<void>(client.advance());
    pass(client, server);
    pass(server, client);
    pass(client, server);
  }

  Session client;
  Session server;
};

void tls_seal(benchmark::State& state) {
  const auto context = make_context();
  Pair pair(context, context);
  const Bytes plaintext(k_batch, 7);
  Bytes out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(pair.client.seal(plaintext, out));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k_batch));
}
BENCHMARK(tls_seal);

void tls_seal_and_open(benchmark::State& state) {
  const auto context = make_context();
  Pair pair(context, context);
  const Bytes plaintext(k_batch, 7);
  Bytes out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(pair.client.seal(plaintext, out));
    for (BytesView rest = out; !rest.empty();) {
      rest = rest.subspan(pair.server.feed(rest.first(std::min<std::size_t>(rest.size(), 65536))));
      for (auto piece = pair.server.next(); piece && *piece; piece = pair.server.next()) {
        benchmark::DoNotOptimize((*piece)->data());
      }
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(k_batch));
}
BENCHMARK(tls_seal_and_open);

void tls_handshake_both_sides(benchmark::State& state) {
  const auto ours = make_context();
  const auto theirs = make_context();
  for (auto _ : state) {
    const Pair pair(ours, theirs);
    if (!pair.server.established()) {
      state.SkipWithError("not done");
    }
  }
}
BENCHMARK(tls_handshake_both_sides);

}  // namespace
