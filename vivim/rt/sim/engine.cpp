#include "vivim/rt/sim/engine.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "vivim/base/assert.hpp"

namespace vivim::rt::sim {

namespace {

constexpr std::size_t k_cancelled_min = 1024;
constexpr unsigned k_slot_bits = 24;  // sixteen million coroutines may wait at once

constexpr std::uint32_t slot_of(std::uint64_t parked) {
  return static_cast<std::uint32_t>(parked & ((std::uint64_t{1} << k_slot_bits) - 1));
}

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

std::uint32_t Engine::Slots::put(std::move_only_function<void()> work, std::uint64_t tag) {
  if (free.empty()) {
    all.push_back({.work = std::move(work), .tag = tag});
    return static_cast<std::uint32_t>(all.size() - 1);
  }
  const std::uint32_t slot = free.back();
  free.pop_back();
  all[slot] = {.work = std::move(work), .tag = tag};
  return slot;
}

std::move_only_function<void()> Engine::Slots::take(std::uint32_t slot) {
  all[slot].tag = 0;
  free.push_back(slot);
  return std::exchange(all[slot].work, nullptr);
}

EventKey Engine::schedule(TimePoint when, std::move_only_function<void()> event) {
  const std::uint64_t sequence = next_sequence_++;
  const EventKey key{.when = std::max(when, now_),
                     .sequence = sequence,
                     .slot = events_.put(std::move(event), sequence)};
  queue_.push_back(key);
  std::ranges::push_heap(queue_, std::greater<>());
  return key;
}

void Engine::cancel(const EventKey& key) {
  if (key.sequence == 0 || !events_.holds(key.slot, key.sequence)) {
    return;
  }
  const auto dropped = events_.take(key.slot);
  ++cancelled_;
  if (cancelled_ > k_cancelled_min && cancelled_ > queue_.size() / 2) {
    drop_cancelled();
  }
}

/// Timers that are set again and again would fill the queue until their first time comes.
void Engine::drop_cancelled() {
  std::erase_if(queue_,
                [this](const EventKey& key) { return !events_.holds(key.slot, key.sequence); });
  std::ranges::make_heap(queue_, std::greater<>());
  cancelled_ = 0;
}

bool Engine::run_ready() {
  io_->restart();
  return io_->poll() > 0;
}

bool Engine::step(TimePoint until) {
  if (run_ready()) {
    return true;
  }
  while (!queue_.empty() && queue_.front().when <= until) {
    const EventKey key = queue_.front();
    std::ranges::pop_heap(queue_, std::greater<>());
    queue_.pop_back();
    if (!events_.holds(key.slot, key.sequence)) {
      --cancelled_;
      continue;
    }
    now_ = key.when;
    ++events_run_;
    trace(key.sequence, static_cast<std::uint64_t>(now_.time_since_epoch().count()));
    events_.take(key.slot)();
    return true;
  }
  return false;
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
  const auto last = std::exchange(events_, {});
  queue_.clear();
}

// An id is the number of a slot and, above it, what makes it another each time.
std::uint64_t Engine::park(std::move_only_function<void()> handler) {
  const std::uint64_t tag = next_parked_++;
  return (tag << k_slot_bits) | parked_.put(std::move(handler), tag);
}

const Engine::Slot* Engine::parked_at(std::uint64_t id) const {
  const std::uint32_t slot = slot_of(id);
  return id != 0 && parked_.holds(slot, id >> k_slot_bits) ? &parked_.all[slot] : nullptr;
}

void Engine::resume(std::uint64_t id) {
  if (parked_at(id) != nullptr) {
    boost::asio::post(*io_, parked_.take(slot_of(id)));
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
  if (trace_sink_) {
    trace_sink_(what, a, b);
  }
}

void Engine::trace_bytes(BytesView bytes) {
  const std::size_t size = bytes.size();
  std::uint64_t hash = size;
  while (!bytes.empty()) {
    std::array<std::uint8_t, 8> word{};
    const std::size_t n = std::min(bytes.size(), word.size());
    std::memcpy(word.data(), bytes.data(), n);
    hash = mixed(hash, load_be64(word));
    bytes = bytes.subspan(n);
  }
  trace(size, hash);
}

}  // namespace vivim::rt::sim
