#include "vivim/rt/sim/engine.hpp"

#include <bit>
#include <cstring>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "vivim/base/assert.hpp"

namespace vivim::rt::sim {

namespace {

std::uint64_t split_mix(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::uint64_t mixed(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0xff51afd7ed558ccd;
  return hash ^ (hash >> 32);
}

}  // namespace

SeededRng::SeededRng(std::uint64_t seed) {
  for (auto& word : state_) {
    word = split_mix(seed);
  }
}

std::uint64_t SeededRng::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRng::fill(MutableBytes out) {
  while (!out.empty()) {
    std::array<std::uint8_t, 8> word{};
    store_be64(word, next());
    const std::size_t n = std::min(out.size(), word.size());
    std::memcpy(out.data(), word.data(), n);
    out = out.subspan(n);
  }
}

Duration SeededRng::up_to(Duration bound) {
  if (bound.count() <= 0) {
    return Duration{0};
  }
  return Duration(next() % (static_cast<std::uint64_t>(bound.count()) + 1));
}

Engine::Engine(std::uint64_t seed) : io_(std::make_unique<boost::asio::io_context>(1)), rng_(seed) {
  trace(seed);
}

Engine::~Engine() {
  shut_down();
}

Executor Engine::executor() {
  return io_->get_executor();
}

EventKey Engine::schedule(TimePoint when, std::move_only_function<void()> event) {
  const EventKey key{.when = std::max(when, now_), .sequence = next_sequence_++};
  events_.emplace(key, std::move(event));
  return key;
}

bool Engine::run_ready() {
  io_->restart();
  return io_->poll() > 0;
}

bool Engine::step(TimePoint until) {
  if (run_ready()) {
    return true;
  }
  if (events_.empty() || events_.begin()->first.when > until) {
    return false;
  }
  auto node = events_.extract(events_.begin());
  now_ = node.key().when;
  ++events_run_;
  trace(node.key().sequence, static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  node.mapped()();
  return true;
}

void Engine::advance_to(TimePoint when) {
  now_ = std::max(now_, when);
}

void Engine::shut_down() {
  // Destructors in the dying frames may schedule and cancel: both stay valid until the context is
  // gone.
  while (!events_.empty() || !parked_.empty()) {
    const auto events = std::exchange(events_, {});
    const auto parked = std::exchange(parked_, {});
  }
  io_.reset();
  events_.clear();
}

std::uint64_t Engine::park(std::move_only_function<void()> handler) {
  const std::uint64_t id = next_parked_++;
  parked_.emplace(id, std::move(handler));
  return id;
}

void Engine::resume(std::uint64_t id) {
  if (auto node = parked_.extract(id); !node.empty()) {
    boost::asio::post(*io_, std::move(node.mapped()));
  }
}

Co<void> Waiter::wait() {
  VIVIM_ASSERT(!waiting());
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [this](auto handler) { parked_ = engine_->park(std::move(handler)); },
      boost::asio::use_awaitable);
}

void Waiter::wake() {
  engine_->resume(std::exchange(parked_, 0));
}

void Engine::trace(std::uint64_t what, std::uint64_t a, std::uint64_t b) {
  trace_ = mixed(mixed(mixed(trace_, what), a), b);
}

void Engine::trace_bytes(BytesView bytes) {
  trace(bytes.size());
  while (!bytes.empty()) {
    std::array<std::uint8_t, 8> word{};
    const std::size_t n = std::min(bytes.size(), word.size());
    std::memcpy(word.data(), bytes.data(), n);
    trace_ = mixed(trace_, load_be64(word));
    bytes = bytes.subspan(n);
  }
}

}  // namespace vivim::rt::sim
