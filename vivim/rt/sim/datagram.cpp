// UDP in the simulated network: lost, doubled, late and out of order, all by the seed.
#include <algorithm>
#include <iterator>

#include "vivim/base/assert.hpp"
#include "vivim/rt/sim/datagram_detail.hpp"

namespace vivim::rt::sim {

namespace {

constexpr std::size_t k_batch = 32;
constexpr std::size_t k_loopback_bytes_max = k_datagram_bytes_max;

}  // namespace

Co<Result<std::span<const Datagram>>> SimDatagramSocket::receive() {
  while (inbox_.empty() && !closed_) {
    co_await readable_.wait();
  }
  if (closed_) {
    co_return fail(RtError::closed);
  }
  const std::size_t count = std::min(inbox_.size(), k_batch);
  taken_.clear();
  views_.clear();
  std::move(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(count),
            std::back_inserter(taken_));
  inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(count));
  for (const Arrived& arrived : taken_) {
    inbox_bytes_ -= arrived.bytes.size();
    views_.push_back({.remote = arrived.remote, .local = arrived.local, .bytes = arrived.bytes});
  }
  co_return views_;
}

Co<Result<void>> SimDatagramSocket::send(Endpoint to, BytesView bytes, SendOptions options) {
  VIVIM_ASSERT(!bytes.empty());
  const std::size_t segment = options.segment_bytes == 0 ? bytes.size() : options.segment_bytes;
  while (!bytes.empty()) {
    if (closed_) {
      co_return fail(RtError::closed);
    }
    const std::size_t count = std::min(segment, bytes.size());
    VIVIM_CO_TRYV(fabric_.send_datagram(*this, to, bytes.first(count), options.from));
    bytes = bytes.subspan(count);
  }
  co_return Result<void>{};
}

Result<void> SimDatagramSocket::join(IpAddress group, IpAddress) {
  if (!group.is_multicast() || group.is_v6 != at_.ip.is_v6) {
    return fail(RtError::bad_address);
  }
  groups_.insert(group);
  return {};
}

void SimDatagramSocket::close() {
  if (!std::exchange(closed_, true)) {
    fabric_.drop_socket(node_, *this);
    readable_.wake();
  }
}

bool SimDatagramSocket::takes(const Endpoint& to) const {
  if (to.port != at_.port || to.ip.is_v6 != at_.ip.is_v6) {
    return false;
  }
  return to.ip.is_multicast() ? groups_.contains(to.ip)
                              : at_.ip.is_unspecified() || at_.ip == to.ip;
}

bool SimDatagramSocket::push(const Endpoint& remote, const IpAddress& local, const Bytes& bytes,
                             std::size_t buffer_bytes_max) {
  const bool too_long = !options_.batches && bytes.size() > options_.receive_bytes_max;
  if (too_long || inbox_bytes_ + bytes.size() > buffer_bytes_max) {
    return false;
  }
  inbox_bytes_ += bytes.size();
  inbox_.push_back({.remote = remote, .local = local, .bytes = bytes});
  readable_.wake();
  return true;
}

Result<std::unique_ptr<DatagramSocket>> Fabric::open_datagram(NodeId node, Endpoint at,
                                                              const DatagramOptions& options) {
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
  for (const SimDatagramSocket* other : host.sockets) {
    if (other->local() == at && !(other->shared() && options.shared)) {
      return fail(RtError::address_in_use, at.port);
    }
  }
  auto socket = std::make_unique<SimDatagramSocket>(*this, engine_, node, at, options);
  host.sockets.push_back(socket.get());
  return socket;
}

void Fabric::drop_socket(NodeId node, SimDatagramSocket& socket) {
  std::erase(hosts_.at(node).sockets, &socket);
}

IpAddress Fabric::source_address(NodeId from, NodeId to, const Endpoint& local,
                                 const IpAddress& target) {
  if (!local.ip.is_unspecified()) {
    return local.ip;
  }
  if (from == to && !target.is_multicast()) {
    return target.is_unspecified() ? IpAddress::v4(127, 0, 0, 1) : target;
  }
  for (const auto& address : hosts_.at(from).at.addresses) {
    if (address.is_v6 == target.is_v6) {
      return address;
    }
  }
  return local.ip;
}

