#include "vivim/libp2p/gossipsub/outbound_queue.hpp"

namespace vivim::libp2p::gossipsub {

OutboundQueue::Entry OutboundQueue::Line::pop() {
  constexpr std::size_t k_moved_min = 16;
  Entry entry = std::move(entries[begin++]);
  bytes -= entry.view().size();
  if (empty()) {
    entries.clear();
    begin = 0;
  } else if (begin >= k_moved_min && begin >= entries.size() / 2) {
    entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(begin));
    begin = 0;
  }
  return entry;
}

bool OutboundQueue::push(Lane lane, SharedFrame frame) {
  return push(lane, Entry{.frame = std::move(frame), .message = nullptr});
}

bool OutboundQueue::push(Lane lane, MessagePtr message) {
  return push(lane, Entry{.frame = nullptr, .message = std::move(message)});
}

bool OutboundQueue::push(Lane lane, Entry entry) {
  const auto at = static_cast<std::size_t>(lane);
  Line& line = lines_[at];
  const std::size_t size = entry.view().size();
  if (!line.empty() && line.bytes + size > bytes_max_[at]) {
    return false;
  }
  line.entries.push_back(std::move(entry));
  line.rested = false;
  line.bytes += size;
  bytes_ += size;
  return true;
}

bool OutboundQueue::take(Bytes& out, std::size_t bytes_max, const TurningCounts& unwanted) {
  const bool check = !unwanted.empty();
  for (std::size_t lane = 0; lane < k_lanes; ++lane) {
    Line& line = lines_[lane];
    while (!line.empty() && out.size() < bytes_max) {
      const Entry entry = line.pop();
      bytes_ -= entry.view().size();
      const bool skip = check && entry.message && lane == static_cast<std::size_t>(Lane::forward) &&
                        unwanted.get(entry.message->key()) > 0;
      if (!skip) {
        append(out, entry.view());
      }
    }
  }
  return bytes_ > 0;
}

void OutboundQueue::trim() {
  constexpr std::size_t k_kept_max = 4;
  for (Line& line : lines_) {
    if (line.empty() && line.entries.capacity() > k_kept_max && std::exchange(line.rested, true)) {
      line.entries = std::vector<Entry>();
    }
  }
}
}  // namespace vivim::libp2p::gossipsub
