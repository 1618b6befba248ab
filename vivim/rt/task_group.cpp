#include "vivim/rt/task_group.hpp"

#include <optional>

#include <boost/asio/co_spawn.hpp>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"

namespace vivim::rt {

namespace {

void report(std::string_view name, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    log::write(log::Level::error, "rt", "a task ended with an exception",
               {{"task", name}, {"what", std::string_view(exception.what())}});
  } catch (...) {
    log::write(log::Level::error, "rt", "a task ended with an unknown exception", {{"task", name}});
  }
}

}  // namespace

TaskGroup::~TaskGroup() {
  VIVIM_ASSERT(running_ == 0);
}

void TaskGroup::spawn(std::string_view name, Co<void> task) {
  if (stopping_) {
    return;
  }
  ++running_;
  idle_.reset();
  loop_.post([this, name, task = std::optional(std::move(task))]() mutable {
    if (stopping_) {
      task.reset();
      finished(name, nullptr);
      return;
    }
    // The task and its parameters are gone before `finished` runs, so stop() returns after the last
    // destructor.
    boost::asio::co_spawn(loop_.executor(), std::move(*task),
                          [this, name](const std::exception_ptr& error) { finished(name, error); });
  });
}

void TaskGroup::finished(std::string_view name, const std::exception_ptr& error) {
  if (error) {
    report(name, error);
    (void)VIVIM_BUG(error != nullptr);
  }
  if (--running_ == 0) {
    idle_.set();
  }
}

void TaskGroup::on_stop(std::move_only_function<void()> handler) {
  if (stopping_) {
    handler();
    return;
  }
  handlers_.push_back(std::move(handler));
}

Co<void> TaskGroup::stop() {
  if (!stopping_) {
    stopping_ = true;
    for (auto& handler : handlers_) {
      handler();
    }
    handlers_.clear();
  }
  if (running_ > 0) {
    co_await idle_.wait();
  }
}

}  // namespace vivim::rt
