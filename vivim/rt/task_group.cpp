#include "vivim/rt/task_group.hpp"

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
  boost::asio::co_spawn(loop_.executor(), std::move(task), [this, name](std::exception_ptr error) {
    if (error) {
      report(name, error);
      (void)VIVIM_BUG(error != nullptr);
    }
    if (--running_ == 0) {
      idle_.set();
    }
  });
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
