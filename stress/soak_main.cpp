// Hosts over TCP, WebSocket, QUIC and relays on loopback, at random for a while: memory stays flat,
// no descriptor is left behind.
//
//   libp2p_soak [--seconds 20] [--seed N]
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "stress/soak.hpp"
#include "vivim/base/log.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"

namespace vivim::stress {

namespace {

/// Decides what happens, and makes the keys of the hosts: nothing here is secret.
class SeededRng final : public rt::Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  void fill(MutableBytes out) override {
    for (auto& byte : out) {  // SplitMix64, its highest byte
      auto z = (state_ += 0x9e3779b97f4a7c15);
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      byte = static_cast<std::uint8_t>(z >> 56);
    }
  }

 private:
  std::uint64_t state_;
};

struct Arguments {
  std::uint64_t seconds = 20;
  std::uint64_t seed = 1;
};

std::optional<Arguments> parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = values[i];
    std::uint64_t* const into = word == "--seconds" ? &arguments.seconds
                                : word == "--seed"  ? &arguments.seed
                                                    : nullptr;
    if (into == nullptr || ++i == count) {
      return std::nullopt;
    }
    const std::string_view value = values[i];
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), *into);
    if (error != std::errc{} || end != value.data() + value.size()) {
      return std::nullopt;
    }
  }
  return arguments;
}

SoakOptions options_of(const Arguments& arguments) {
  const std::chrono::seconds time(arguments.seconds);
  constexpr rt::Duration k_round_max = std::chrono::seconds(30);
  return {.seed = arguments.seed,
          .time = time,
          .round = std::min<rt::Duration>(time / 10, k_round_max),
          .warm_up = time / 4};
}

void print(const SoakTally& tally) {
  const auto n = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "connected: %llu tcp, %llu ws, %llu quic, %llu relayed; %llu restarts, %llu garbage\n"
      "streams: %llu echoed (%llu MiB), %llu abandoned, %llu refused, %llu broken; %llu pings\n",
      n(tally.connected[0]), n(tally.connected[1]), n(tally.connected[2]), n(tally.relayed),
      n(tally.restarts), n(tally.garbage), n(tally.streams), n(tally.bytes >> 20),
      n(tally.abandoned), n(tally.refused), n(tally.broken), n(tally.pings));
}

int soak(const Arguments& arguments) {
  std::printf("soak: seed %llu, %llu s\n", static_cast<unsigned long long>(arguments.seed),
              static_cast<unsigned long long>(arguments.seconds));
  log::set_sink([](auto&&...) {}, log::Level::error);
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  SeededRng rng(arguments.seed);
  Soak soak(options_of(arguments), loop, network, rng);
  const auto problems = loop.run(soak.run());
  print(soak.tally());
  for (const auto& problem : problems) {
    std::printf("FAILED: %s\n", problem.c_str());
  }
  std::printf("%s\n", problems.empty() ? "flat" : "not flat");
  return problems.empty() ? 0 : 1;
}

}  // namespace

}  // namespace vivim::stress

int main(int count, char** values) {
  const auto arguments = vivim::stress::parse(count, values);
  if (!arguments) {
    std::fprintf(stderr, "libp2p_soak [--seconds N] [--seed N]\n");
    return 2;
  }
  return vivim::stress::soak(*arguments);
}
