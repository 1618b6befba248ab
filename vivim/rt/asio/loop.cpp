#include "vivim/rt/asio/loop.hpp"

#include <atomic>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "vivim/base/assert.hpp"
#include "vivim/rt/asio/awaitable_detail.hpp"

namespace vivim::rt::asio_ {

namespace {

// So much runs in a row before the system is asked for events again.
constexpr int k_ready_in_a_row = 32;

TimePoint monotonic_now() {
  return TimePoint(std::chrono::steady_clock::now().time_since_epoch());
}

std::chrono::steady_clock::time_point to_steady(TimePoint when) {
  return std::chrono::steady_clock::time_point(when.time_since_epoch());
}

/// Moving the time further away costs nothing: the system's timer fires at the old time and is set
/// again.
class RealTimer final : public Timer {
 public:
  explicit RealTimer(boost::asio::io_context& io) : timer_(io) {}
  ~RealTimer() override { VIVIM_ASSERT(!waiting_); }

  void expire_at(TimePoint when) override {
    cancelled_ = false;
    when_ = when;
    if (waiting_ && when < timer_until_) {
      timer_.cancel();
    }
  }

  void cancel() override {
    cancelled_ = true;
    if (waiting_ && !std::exchange(waiter_cancelled_, true)) {
      timer_.cancel();
    }
  }

  Co<bool> wait() override {
    VIVIM_ASSERT(!waiting_);
    const Waiting guard(*this);
    while (!cancelled_ && !waiter_cancelled_) {
      if (when_ <= monotonic_now()) {
        co_return true;
      }
      timer_until_ = when_;
      timer_.expires_at(to_steady(when_));
      co_await timer_.async_wait(k_tuple);
    }
    co_return false;
  }

 private:
  struct Waiting {
    explicit Waiting(RealTimer& owner) : timer(owner) {
      timer.waiting_ = true;
      timer.waiter_cancelled_ = false;
    }
    ~Waiting() { timer.waiting_ = false; }
    RealTimer& timer;
  };

  boost::asio::steady_timer timer_;
  TimePoint when_ = TimePoint::max();
  TimePoint timer_until_{};
  bool cancelled_ = false;
  bool waiting_ = false;
  bool waiter_cancelled_ = false;
};

}  // namespace

class Loop::WallClock final : public Clock {
 public:
  TimePoint now() const override { return monotonic_now(); }
  WallMs wall_now_ms() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  }
};

struct Loop::Thread {
  std::atomic<std::thread::id> id;
};

Loop::Loop()
    : io_(std::make_unique<boost::asio::io_context>(1)),
      clock_(std::make_unique<WallClock>()),
      thread_(std::make_unique<Thread>()) {}

Loop::~Loop() {
  closing_ = true;
  while (!ready_.empty()) {
    const auto dropped = std::move(ready_.front());
    ready_.pop_front();
  }
}

Executor Loop::executor() {
  return io_->get_executor();
}
Clock& Loop::clock() {
  return *clock_;
}

std::unique_ptr<Timer> Loop::make_timer() {
  VIVIM_ASSERT(is_here());
  return std::make_unique<RealTimer>(*io_);
}

void Loop::post(std::move_only_function<void()> work) {
  boost::asio::post(*io_, std::move(work));
}

// Each turn of the io_context asks the system for events. What wakes what wakes another is one turn
// here: a message is read, handled and answered between two such calls.
void Loop::post_here(std::move_only_function<void()> work) {
  VIVIM_ASSERT(is_here());
  if (closing_) {
    boost::asio::post(*io_, std::move(work));
    return;
  }
  ready_.push_back(std::move(work));
  if (!std::exchange(running_ready_, true)) {
    boost::asio::post(*io_, [this] { run_ready(); });
  }
}

void Loop::run_ready() {
  for (int i = 0; i < k_ready_in_a_row && !ready_.empty(); ++i) {
    auto work = std::move(ready_.front());
    ready_.pop_front();
    work();
  }
  running_ready_ = !ready_.empty();
  if (running_ready_) {
    boost::asio::post(*io_, [this] { run_ready(); });
  }
}

bool Loop::is_here() const {
  const auto id = thread_->id.load(std::memory_order_relaxed);
  return id == std::thread::id{} || id == std::this_thread::get_id();
}

void Loop::claim_thread() {
  thread_->id.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void Loop::run() {
  claim_thread();
  io_->restart();
  io_->run();
}

void Loop::stop() {
  io_->stop();
}

void Loop::run_task(Co<void> task) {
  claim_thread();
  std::exception_ptr failure;
  bool done = false;
  boost::asio::co_spawn(*io_, std::move(task), [&](const std::exception_ptr& error) {
    failure = error;
    done = true;
    io_->stop();
  });
  io_->restart();
  while (!done) {
    io_->run();
    io_->restart();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

struct Signals::Set {
  Set(boost::asio::io_context& io, std::initializer_list<int> numbers) : signals(io) {
    for (const int number : numbers) {
      signals.add(number);
    }
  }
  boost::asio::signal_set signals;
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers)
    : set_(std::make_unique<Set>(loop.context(), numbers)) {}

Signals::~Signals() = default;

Co<Result<int>> Signals::next() {
  const auto [error, number] = co_await set_->signals.async_wait(k_tuple);
  if (error) {
    co_return fail(RtError::closed);
  }
  co_return number;
}

void Signals::cancel() {
  set_->signals.cancel();
}

}  // namespace vivim::rt::asio_
