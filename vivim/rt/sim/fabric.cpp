#include "vivim/rt/sim/fabric.hpp"

#include <algorithm>
#include <cstring>

#include "vivim/base/assert.hpp"
#include "vivim/rt/sim/datagram_detail.hpp"
#include "vivim/rt/sim/fabric_detail.hpp"

namespace vivim::rt::sim {

void Fabric::add_node(NodeId node, Attachment attachment) {
  VIVIM_ASSERT(node == hosts_.size());
  for (const auto& address : attachment.addresses) {
    at_address_[address].push_back(node);
  }
  hosts_.emplace_back().at = std::move(attachment);
}

void Fabric::set_link(NodeId a, NodeId b, LinkOptions options) {
  pairs_[key_of(a, b)].options = options;
}

const LinkOptions& Fabric::options_of(NodeId a, NodeId b) const {
  static constexpr LinkOptions k_loopback{.latency = std::chrono::microseconds(20)};
  if (!pairs_.empty()) {
    const auto found = pairs_.find(key_of(a, b));
    if (found != pairs_.end() && found->second.options) {
      return *found->second.options;
    }
  }
  if (a == b) {
    return k_loopback;
  }
  return regions_.links.empty() ? default_link_
                                : regions_.between(hosts_.at(a).at.region, hosts_.at(b).at.region);
}

bool Fabric::partitioned(NodeId a, NodeId b) const {
  if (hosts_.at(a).island != hosts_.at(b).island) {
    return true;
  }
  return !cut_pairs_.empty() && cut_pairs_.contains(key_of(a, b));
}

std::vector<LinkId> Fabric::links_between(NodeId a, NodeId b) const {
  std::vector<LinkId> ids;
  for (const LinkId id : hosts_.at(a).links) {
    const Link& link = *links_.at(id);
    if (key_of(link.ends[0].node, link.ends[1].node) == key_of(a, b)) {
      ids.push_back(id);
    }
  }
  return ids;
}

void Fabric::partition(NodeId a, NodeId b) {
  const bool before = partitioned(a, b);
  cut_pairs_.insert(key_of(a, b));
  if (!before) {
    for (const LinkId id : links_between(a, b)) {
      on_cut(id);
    }
  }
}

void Fabric::heal(NodeId a, NodeId b) {
  if (cut_pairs_.erase(key_of(a, b)) > 0 && !partitioned(a, b)) {
    for (const LinkId id : links_between(a, b)) {
      on_heal(id);
    }
  }
}

void Fabric::set_island(NodeId node, std::uint32_t island) {
  Host& host = hosts_.at(node);
  if (host.island == island) {
    return;
  }
  std::vector<std::pair<LinkId, bool>> before;
  for (const LinkId id : host.links) {
    const Link& link = *links_.at(id);
    before.emplace_back(id, partitioned(link.ends[0].node, link.ends[1].node));
  }
  host.island = island;
  for (const auto& [id, was_cut] : before) {
    const Link& link = *links_.at(id);
    const bool is_cut = partitioned(link.ends[0].node, link.ends[1].node);
    if (is_cut && !was_cut) {
      on_cut(id);
    } else if (was_cut && !is_cut) {
      on_heal(id);
    }
  }
}

void Fabric::heal_all() {
  for (const PairKey pair : std::set(cut_pairs_)) {
    heal(static_cast<NodeId>(pair >> 32), static_cast<NodeId>(pair));
  }
  for (NodeId node = 1; node < hosts_.size(); ++node) {
    set_island(node, 0);
  }
}

/// A connection across a cut times out, unless the cut ends first.
void Fabric::on_cut(LinkId id) {
  const std::uint32_t cuts = ++links_.at(id)->cuts;
  engine_.schedule_in(options_.stall_max, [this, id, cuts] {
    const Link* link = find(id);
    if (link != nullptr && link->cuts == cuts) {
      fail_link(id, RtError::timed_out);
    }
  });
}

/// What the cut held back arrives.
void Fabric::on_heal(LinkId id) {
  Link& link = *links_.at(id);
  ++link.cuts;
  const LinkOptions& options = options_of(link.ends[0].node, link.ends[1].node);
  for (std::size_t side = 0; side < 2; ++side) {
    End& end = link.ends[side];
    const TimePoint when = engine_.now() + options.latency + engine_.rng().up_to(options.jitter);
    end.last_arrival = std::max(end.last_arrival, when);
    for (; end.held > 0; --end.held) {
      engine_.schedule(when, [this, id, side] { arrive(id, side); });
    }
    if (end.writable.waiting()) {
      engine_.schedule(when, [this, id, side] { release_window(id, side); });
    }
  }
}

void Fabric::reset_connections(NodeId a, NodeId b) {
  for (const LinkId id : links_between(a, b)) {
    fail_link(id, RtError::reset);
  }
}

void Fabric::sever(NodeId node, CrashKind kind) {
  for (const LinkId id : std::vector(hosts_.at(node).links)) {
    Link& link = *links_.at(id);
    for (std::size_t side = 0; side < 2; ++side) {
      if (link.ends[side].node != node) {
        continue;
      }
      End& end = link.ends[side];
      if (kind == CrashKind::process) {
        reset(id, side, 0);
      }
      end.failure.reset();
      fail_end(end, RtError::closed);
      end.silent = true;
      engine_.schedule_in(options_.stall_max, [this, id, side] {
        if (Link* live = find(id)) {
          fail_end(live->ends[1 - side], RtError::timed_out);
        }
      });
    }
  }
  Host& host = hosts_.at(node);
  while (!host.listeners.empty()) {
    host.listeners.begin()->second->close();
  }
  while (!host.sockets.empty()) {
    host.sockets.front()->close();
  }
  host.up = false;
}

void Fabric::raise(NodeId node) {
  hosts_.at(node).up = true;
}

Fabric::Link* Fabric::find(LinkId id) {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : found->second.get();
}

Co<Result<std::size_t>> Fabric::read(LinkId id, std::size_t side, MutableBytes into) {
  VIVIM_ASSERT(!into.empty());
  for (;;) {
    Link* link = find(id);
    VIVIM_ASSERT(link != nullptr);
    End& end = link->ends[side];
    if (end.failure && end.failure->is(RtError::closed)) {
      co_return fail(*end.failure);
    }
    if (!end.inbox.empty()) {
      const Bytes& first = end.inbox.front();
      const std::size_t n = std::min(into.size(), first.size() - end.inbox_offset);
      std::memcpy(into.data(), first.data() + end.inbox_offset, n);
      end.inbox_offset += n;
      if (end.inbox_offset == first.size()) {
        end.inbox.pop_front();
        end.inbox_offset = 0;
      }
      End& sender = link->ends[1 - side];
      take_releases(*link, sender);
      const TimePoint when = engine_.now() + options_of(end.node, sender.node).latency;
      sender.releases.push_back({.when = when, .bytes = n});
      if (sender.writable.waiting()) {
        engine_.schedule(when, [this, id, side] { release_window(id, 1 - side); });
      }
      co_return n;
    }
    if (end.failure) {
      co_return fail(*end.failure);
    }
    if (end.eof) {
      co_return std::size_t{0};
    }
    co_await end.readable.wait();
  }
}

Co<Result<void>> Fabric::write(LinkId id, std::size_t side, BytesView bytes) {
  for (;;) {
    Link* link = find(id);
    VIVIM_ASSERT(link != nullptr);
    End& end = link->ends[side];
    if (end.failure) {
      co_return fail(*end.failure);
    }
    if (end.write_closed) {
      co_return fail(RtError::closed);
    }
    if (bytes.empty()) {
      co_return Result<void>{};
    }
    take_releases(*link, end);
    const std::size_t room = options_.stream_buffer_bytes - end.in_flight_bytes;
    const std::size_t n = std::min({room, bytes.size(), options_.segment_bytes_max});
    if (n == 0) {
      // Behind a partition nothing is heard until it heals.
      if (!end.releases.empty() && !partitioned(end.node, link->ends[1 - side].node)) {
        engine_.schedule(end.releases.front().when, [this, id, side] { release_window(id, side); });
      }
      co_await end.writable.wait();
      continue;
    }
    end.in_flight_bytes += n;
    send(id, *link, side, {.bytes = to_bytes(bytes.first(n))});
    bytes = bytes.subspan(n);
  }
}

Result<void> Fabric::close_write(LinkId id, std::size_t side) {
  Link* link = find(id);
  VIVIM_ASSERT(link != nullptr);
  End& end = link->ends[side];
  if (end.failure) {
    return fail(*end.failure);
  }
  if (!std::exchange(end.write_closed, true)) {
    send(id, *link, side, {.kind = SegmentKind::fin});
  }
  return {};
}

void Fabric::reset(LinkId id, std::size_t side, std::uint32_t reason) {
  Link* link = find(id);
  if (link == nullptr) {
    return;
  }
  End& end = link->ends[side];
  const bool tell = !end.failure && !end.silent && !(end.write_closed && end.eof);
  end.failure.reset();
  fail_end(end, RtError::closed);
  if (tell) {
    send(id, *link, side, {.kind = SegmentKind::reset, .reason = reason});
  }
}

void Fabric::detach(LinkId id, std::size_t side) {
  Link* link = find(id);
  if (link == nullptr) {
    return;
  }
  End& end = link->ends[side];
  VIVIM_ASSERT(!end.readable.waiting() && !end.writable.waiting());
  if (!end.write_closed && !end.failure) {
    reset(id, side, 0);
  }
  end.attached = false;
  forget_if_done(id);
}

void Fabric::forget_if_done(LinkId id) {
  const Link& link = *links_.at(id);
  if (link.ends[0].attached || link.ends[1].attached) {
    return;
  }
  for (const End& end : link.ends) {
    std::erase(hosts_.at(end.node).links, id);
  }
  links_.erase(id);
}

Duration Fabric::loss_delay(LinkId id, const LinkOptions& options) {
  Duration delay{0};
  Duration wait = options_.retransmit;
  unsigned losses = 0;
  while (engine_.rng().chance(options.loss_ppm)) {
    if (++losses > options_.retransmits_max) {
      engine_.schedule_in(delay, [this, id] { fail_link(id, RtError::timed_out); });
      return delay;
    }
    delay += wait;
    wait *= 2;
  }
  return delay;
}

void Fabric::send(LinkId id, Link& link, std::size_t side, Segment segment) {
  End& end = link.ends[side];
  const NodeId to = link.ends[1 - side].node;
  const LinkOptions& options = options_of(end.node, to);
  TimePoint departure = engine_.now();
  Host& host = hosts_.at(end.node);
  if (const auto rate = host.at.upload_bytes_per_second; rate > 0 && to != end.node) {
    departure = host.upload_busy_until =
        std::max(departure, host.upload_busy_until) + wire_time(segment.bytes.size(), rate);
  }
  if (options.bytes_per_second > 0) {
    TimePoint& busy_until = pair_of(link).busy_until[end.node <= to ? 0 : 1];
    departure = busy_until =
        std::max(departure, busy_until) + wire_time(segment.bytes.size(), options.bytes_per_second);
  }
  const TimePoint arrival =
      departure + options.latency + engine_.rng().up_to(options.jitter) + loss_delay(id, options);
  end.last_arrival = std::max(end.last_arrival, arrival);
  end.wire.push_back(std::move(segment));
  engine_.schedule(end.last_arrival, [this, id, side] { arrive(id, side); });
}

void Fabric::arrive(LinkId id, std::size_t sender) {
  Link* link = find(id);
  if (link == nullptr) {
    return;
  }
  End& end = link->ends[sender];
  if (partitioned(link->ends[0].node, link->ends[1].node)) {
    ++end.held;
    return;
  }
  const End& receiver = link->ends[1 - sender];
  Host& host = hosts_.at(receiver.node);
  const auto rate = host.at.download_bytes_per_second;
  if (rate == 0 || receiver.node == end.node) {
    deliver(id, sender);
    return;
  }
  // Before it come those that arrived and still pass the receiver's own wire, this connection's
  // among them.
  const std::size_t bytes = end.wire.front().bytes.size();
  host.download_busy_until =
      std::max(engine_.now(), host.download_busy_until) + wire_time(bytes, rate);
  engine_.schedule(host.download_busy_until, [this, id, sender] { deliver(id, sender); });
}

void Fabric::deliver(LinkId id, std::size_t sender) {
  Link* link = find(id);
  if (link == nullptr) {
    return;
  }
  Segment segment = link->ends[sender].wire.pop_front();
  engine_.trace(id, sender, static_cast<std::uint64_t>(segment.kind));
  engine_.trace_bytes(segment.bytes);
  receive(id, *link, 1 - sender, std::move(segment));
}

void Fabric::receive(LinkId id, Link& link, std::size_t receiver, Segment segment) {
  End& end = link.ends[receiver];
  const bool gone = !end.attached || end.failure;
  if (gone) {
    if (hosts_.at(end.node).up && segment.kind == SegmentKind::data) {
      const Duration latency = options_of(link.ends[0].node, link.ends[1].node).latency;
      engine_.schedule_in(latency, [this, id, receiver] {
        if (Link* live = find(id)) {
          fail_end(live->ends[1 - receiver], RtError::reset);
        }
      });
    }
    return;
  }
  switch (segment.kind) {
    case SegmentKind::data:
      end.inbox.push_back(std::move(segment.bytes));
      break;
    case SegmentKind::fin:
      end.eof = true;
      break;
    case SegmentKind::reset:
      fail_end(end, Error(RtError::reset, segment.reason));
      break;
  }
  end.readable.wake();
}

/// What the sender has heard by now of the other end's reads.
void Fabric::take_releases(const Link& link, End& sender) const {
  if (sender.releases.empty() || partitioned(link.ends[0].node, link.ends[1].node)) {
    return;
  }
  while (!sender.releases.empty() && sender.releases.front().when <= engine_.now()) {
    sender.in_flight_bytes -= sender.releases.pop_front().bytes;
  }
}

void Fabric::release_window(LinkId id, std::size_t sender) {
  Link* link = find(id);
  if (link == nullptr) {
    return;
  }
  End& end = link->ends[sender];
  take_releases(*link, end);
  end.writable.wake();
}

void Fabric::fail_end(End& end, Error error) {
  if (!end.failure) {
    end.failure = error;
    end.readable.wake();
    end.writable.wake();
  }
}

void Fabric::fail_link(LinkId id, Error error) {
  if (Link* link = find(id)) {
    fail_end(link->ends[0], error);
    fail_end(link->ends[1], error);
  }
}

}  // namespace vivim::rt::sim
