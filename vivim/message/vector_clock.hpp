#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/message/error.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::message {

using multiformats::PeerId;

/// Members that one clock counts for.
inline constexpr std::size_t k_clock_entries_max = 128;
/// Largest count of one member: what a varint of multiformats carries.
inline constexpr std::uint64_t k_clock_count_max = std::numeric_limits<std::int64_t>::max();

/// How one clock stands to another.
enum class ClockOrder : std::uint8_t {
  equal,
  before,      ///< everything that this one counts, the other counts too, and more
  after,       ///< the other way round
  concurrent,  ///< each counts something that the other does not
};

/// How many events of each member were seen: orders by cause and effect what clocks of walls
/// cannot. Clocks with merge() are a lattice whose order is compare(). A member that is absent
/// counts 0.
class VectorClock {
 public:
  VectorClock() = default;

  /// One more event of `member`; its new count. Errors: clock_full, clock_overflow.
  Result<std::uint64_t> increment(const PeerId& member);
  /// Sees all that `other` saw: the least clock that is not before either. Error: clock_full; then
  /// nothing has changed.
  Result<void> merge(const VectorClock& other);
  /// At least `count` events of `member` were seen. Error: clock_full.
  Result<void> raise(const PeerId& member, std::uint64_t count);

  /// How this clock stands to `other`.
  ClockOrder compare(const VectorClock& other) const;
  /// Whether each count is at most that of `other`: before or equal.
  bool within(const VectorClock& other) const;
  std::uint64_t at(const PeerId& member) const;
  bool empty() const { return counts_.empty(); }
  std::size_t size() const { return counts_.size(); }
  /// Members in the order of their ids' bytes; no count is 0.
  const std::map<PeerId, std::uint64_t>& counts() const { return counts_; }

  friend bool operator==(const VectorClock&, const VectorClock&) = default;

 private:
  std::map<PeerId, std::uint64_t> counts_;
};

/// docs/protocol/message.md#clocks: one encoding for each clock, and none for the empty one but no
/// bytes.
Bytes encode(const VectorClock& clock);
/// Errors: malformed (also for what encode() would write otherwise), clock_full.
Result<VectorClock> decode_clock(BytesView bytes);

}  // namespace vivim::message
