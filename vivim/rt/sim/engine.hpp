#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

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
  std::uint32_t slot = 0;  ///< where the engine keeps it

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
  void cancel(const EventKey& key);

  /// Runs what is ready, or else the next event if it is due by `until`; false when there was
  /// neither.
  bool step(TimePoint until);
  /// Keeps a suspended coroutine until resume(); 0 is never an id.
  std::uint64_t park(std::move_only_function<void()> handler);
  /// Makes a parked coroutine ready; an id that is not parked is ignored.
  void resume(std::uint64_t id);

  bool is_parked(std::uint64_t id) const { return parked_at(id) != nullptr; }

  /// Moves time to `when` when nothing is left to do before it.
  void advance_to(TimePoint when);
  /// Destroys the events and suspended coroutines; what they own goes with them.
  void shut_down();

  /// Mixes a fact into the trace; `what` names its kind.
  void trace(std::uint64_t what, std::uint64_t a = 0, std::uint64_t b = 0);
  void trace_bytes(BytesView bytes);
  /// Is shown every fact, for who wants to know where two runs differ. Bytes are shown as their
  /// number and hash.
  void set_trace_sink(std::function<void(std::uint64_t, std::uint64_t, std::uint64_t)> sink) {
    trace_sink_ = std::move(sink);
  }
  std::uint64_t trace_hash() const { return trace_; }
  std::uint64_t events_run() const { return events_run_; }

 private:
  /// What is kept under a number that is used again; `tag` is 0 when nothing is, else different
  /// each time.
  struct Slot {
    std::move_only_function<void()> work;
    std::uint64_t tag = 0;
  };
  struct Slots {
    std::vector<Slot> all;
    std::vector<std::uint32_t> free;

    std::uint32_t put(std::move_only_function<void()> work, std::uint64_t tag);
    std::move_only_function<void()> take(std::uint32_t slot);
    bool holds(std::uint32_t slot, std::uint64_t tag) const {
      return slot < all.size() && all[slot].tag == tag;
    }
    bool empty() const { return free.size() == all.size(); }
  };

  bool run_ready();
  const Slot* parked_at(std::uint64_t id) const;
  void drop_cancelled();

  std::unique_ptr<boost::asio::io_context> io_;
  std::vector<EventKey> queue_;  ///< a heap, soonest first, with keys of cancelled events in it
  std::size_t cancelled_ = 0;    ///< of queue_
  Slots events_;
  Slots parked_;
  SeededRng rng_;
  TimePoint now_{};
  std::uint64_t next_parked_ = 1;
  std::uint64_t next_sequence_ = 1;
  std::uint64_t trace_ = 0x9e3779b97f4a7c15;
  std::uint64_t events_run_ = 0;
  std::function<void(std::uint64_t, std::uint64_t, std::uint64_t)> trace_sink_;
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
