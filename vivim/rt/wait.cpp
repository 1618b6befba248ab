#include "vivim/rt/wait.hpp"

#include <memory>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vivim::rt {

namespace {

using Resume = boost::asio::async_result<boost::asio::use_awaitable_t<>, void()>::handler_type;

}  // namespace

struct Event::Waiter {
  Resume resume;
  Waiter* next = nullptr;
};

Event::~Event() {
  while (first_ != nullptr) {
    const std::unique_ptr<Waiter> dropped(std::exchange(first_, first_->next));
  }
}

void Event::set() {
  set_ = true;
  last_ = nullptr;
  for (Waiter* woken = std::exchange(first_, nullptr); woken != nullptr;) {
    Waiter* const next = woken->next;
    loop_->post_here([waiter = std::unique_ptr<Waiter>(woken)]() mutable {
      Resume resume = std::move(waiter->resume);
      waiter.reset();
      std::move(resume)();
    });
    woken = next;
  }
}

Co<void> Event::wait() {
  if (set_) {
    co_return;
  }
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [this](Resume resume) {
        auto* const waiter = new Waiter{.resume = std::move(resume)};
        (last_ == nullptr ? first_ : last_->next) = waiter;
        last_ = waiter;
      },
      boost::asio::use_awaitable);
}

Co<void> sleep_for(Loop& loop, Duration time) {
  const auto timer = loop.make_timer();
  timer->expire_at(loop.clock().now() + time);
  co_await timer->wait();
}

}  // namespace vivim::rt
