// Listening and dialling in the simulated network.
#include "vivim/base/assert.hpp"
#include "vivim/rt/sim/fabric_detail.hpp"

namespace vivim::rt::sim {

namespace {

constexpr auto k_syn_retry = std::chrono::seconds(1);

}  // namespace

Co<Result<Connection>> SimListener::accept() {
  while (backlog_.empty() && !closed_) {
    co_await acceptable_.wait();
  }
  if (closed_) {
    co_return fail(RtError::closed);
  }
  Connection connection = std::move(backlog_.front());
  backlog_.pop_front();
  co_return connection;
}

void SimListener::close() {
  if (!std::exchange(closed_, true)) {
    fabric_.drop_listener(node_, at_);
    backlog_.clear();
    acceptable_.wake();
  }
}

void SimListener::push(Connection connection) {
  backlog_.push_back(std::move(connection));
  acceptable_.wake();
}

std::uint16_t Fabric::pick_port(Host& host) {
  host.next_port = host.next_port == 65535 ? std::uint16_t{49152} : host.next_port;
  return host.next_port++;
}

std::optional<NodeId> Fabric::node_at(NodeId from, const IpAddress& ip) const {
  if (ip.is_loopback() || ip.is_unspecified()) {
    return from;
  }
  for (const auto& [id, host] : hosts_) {
    for (const auto& address : host.addresses) {
      if (address == ip) {
        return id;
      }
    }
  }
  return std::nullopt;
}

SimListener* Fabric::listener_at(NodeId node, const Endpoint& at) {
  for (const auto& [endpoint, listener] : hosts_.at(node).listeners) {
    const bool any = endpoint.ip.is_unspecified() && endpoint.ip.is_v6 == at.ip.is_v6;
    if (endpoint.port == at.port && (any || endpoint.ip == at.ip)) {
      return listener;
    }
  }
  return nullptr;
}

Result<std::unique_ptr<Listener>> Fabric::listen(NodeId node, Endpoint at) {
  Host& host = hosts_.at(node);
  if (!host.up) {
    return fail(RtError::closed);
  }
  if (node_at(node, at.ip) != node) {
    return fail(RtError::bad_address);
  }
  if (at.port == 0) {
    at.port = pick_port(host);
  }
  if (host.listeners.contains(at)) {
    return fail(RtError::address_in_use, at.port);
  }
  auto listener = std::make_unique<SimListener>(*this, engine_, node, at);
  host.listeners.emplace(at, listener.get());
  return listener;
}

Co<Result<Connection>> Fabric::dial(NodeId node, Endpoint to, Duration timeout) {
  if (!hosts_.at(node).up) {
    co_return fail(RtError::unreachable);
  }
  const NodeId target = node_at(node, to.ip).value_or(0);
  const auto pending = std::make_shared<PendingDial>(engine_, node, target, to);
  const EventKey deadline =
      engine_.schedule_in(timeout, [pending] { pending->finish(fail(RtError::timed_out)); });
  const LinkOptions& options = options_of(node, target);
  engine_.schedule_in(options.latency + engine_.rng().up_to(options.jitter),
                      [this, pending] { reach_listener(pending); });
  const std::uint64_t id = next_dial_++;
  dials_.emplace(id, pending);
  co_await pending->done.wait();
  dials_.erase(id);
  engine_.cancel(deadline);
  co_return std::move(*pending->result);
}

void Fabric::cancel_dials(NodeId node) {
  for (const auto& [id, pending] : dials_) {
    if (pending->from == node) {
      pending->finish(fail(RtError::closed));
    }
  }
}

void Fabric::reach_listener(const std::shared_ptr<PendingDial>& pending) {
  if (pending->result) {
    return;
  }
  if (pending->to_node == 0) {
    pending->finish(fail(RtError::unreachable));
    return;
  }
  const LinkOptions& options = options_of(pending->from, pending->to_node);
  SimListener* listener = listener_at(pending->to_node, pending->to);
  const bool lost = engine_.rng().chance(options.loss_ppm);
  if (lost || !hosts_.at(pending->to_node).up || partitioned(pending->from, pending->to_node) ||
      (listener != nullptr && listener->full(options_.backlog_max))) {
    engine_.schedule_in(k_syn_retry, [this, pending] { reach_listener(pending); });
    return;
  }
  if (listener == nullptr) {
    engine_.schedule_in(options.latency, [pending] { pending->finish(fail(RtError::refused)); });
    return;
  }
  Host& dialer = hosts_.at(pending->from);
  Endpoint local{.ip = pending->to.ip, .port = pick_port(dialer)};
  if (pending->from != pending->to_node) {
    for (const auto& address : dialer.addresses) {
      if (address.is_v6 == pending->to.ip.is_v6) {
        local.ip = address;
      }
    }
  }
  const LinkId id = connect(pending->from, local, pending->to_node, pending->to);
  Link& link = *links_.at(id);
  link.ends[1].last_arrival = engine_.now() + options.latency;
  listener->push(
      {.stream = std::make_unique<SimStream>(*this, id, 1), .local = pending->to, .remote = local});
  // The dialer's stream exists from here on, so that a dialer who gave up resets the connection.
  auto stream =
      std::make_shared<std::unique_ptr<Stream>>(std::make_unique<SimStream>(*this, id, 0));
  engine_.schedule_in(options.latency, [pending, stream, local] {
    pending->finish(
        Connection{.stream = std::move(*stream), .local = local, .remote = pending->to});
  });
}

LinkId Fabric::connect(NodeId from, const Endpoint& local, NodeId to, const Endpoint& remote) {
  const LinkId id = next_link_++;
  auto link = std::make_unique<Link>(engine_);
  link->ends[0].node = from;
  link->ends[0].endpoint = local;
  link->ends[1].node = to;
  link->ends[1].endpoint = remote;
  links_.emplace(id, std::move(link));
  engine_.trace(id, from, to);
  return id;
}

}  // namespace vivim::rt::sim
