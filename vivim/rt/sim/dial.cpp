// Listening and dialling in the simulated network.
#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/rt/sim/datagram_detail.hpp"
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

bool Fabric::owns(NodeId node, const IpAddress& ip) const {
  const auto& own = hosts_.at(node).at.addresses;
  return ip.is_loopback() || ip.is_unspecified() || std::ranges::find(own, ip) != own.end();
}

bool Fabric::answers_at(const Host& host, std::uint16_t port) const {
  return std::ranges::any_of(host.listeners,
                             [port](const auto& entry) { return entry.first.port == port; }) ||
         std::ranges::any_of(host.sockets, [port](const SimDatagramSocket* socket) {
           return socket->local().port == port;
         });
}

/// Of several nodes at one address, that one which listens on the port.
std::optional<NodeId> Fabric::node_at(NodeId from, const Endpoint& to) const {
  if (to.ip.is_loopback() || to.ip.is_unspecified()) {
    return from;
  }
  const auto found = at_address_.find(to.ip);
  if (found == at_address_.end()) {
    return std::nullopt;
  }
  std::optional<NodeId> best;
  for (const NodeId id : found->second) {
    const Host& host = hosts_.at(id);
    const bool hidden =
        host.tcp_nat && id != from && !to.ip.is_v6 && host.tcp_nat->external() != to.ip;
    if (hidden) {
      continue;
    }
    if (found->second.size() == 1 || answers_at(host, to.port)) {
      return id;
    }
    best = best.value_or(id);
  }
  return best;
}

