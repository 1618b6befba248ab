#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vivim/libp2p/gossipsub/key_table.hpp"

namespace vivim::libp2p::gossipsub {

/// Frames that one router sends to several peers are one block of memory.
using SharedFrame = std::shared_ptr<const Bytes>;

/// In which order frames leave.
enum class Lane : std::uint8_t {
  control,  ///< subscriptions, GRAFT, PRUNE, IWANT, IDONTWANT
  own,      ///< messages that we publish
  forward,  ///< messages of others, IHAVE
};
inline constexpr std::size_t k_lanes = 3;

/// What one lane of one peer holds at most, in bytes; a single frame always fits an empty lane.
struct QueueLimits {
  std::size_t control_bytes_max = std::size_t{1} << 20U;
  std::size_t own_bytes_max = std::size_t{4} << 20U;
  std::size_t forward_bytes_max = std::size_t{4} << 20U;
};

/// What waits for one peer, bounded by bytes. First control, then our own messages, then those of
/// others.
class OutboundQueue {
 public:
  explicit OutboundQueue(const QueueLimits& limits)
      : bytes_max_{limits.control_bytes_max, limits.own_bytes_max, limits.forward_bytes_max} {}

  /// False: the lane is full, and nothing was queued.
  bool push(Lane lane, SharedFrame frame);
  bool push(Lane lane, MessagePtr message);

  /// Appends whole frames to `out` until it has `bytes_max` or more, or nothing waits; leaves out
  /// messages that the peer does not want any more. True: something waits.
  bool take(Bytes& out, std::size_t bytes_max, const TurningCounts& unwanted);

  /// Gives back memory of lanes that nothing was in since the call before.
  void trim();

  bool empty() const { return bytes_ == 0; }
  /// Of all lanes together.
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    SharedFrame frame;
    MessagePtr message;  ///< in place of the frame

    BytesView view() const { return message ? message->frame() : BytesView(*frame); }
  };
  /// First in, first out.
  struct Line {
    std::vector<Entry> entries;
    std::size_t begin = 0;
    std::size_t bytes = 0;
    bool rested = false;  ///< since the last trim()

    bool empty() const { return begin == entries.size(); }
    Entry pop();
  };

  bool push(Lane lane, Entry entry);

  std::array<Line, k_lanes> lines_;
  std::array<std::size_t, k_lanes> bytes_max_;
  std::size_t bytes_ = 0;
};

}  // namespace vivim::libp2p::gossipsub
