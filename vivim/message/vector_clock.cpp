#include "vivim/message/vector_clock.hpp"

#include <algorithm>

#include "vivim/base/varint.hpp"

namespace vivim::message {

Result<std::uint64_t> VectorClock::increment(const PeerId& member) {
  const std::uint64_t count = at(member);
  if (count == k_clock_count_max) {
    return fail(MessageError::clock_overflow);
  }
  VIVIM_TRYV(raise(member, count + 1));
  return count + 1;
}

Result<void> VectorClock::raise(const PeerId& member, std::uint64_t count) {
  if (count == 0) {
    return {};
  }
  const auto found = counts_.find(member);
  if (found != counts_.end()) {
    found->second = std::max(found->second, std::min(count, k_clock_count_max));
    return {};
  }
  if (counts_.size() == k_clock_entries_max) {
    return fail(MessageError::clock_full, counts_.size() + 1);
  }
  counts_.emplace(member, std::min(count, k_clock_count_max));
  return {};
}

Result<void> VectorClock::merge(const VectorClock& other) {
  std::size_t size = counts_.size();
  for (const auto& [member, count] : other.counts_) {
    size += counts_.contains(member) ? 0 : 1;
  }
  if (size > k_clock_entries_max) {
    return fail(MessageError::clock_full, size);
  }
  for (const auto& [member, count] : other.counts_) {
    auto& own = counts_[member];
    own = std::max(own, count);
  }
  return {};
}

bool VectorClock::within(const VectorClock& other) const {
  return std::ranges::all_of(counts_,
                             [&](const auto& each) { return each.second <= other.at(each.first); });
}

ClockOrder VectorClock::compare(const VectorClock& other) const {
  const bool below = within(other);
  const bool above = other.within(*this);
  if (below && above) {
    return ClockOrder::equal;
  }
  if (below) {
    return ClockOrder::before;
  }
  return above ? ClockOrder::after : ClockOrder::concurrent;
}

std::uint64_t VectorClock::at(const PeerId& member) const {
  const auto found = counts_.find(member);
  return found == counts_.end() ? 0 : found->second;
}

Bytes encode(const VectorClock& clock) {
  Bytes out;
  for (const auto& [member, count] : clock.counts()) {
    append_varint(out, member.bytes().size());
    append(out, member.bytes());
    append_varint(out, count);
  }
  return out;
}

Result<VectorClock> decode_clock(BytesView bytes) {
  VectorClock clock;
  std::optional<PeerId> last;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto size = decode_varint(bytes.subspan(at));
    if (!size || size->value > bytes.size() - at - size->size) {
      return fail(MessageError::malformed, at);
    }
    at += size->size;
    const auto member = PeerId::from_bytes(bytes.subspan(at, size->value));
    if (!member || !same_bytes(member->bytes(), bytes.subspan(at, size->value)) ||
        (last && *member <= *last)) {
      return fail(MessageError::malformed, at);
    }
    at += size->value;
    const auto count = decode_varint(bytes.subspan(at));
    if (!count || count->value == 0) {
      return fail(MessageError::malformed, at);
    }
    at += count->size;
    VIVIM_TRYV(clock.raise(*member, count->value));
    last = *member;
  }
  return clock;
}

}  // namespace vivim::message
