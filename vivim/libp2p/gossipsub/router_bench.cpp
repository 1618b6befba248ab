// What one message costs a router with fifty peers in its mesh: bytes of a peer in, bytes for the
// other forty-nine out.
#include <cstdlib>
#include <new>

#include <benchmark/benchmark.h>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/gossipsub/router.hpp"
#include "vivim/libp2p/gossipsub/signature.hpp"

namespace {

std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace {

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;

constexpr std::size_t k_peers = 50;
constexpr std::size_t k_bytes = 1024;

/// A simple generator: what is measured is not to ask the operating system.
class Dice final : public rt::Rng {
 public:
  void fill(MutableBytes out) override {
    for (std::uint8_t& byte : out) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      byte = static_cast<std::uint8_t>(state_ >> 56U);
    }
  }

 private:
  std::uint64_t state_ = 1;
};

crypto::KeyPair key_of(std::uint8_t number) {
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, number)));
}

RouterOptions options(SignaturePolicy policy) {
  RouterOptions made;
  made.policy = policy;
  made.mesh.d = made.mesh.d_low = made.mesh.d_high = made.mesh.d_score = k_peers;
  return made;
}

struct Setting {
  explicit Setting(SignaturePolicy policy)
      : router(PeerId::of(key_of(1)), options(policy), dice, now) {
    (void)router.subscribe("t", {}, now);
    Bytes subscriptions;
    Bytes control;
    wire::append_subscription(subscriptions, {.topic = "t", .subscribe = true});
    wire::append_graft(control, "t");
    const Bytes frame = wire::frame(subscriptions, control);
    const std::size_t head = decode_varint(frame)->size;
    for (std::size_t i = 0; i < k_peers; ++i) {
      const auto number = static_cast<std::uint8_t>(i + 2);
      peers.push_back(router.add_peer(PeerId::of(key_of(number)), {}));
      (void)router.receive(peers.back(), BytesView(frame).subspan(head), now);
    }
    VIVIM_ASSERT(router.mesh_peers("t").size() == k_peers);
    drain();
  }

  void drain() {
    while (auto event = router.poll_event()) {
      benchmark::DoNotOptimize(event);
    }
    while (const auto index = router.next_writable()) {
      out.clear();
      while (router.take_output(*index, out, out.capacity())) {
        out.clear();
      }
      benchmark::DoNotOptimize(out.data());
    }
  }

  Dice dice;
  rt::TimePoint now{std::chrono::hours(1)};
  Router router;
  std::vector<PeerIndex> peers;
  Bytes out = Bytes(std::size_t{64} * 1024);
};

Bytes message(SignaturePolicy policy, std::uint64_t number) {
  static const crypto::KeyPair k_key = key_of(99);
  static const PeerId k_author = PeerId::of(k_key);
  Bytes data(k_bytes, 7);
  store_be64(data, number);
  wire::MessageView view{.data = data, .topic = "t"};
  Bytes seqno(8);
  Bytes signature;
  if (policy == SignaturePolicy::strict_sign) {
    store_be64(seqno, number);
    view.from = k_author.bytes();
    view.seqno = seqno;
    signature = sign(record::Signer::of(k_key), Message::make(view, {}, {})->signed_part());
    view.signature = signature;
  }
  const MessagePtr made = Message::make(view, {}, {});
  return to_bytes(made->frame().subspan(decode_varint(made->frame())->size));
}

/// `batch` messages arrive before what they caused is written.
void run(benchmark::State& state, SignaturePolicy policy) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  Setting setting(policy);
  std::vector<Bytes> messages;
  std::uint64_t number = 0;
  std::uint64_t counted = 0;
  for (auto _ : state) {
    state.PauseTiming();
    messages.clear();
    for (std::size_t i = 0; i < 4096; ++i) {
      messages.push_back(message(policy, ++number));
    }
    const std::uint64_t before = allocations;
    state.ResumeTiming();
    std::size_t waiting = 0;
    for (const Bytes& rpc : messages) {
      (void)setting.router.receive(setting.peers.front(), rpc, setting.now);
      if (++waiting == batch) {
        setting.drain();
        waiting = 0;
      }
    }
    setting.drain();
    setting.now += std::chrono::seconds(1);
    setting.router.on_deadline(setting.now);
    counted += allocations - before;
  }
  const auto all = static_cast<double>(state.iterations() * 4096);
  VIVIM_ASSERT(setting.router.stats().forwarded == static_cast<std::uint64_t>(all) * (k_peers - 1));
  state.SetItemsProcessed(static_cast<std::int64_t>(all));
  state.counters["allocations"] = static_cast<double>(counted) / all;
}

void BM_forward_anonymous(benchmark::State& state) {
  run(state, SignaturePolicy::strict_no_sign);
}
BENCHMARK(BM_forward_anonymous)->Arg(1)->Arg(32)->Unit(benchmark::kMillisecond);

void BM_forward_signed(benchmark::State& state) {
  run(state, SignaturePolicy::strict_sign);
}
BENCHMARK(BM_forward_signed)->Arg(1)->Arg(32)->Unit(benchmark::kMillisecond);

/// A router that does nothing but keep a thousand topics.
void BM_heartbeat(benchmark::State& state) {
  Setting setting(SignaturePolicy::strict_no_sign);
  for (int i = 0; i < state.range(0); ++i) {
    (void)setting.router.subscribe("/vivim/circles/" + std::to_string(i), {}, setting.now);
  }
  setting.drain();
  for (auto _ : state) {
    setting.now += std::chrono::seconds(1);
    setting.router.on_deadline(setting.now);
  }
}
BENCHMARK(BM_heartbeat)->Arg(0)->Arg(1000);

}  // namespace