Result<void> Fabric::send_datagram(SimDatagramSocket& from, const Endpoint& to, BytesView bytes,
                                   const std::optional<IpAddress>& source) {
  const Endpoint local = from.local();
  if (to.ip.is_v6 != local.ip.is_v6 || to.port == 0) {
    return fail(RtError::bad_address);
  }
  if (bytes.size() > k_datagram_bytes_max) {
    return fail(RtError::limit, bytes.size());
  }
  const NodeId node = from.node();
  const auto send_to = [&](NodeId target) {
    const IpAddress ip = source.value_or(source_address(node, target, local, to.ip));
    Endpoint seen{.ip = ip, .port = local.port};
    if (auto& nat = hosts_.at(node).udp_nat; nat && target != node && !to.ip.is_v6) {
      seen = nat->outbound(seen, to);
    }
    transmit_datagram(node, target, seen, to, bytes);
  };
  if (to.ip.is_multicast()) {
    for (NodeId id = 1; id < hosts_.size(); ++id) {
      if (id == node || (!hosts_.at(id).udp_nat && !hosts_.at(node).udp_nat)) {
        send_to(id);  // a NAT passes none on
      }
    }
  } else if (const auto target = node_at(node, to)) {
    send_to(*target);
  }
  return {};
}

void Fabric::transmit_datagram(NodeId from, NodeId to, const Endpoint& source,
                               const Endpoint& to_endpoint, BytesView bytes) {
  const LinkOptions& options = options_of(from, to);
  const std::size_t longest = from == to ? k_loopback_bytes_max : options.datagram_bytes_max;
  if (partitioned(from, to) || bytes.size() > longest || engine_.rng().chance(options.loss_ppm)) {
    return;
  }
  TimePoint departure = engine_.now();
  // False: the queue of this wire is full.
  const auto pass = [&departure, &options, &bytes](TimePoint& busy_until, std::uint64_t rate) {
    if (busy_until - departure > wire_time(options.queue_bytes_max, rate)) {
      return false;
    }
    departure = busy_until = std::max(departure, busy_until) + wire_time(bytes.size(), rate);
    return true;
  };
  Host& host = hosts_.at(from);
  if (const auto rate = host.at.upload_bytes_per_second;
      rate > 0 && from != to && !pass(host.upload_busy_until, rate)) {
    return;
  }
  if (options.bytes_per_second > 0 &&
      !pass(pairs_[key_of(from, to)].busy_until[from <= to ? 0 : 1], options.bytes_per_second)) {
    return;
  }
  const auto shared = std::make_shared<const Bytes>(to_bytes(bytes));
  const int copies = engine_.rng().chance(options.duplicate_ppm) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    const TimePoint arrival = departure + options.latency + engine_.rng().up_to(options.jitter);
    engine_.schedule(arrival, [this, from, to, source, to_endpoint, shared] {
      deliver_datagram(from, to, source, to_endpoint, *shared);
    });
  }
}

void Fabric::deliver_datagram(NodeId from, NodeId to, const Endpoint& source,
                              const Endpoint& to_endpoint, const Bytes& bytes) {
  if (partitioned(from, to) || !hosts_.at(to).up) {
    return;
  }
  engine_.trace(from, to, to_endpoint.port);
  engine_.trace_bytes(bytes);
  Endpoint inner = to_endpoint;
  if (const auto& nat = hosts_.at(to).udp_nat;
      nat && from != to && !to_endpoint.ip.is_v6 && !to_endpoint.ip.is_multicast()) {
    const auto mapped = nat->inbound(to_endpoint, source);
    if (!mapped) {
      return;
    }
    inner = *mapped;
  }
  // One socket takes a datagram, but every member of a group.
  const auto sockets = hosts_.at(to).sockets;
  for (SimDatagramSocket* socket : sockets) {
    if (socket->takes(inner)) {
      socket->push(source, inner.ip, bytes, options_.datagram_buffer_bytes);
      if (!to_endpoint.ip.is_multicast()) {
        return;
      }
    }
  }
}

}  // namespace vivim::rt::sim