void Fabric::put_behind_nat(NodeId node, NatOptions options, IpAddress external) {
  Host& host = hosts_.at(node);
  host.tcp_nat.emplace(options, external);
  host.udp_nat.emplace(options, external);
  at_address_[external].push_back(node);
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
  if (!owns(node, at.ip)) {
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

Endpoint Fabric::local_of(NodeId node, NodeId target, const std::optional<Endpoint>& from,
                          const Endpoint& to) {
  Host& host = hosts_.at(node);
  Endpoint local = from ? *from : Endpoint{.ip = to.ip, .port = pick_port(host)};
  if (from && !from->ip.is_unspecified()) {
    return local;
  }
  local.ip = to.ip;
  for (const auto& address : host.at.addresses) {
    if (address.is_v6 == to.ip.is_v6 && node != target) {
      local.ip = address;
    }
  }
  return local;
}

bool Fabric::in_use(NodeId node, const Endpoint& local, const Endpoint& to) const {
  const bool connected = std::ranges::any_of(hosts_.at(node).links, [&](LinkId id) {
    const auto& ends = links_.at(id)->ends;
    return ends[0].node == node && ends[0].endpoint == local && ends[1].endpoint == to;
  });
  return connected || find_dial(node, local, to) != nullptr;
}

Co<Result<Connection>> Fabric::dial(NodeId node, std::optional<Endpoint> from, Endpoint to,
                                    Duration timeout) {
  if (!hosts_.at(node).up) {
    co_return fail(RtError::unreachable);
  }
  const NodeId target = node_at(node, to).value_or(0);
  const Endpoint local = local_of(node, target, from, to);
  if (local.ip.is_v6 != to.ip.is_v6 || !owns(node, local.ip)) {
    co_return fail(RtError::bad_address);
  }
  if (from && in_use(node, local, to)) {
    co_return fail(RtError::address_in_use, local.port);
  }
  const auto pending = std::make_shared<PendingDial>(engine_, node, target, local, to);
  if (auto& nat = hosts_.at(node).tcp_nat; nat && target != node && !to.ip.is_v6) {
    pending->seen = nat->outbound(local, to);
  }
  const EventKey deadline =
      engine_.schedule_in(timeout, [pending] { pending->finish(fail(RtError::timed_out)); });
  const LinkOptions& options = options_of(node, target);
  engine_.schedule_in(options.latency + engine_.rng().up_to(options.jitter),
                      [this, pending] { reach(pending); });
  hosts_.at(node).dials.push_back(pending);
  co_await pending->done.wait();
  std::erase(hosts_.at(node).dials, pending);
  engine_.cancel(deadline);
  co_return std::move(*pending->result);
}

void Fabric::cancel_dials(NodeId node) {
  for (const auto& pending : hosts_.at(node).dials) {
    pending->finish(fail(RtError::closed));
  }
}

std::shared_ptr<Fabric::PendingDial> Fabric::find_dial(NodeId node, const Endpoint& local,
                                                       const Endpoint& to) const {
  for (const auto& pending : hosts_.at(node).dials) {
    if (pending->local == local && pending->to == to && !pending->result && !pending->met) {
      return pending;
    }
  }
  return nullptr;
}

/// A SYN arrives at the node it is for, or at its NAT.
void Fabric::reach(const std::shared_ptr<PendingDial>& pending) {
  if (pending->result || pending->met) {
    return;
  }
  if (pending->to_node == 0) {
    pending->finish(fail(RtError::unreachable));
    return;
  }
  const LinkOptions& options = options_of(pending->from, pending->to_node);
  const Host& host = hosts_.at(pending->to_node);
  std::optional<Endpoint> inner = pending->to;
  if (host.tcp_nat && pending->from != pending->to_node && !pending->to.ip.is_v6) {
    inner = host.tcp_nat->inbound(pending->to, pending->seen);
  }
  SimListener* listener = inner ? listener_at(pending->to_node, *inner) : nullptr;
  const bool lost = engine_.rng().chance(options.loss_ppm);
  if (lost || !inner || !host.up || partitioned(pending->from, pending->to_node) ||
      (listener != nullptr && listener->full(options_.backlog_max))) {
    engine_.schedule_in(k_syn_retry, [this, pending] { reach(pending); });
    return;
  }
  if (const auto crossing = find_dial(pending->to_node, *inner, pending->seen)) {
    meet(pending, crossing);
  } else if (listener != nullptr) {
    reach_listener(pending, *listener, *inner);
  } else {
    engine_.schedule_in(options.latency, [pending] { pending->finish(fail(RtError::refused)); });
  }
}

std::unique_ptr<Stream> Fabric::make_stream(LinkId id, std::size_t side) {
  return std::make_unique<SimStream>(*this, id, side);
}

void Fabric::reach_listener(const std::shared_ptr<PendingDial>& pending, SimListener& listener,
                            const Endpoint& inner) {
  const LinkOptions& options = options_of(pending->from, pending->to_node);
  const LinkId id = connect(pending->from, pending->local, pending->to_node, pending->to);
  links_.at(id)->ends[1].last_arrival = engine_.now() + options.latency;
  listener.push({.stream = make_stream(id, 1), .local = inner, .remote = pending->seen});
  // The dialer's stream exists from here on, so that a dialer who gave up resets the connection.
  auto stream = std::make_shared<std::unique_ptr<Stream>>(make_stream(id, 0));
  engine_.schedule_in(options.latency, [pending, stream] {
    pending->finish(
        Connection{.stream = std::move(*stream), .local = pending->local, .remote = pending->to});
  });
}

/// TCP's simultaneous open: two who dial each other have one connection.
void Fabric::meet(const std::shared_ptr<PendingDial>& first,
                  const std::shared_ptr<PendingDial>& second) {
  const LinkOptions& options = options_of(first->from, second->from);
  const LinkId id = connect(first->from, first->local, second->from, second->local);
  const TimePoint established = engine_.now() + options.latency;
  std::size_t side = 0;
  for (const auto& pending : {first, second}) {
    links_.at(id)->ends[side].last_arrival = established;
    pending->met = true;
    auto stream = std::make_shared<std::unique_ptr<Stream>>(make_stream(id, side++));
    engine_.schedule(established, [pending, stream] {
      pending->finish(
          Connection{.stream = std::move(*stream), .local = pending->local, .remote = pending->to});
    });
  }
}

LinkId Fabric::connect(NodeId from, const Endpoint& local, NodeId to, const Endpoint& remote) {
  const LinkId id = next_link_++;
  auto link = std::make_unique<Link>(engine_);
  link->ends[0].node = from;
  link->ends[0].endpoint = local;
  link->ends[1].node = to;
  link->ends[1].endpoint = remote;
  links_.emplace(id, std::move(link));
  hosts_.at(from).links.push_back(id);
  if (to != from) {
    hosts_.at(to).links.push_back(id);
  }
  engine_.trace(id, from, to);
  return id;
}

}  // namespace vivim::rt::sim
