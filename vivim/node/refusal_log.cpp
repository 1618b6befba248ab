#include "vivim/node/refusal_log.hpp"

#include "vivim/base/log.hpp"

namespace vivim::node {

namespace {

constexpr auto k_interval = std::chrono::seconds(10);

}  // namespace

RefusalLog::RefusalLog(rt::Loop& loop, const libp2p::limits::ResourceManager& resources)
    : resources_(resources), loop_(loop), timer_(loop.make_timer()), tasks_(loop) {}

void RefusalLog::start() {
  tasks_.on_stop([this] { timer_->cancel(); });
  timer_->expire_at(loop_.clock().now() + k_interval);
  tasks_.spawn("refusal log", run());
}

rt::Co<void> RefusalLog::run() {
  while (co_await timer_->wait()) {
    say();
    timer_->expire_at(loop_.clock().now() + k_interval);
  }
}

rt::Co<void> RefusalLog::stop() {
  co_await tasks_.stop();
  say();
}

std::uint64_t RefusalLog::refusals() const {
  std::uint64_t all = 0;
  for (const auto resource : libp2p::limits::k_resources) {
    for (const auto scope : libp2p::limits::k_scopes) {
      for (const auto side : {libp2p::Direction::inbound, libp2p::Direction::outbound}) {
        all += resources_.refusals(resource, scope, side);
      }
    }
  }
  return all;
}

void RefusalLog::say() {
  const auto now = refusals();
  const auto more = now - std::exchange(said_, now);
  if (more > 0 && resources_.last_refusal()) {
    log::write(
        log::Level::warning, "node", "a limit was reached",
        {{"refused", more}, {"last", std::string_view(resources_.last_refusal()->to_string())}});
  }
}

}  // namespace vivim::node
