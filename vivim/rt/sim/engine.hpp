#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "vivim/rt/clock.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/rng.hpp"

namespace boost::asio {
class io_context;
}

namespace vivim::rt::sim {

/// Seeded randomness (xoshiro256**): the same seed, the same bytes. Never for real keys.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed);
  void fill(MutableBytes out) override;
  std::uint64_t next();
  /// True `ppm` times in a million.
  bool chance(std::uint32_t ppm) { return ppm > 0 && next() % 1'000'000 < ppm; }
  /// Uniform in [0, bound] by remainder; 0 when `bound` is not positive.
  Duration up_to(Duration bound);

 private:
  std::array<std::uint64_t, 4> state_{};
};

/// Names a scheduled event; the order of two events is the order of their keys.
struct EventKey {
  TimePoint when;
  std::uint64_t sequence = 0;

  auto operator<=>(const EventKey&) const = default;
};

/// The heart of the simulation: virtual time, the queue of future events, the ready coroutines, one
/// random source and the hash of everything that happened. Events run when no coroutine is ready,
/// in the order (time, sequence).
class Engine {
 public:
  explicit Engine(std::uint64_t seed);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Executor executor();
  TimePoint now() const { return now_; }
  SeededRng& rng() { return rng_; }

  /// Runs `event` at `when` (not before now).
  EventKey schedule(TimePoint when, std::move_only_function<void()> event);
  EventKey schedule_in(Duration delay, std::move_only_function<void()> event) {
    return schedule(now_ + delay, std::move(event));
  }
  void cancel(const EventKey& key) { events_.erase(key); }

  /// Runs what is ready, or else the next event if it is due by `until`; false when there was
  /// neither.
  bool step(TimePoint until);
  /// Keeps a suspended coroutine until resume(); 0 is never an id.
  std::uint64_t park(std::move_only_function<void()> handler);
  /// Makes a parked coroutine ready; an id that is not parked is ignored.
  void resume(std::uint64_t id);

  bool is_parked(std::uint64_t id) const { return parked_.contains(id); }

  /// Moves time to `when` when nothing is left to do before it.
  void advance_to(TimePoint when);
  /// Destroys the events and suspended coroutines; what they own goes with them.
  void shut_down();

  /// Mixes a fact into the trace; `what` names its kind.
  void trace(std::uint64_t what, std::uint64_t a = 0, std::uint64_t b = 0);
  void trace_bytes(BytesView bytes);
  std::uint64_t trace_hash() const { return trace_; }
  std::uint64_t events_run() const { return events_run_; }

 private:
  bool run_ready();

  std::unique_ptr<boost::asio::io_context> io_;
  std::map<EventKey, std::move_only_function<void()>> events_;
  std::map<std::uint64_t, std::move_only_function<void()>> parked_;
  SeededRng rng_;
  TimePoint now_{};
  std::uint64_t next_parked_ = 1;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t trace_ = 0x9e3779b97f4a7c15;
  std::uint64_t events_run_ = 0;
};

/// A place for one coroutine to wait; the engine owns it meanwhile.
class Waiter {
 public:
  explicit Waiter(Engine& engine) : engine_(&engine) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  /// Suspends until wake(); one at a time.
  Co<void> wait();
  /// Wakes who waits, if anybody does; the coroutine resumes from the loop.
  void wake();
  bool waiting() const { return engine_->is_parked(parked_); }

 private:
  Engine* engine_;
  std::uint64_t parked_ = 0;
};

}  // namespace vivim::rt::sim
