#include "vivim/message/causal_buffer.hpp"

#include <algorithm>

namespace vivim::message {

bool CausalBuffer::has_come(const PeerId& member, std::uint64_t count) const {
  return count <= seen_.at(member) || count <= given_up_.at(member);
}

bool CausalBuffer::is_next(const Message& message) const {
  return std::ranges::all_of(message.clock.counts(), [&](const auto& each) {
    const auto& [member, count] = each;
    return member == message.from ? count == seen_.at(member) + 1 : has_come(member, count);
  });
}

void CausalBuffer::deliver(Message message, Order order, std::vector<Ordered>& out) {
  if (order == Order::gap && !given_up_.merge(message.clock)) {
    given_up_ = message.clock;  // it was full: the latest is worth the most
  }
  (void)seen_.raise(message.from, message.clock.at(message.from));
  out.push_back({.message = std::move(message), .order = order});
}

Message CausalBuffer::take(std::size_t index) {
  Message message = std::move(held_[index].message);
  payload_bytes_ -= message.payload.size();
  held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(index));
  return message;
}

void CausalBuffer::drain(std::vector<Ordered>& out) {
  for (std::size_t i = 0; i < held_.size();) {
    const Message& message = held_[i].message;
    if (message.clock.at(message.from) <= seen_.at(message.from)) {
      deliver(take(i), Order::late, out);
      i = 0;
    } else if (is_next(message)) {
      deliver(take(i), Order::causal, out);
      i = 0;
    } else {
      ++i;
    }
  }
}

void CausalBuffer::force_oldest(std::vector<Ordered>& out) {
  std::size_t first = 0;
  for (std::size_t i = 1; i < held_.size(); ++i) {
    if (held_[i].message.clock.compare(held_[first].message.clock) == ClockOrder::before) {
      first = i;
    }
  }
  deliver(take(first), Order::gap, out);
  drain(out);
}

std::vector<Ordered> CausalBuffer::add(Message message, rt::TimePoint now) {
  std::vector<Ordered> out;
  const std::uint64_t number = message.clock.at(message.from);
  if (number == 0) {
    out.push_back({.message = std::move(message), .order = Order::none});
    return out;
  }
  if (number <= seen_.at(message.from)) {
    out.push_back({.message = std::move(message), .order = Order::late});
    return out;
  }
  if (seen_.at(message.from) == 0 && seen_.size() == k_clock_entries_max) {
    // No room to follow another member: waiting would bring nothing.
    out.push_back({.message = std::move(message), .order = Order::gap});
    return out;
  }
  payload_bytes_ += message.payload.size();
  held_.push_back({.message = std::move(message), .until = now + limits_.wait_max});
  drain(out);
  while (held_.size() > limits_.messages_max || payload_bytes_ > limits_.payload_bytes_max) {
    force_oldest(out);
  }
  return out;
}

std::vector<Ordered> CausalBuffer::on_deadline(rt::TimePoint now) {
  std::vector<Ordered> out;
  while (!held_.empty() && held_.front().until <= now) {
    force_oldest(out);
  }
  return out;
}

std::optional<rt::TimePoint> CausalBuffer::next_deadline() const {
  return held_.empty() ? std::nullopt : std::optional(held_.front().until);
}

Result<VectorClock> CausalBuffer::stamp(const PeerId& self) {
  VIVIM_TRYV(seen_.increment(self));
  return seen_;
}

}  // namespace vivim::message
