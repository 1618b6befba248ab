#include "vivim/rt/wait.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace vivim::rt {

void Event::set() {
  set_ = true;
  auto woken = std::exchange(waiters_, {});
  for (auto& waiter : woken) {
    loop_->post(std::move(waiter));
  }
}

Co<void> Event::wait() {
  if (set_) {
    co_return;
  }
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
      [this](auto handler) { waiters_.emplace_back(std::move(handler)); },
      boost::asio::use_awaitable);
}

Co<void> sleep_for(Loop& loop, Duration time) {
  const auto timer = loop.make_timer();
  timer->expire_at(loop.clock().now() + time);
  co_await timer->wait();
}

}  // namespace vivim::rt
