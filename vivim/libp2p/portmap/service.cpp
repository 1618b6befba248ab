#include "vivim/libp2p/portmap/service.hpp"

#include "vivim/base/log.hpp"

namespace vivim::libp2p::portmap {

Service::Service(rt::Loop& loop, rt::Worker& worker, std::vector<std::unique_ptr<Gateway>> gateways,
                 std::function<void()> observer, LeaseTimes times)
    : loop_(loop),
      worker_(worker),
      gateways_(std::move(gateways)),
      observer_(std::move(observer)),
      leases_(times),
      timer_(loop.make_timer()),
      tasks_(loop) {}

Service::~Service() = default;

Result<void> Service::want(const Port& port) {
  VIVIM_TRYV(leases_.want(port, loop_.clock().now()));
  timer_->expire_at(loop_.clock().now());
  return {};
}

void Service::start() {
  tasks_.on_stop([this] { timer_->cancel(); });
  timer_->expire_at(loop_.clock().now());
  tasks_.spawn("port mapping", run());
}

rt::Co<void> Service::run() {
  while (co_await timer_->wait()) {
    while (const auto port = leases_.next(loop_.clock().now())) {
      co_await map(*port);
      if (tasks_.stopping()) {
        co_return;
      }
    }
    timer_->expire_at(leases_.next_deadline().value_or(rt::TimePoint::max()));
  }
}

rt::Co<void> Service::map(Port port) {
  const auto lifetime = leases_.times().lifetime;
  for (std::size_t i = 0; i < gateways_.size() && !tasks_.stopping(); ++i) {
    // The one that worked last is asked first.
    const std::size_t index = (current_ + i) % gateways_.size();
    Gateway& gateway = *gateways_[index];
    const auto grant =
        co_await worker_.run([&gateway, port, lifetime] { return gateway.map(port, lifetime); });
    if (grant) {
      current_ = index;
      gateway_ = gateway.name();
      granted_by_[port] = &gateway;
      if (leases_.granted(port, *grant, loop_.clock().now())) {
        observer_();
      }
      co_return;
    }
    last_error_ = grant.error();
  }
  log::write(log::Level::info, "portmap", "a port could not be mapped",
             {{"port", std::uint64_t{port.number}}});
  if (leases_.failed(port, loop_.clock().now())) {
    observer_();
  }
}

rt::Co<void> Service::stop() {
  co_await tasks_.stop();
  for (const auto& mapping : leases_.mappings()) {
    leases_.drop(mapping.port);
    Gateway& gateway = *granted_by_.at(mapping.port);
    (void)co_await worker_.run(
        [&gateway, &mapping] { return gateway.unmap(mapping.port, mapping.grant); });
  }
}

}  // namespace vivim::libp2p::portmap
