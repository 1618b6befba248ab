#include "vivim/rt/asio/worker.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <pthread.h>

#include "vivim/base/assert.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::rt::asio_ {

namespace {

/// One call of run_erased; lives in its coroutine's frame until `done`.
struct Call {
  Call(rt::Loop& loop, std::move_only_function<void()> work) : job(std::move(work)), done(loop) {}

  std::move_only_function<void()> job;
  std::exception_ptr error;
  Event done;
};

}  // namespace

struct ThreadWorker::State {
  State(Loop& loop_, std::size_t jobs_max_) : loop(loop_), room(loop_), jobs_max(jobs_max_) {
    room.set();
  }

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stopping || !queue.empty(); });
      if (queue.empty()) {
        return;
      }
      Call* call = queue.front();
      queue.pop_front();
      lock.unlock();
      run_one(*call);
      lock.lock();
    }
  }

  void run_one(Call& call) {
    try {
      call.job();
    } catch (...) {
      call.error = std::current_exception();
    }
    loop.post([this, &call] {
      --jobs;
      room.set();
      call.done.set();
    });
  }

  Loop& loop;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Call*> queue;  // of the mutex
  bool stopping = false;    // of the mutex
  Event room;               // of the loop, as all below
  std::size_t jobs = 0;
  std::size_t jobs_max;
  std::thread thread;
};

ThreadWorker::ThreadWorker(Loop& loop, std::string name, std::size_t jobs_max)
    : loop_(loop), state_(std::make_unique<State>(loop, jobs_max)) {
  VIVIM_ASSERT(jobs_max > 0);
  state_->thread = std::thread([state = state_.get()] { state->run(); });
  name.resize(std::min<std::size_t>(name.size(), 15));
  ::pthread_setname_np(state_->thread.native_handle(), name.c_str());
}

ThreadWorker::~ThreadWorker() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_one();
  state_->thread.join();
}

Co<void> ThreadWorker::run_erased(std::move_only_function<void()> job) {
  VIVIM_ASSERT(loop_.is_here());
  while (state_->jobs >= state_->jobs_max) {
    state_->room.reset();
    co_await state_->room.wait();
  }
  ++state_->jobs;
  Call call(loop_, std::move(job));
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(&call);
  }
  state_->changed.notify_one();
  co_await call.done.wait();
  if (call.error) {
    std::rethrow_exception(call.error);
  }
}

}  // namespace vivim::rt::asio_
