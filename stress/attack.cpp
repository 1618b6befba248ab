#include "stress/attack.hpp"

#include "vivim/libp2p/host/upgrade.hpp"
#include "vivim/libp2p/yamux/session.hpp"

namespace vivim::stress {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr auto k_dial_max = 3s;
constexpr auto k_pause = 1ms;    // between two shots of one line, so that time passes
constexpr auto k_glance = 20ms;  // how often one who lingers looks whether it is over

crypto::RandomSource random_of(rt::Rng& rng) {
  return [&rng](MutableBytes out) { rng.fill(out); };
}

}  // namespace

rt::Co<void> drain(rt::Stream& stream) {
  Bytes buffer(std::size_t{16} * 1024);
  for (;;) {
    const auto count = co_await stream.read_some(buffer);
    if (!count || *count == 0) {
      co_return;
    }
  }
}

Ground::Ground(rt::Loop& loop, rt::Network& network, rt::Rng& rng, Target target)
    : loop_(loop),
      network_(network),
      rng_(rng),
      target_(std::move(target)),
      key_(crypto::KeyPair::generate(random_of(rng))),
      noise_(libp2p::noise::Identity(key_, random_of(rng)), rng),
      watchdog_(loop),
      tasks_(loop),
      watching_(loop) {
  watching_.on_stop([this] { watchdog_.stop(); });
  watching_.spawn("fuses", watchdog_.run());
}

void Ground::begin(rt::Co<void> (*shot)(Ground&), std::size_t parallel) {
  for (std::size_t i = 0; i < parallel; ++i) {
    tasks_.spawn("attack", repeat(shot));
  }
}

rt::Co<void> Ground::repeat(rt::Co<void> (*shot)(Ground&)) {
  while (!over()) {
    co_await shot(*this);
    ++shots_;
    co_await rt::sleep_for(loop_, k_pause);
  }
}

rt::Co<void> Ground::stop() {
  co_await tasks_.stop();
  co_await watching_.stop();
}

rt::Co<std::unique_ptr<rt::Stream>> Ground::dial(Way way) {
  const auto port = way == Way::ws ? target_.ports.ws : target_.ports.tcp;
  auto connection = co_await network_.dial({.ip = target_.ip, .port = port}, k_dial_max);
  co_return connection ? std::move(connection->stream) : nullptr;
}

rt::Co<std::unique_ptr<rt::Stream>> Ground::secure() {
  auto stream = co_await dial(Way::tcp);
  if (!stream) {
    co_return nullptr;
  }
  const auto guard = fuse(*stream, k_dial_max);
  auto upgraded = co_await libp2p::upgrade(
      std::move(stream),
      {.securities = {&noise_}, .muxers = {std::string(libp2p::yamux::k_protocol_id)}}, {});
  if (!upgraded) {
    co_return nullptr;
  }
  co_return std::move(upgraded->stream);
}

rt::Co<std::unique_ptr<libp2p::Host>> Ground::join() {
  const auto key = crypto::KeyPair::generate(random_of(rng_));
  auto host =
      std::make_unique<libp2p::Host>(libp2p::HostOptions{.key = key}, loop_, network_, rng_);
  const auto address = Multiaddr::from_tcp(target_.ip.to_string(), target_.ports.tcp);
  if (!co_await host->connect(target_.peer, {*address})) {
    co_await host->stop();
    co_return nullptr;
  }
  co_return host;
}

libp2p::Watchdog::Guard Ground::fuse(rt::Stream& stream, rt::Duration time) {
  rt::Stream* const raw = &stream;
  return watchdog_.arm(time, [raw] { raw->reset(); });
}

rt::Co<void> Ground::linger(rt::Duration time) {
  const auto end = loop_.clock().now() + time;
  while (!over() && loop_.clock().now() < end) {
    co_await rt::sleep_for(loop_, k_glance);
  }
}

std::vector<Attack> all_attacks() {
  std::vector<Attack> all;
  for (const auto some : {raw_attacks(), muxer_attacks(), service_attacks()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace vivim::stress
