#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "vivim/libp2p/kad/key.hpp"
#include "vivim/libp2p/kad/message.hpp"
#include "vivim/libp2p/kad/validator.hpp"

namespace vivim::libp2p::kad {

struct RecordLimits {
  std::size_t records_max = 4096;
  std::size_t bytes_max = std::size_t{8} << 20;
  std::size_t per_peer_max = 256;  ///< that one peer put
  rt::Duration ttl = std::chrono::hours(48);
};

/// The values that we hold for others. Checked before they are kept; of two for one key the better
/// stays. When it is full, those farthest from us make room: others are nearer to them. Sans-IO and
/// bounded.
class Records {
 public:
  /// `validators` outlives this.
  Records(const Key& self, const Validators& validators, RecordLimits limits = {})
      : self_(self), validators_(validators), limits_(limits) {}

  /// `sender` puts a value. What is cheap is checked before what is not. Errors: those of
  /// Validators::validate, worse_record, no_room.
  Result<void> put(const PeerId& sender, const Bytes& key, const Bytes& value, rt::TimePoint now,
                   rt::WallMs wall);
  /// The value under `key`; null when there is none, or it is over.
  const Record* get(const Bytes& key, rt::TimePoint now) const;
  /// Forgets what is over.
  void expire(rt::TimePoint now);

  /// What is held, as bytes, for the next start (docs/protocol/kad.md): the nearest to us first, at
  /// most k_values_snapshot_bytes_max.
  Bytes encode(rt::TimePoint now, rt::WallMs wall) const;
  /// Takes what encode() gave in an earlier life: each value is judged again, and held no longer
  /// than it would have been; what is over, refused or too much is left out. Error: bad_snapshot,
  /// when not all could be read.
  Result<void> adopt(BytesView snapshot, rt::TimePoint now, rt::WallMs wall);

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Record record;
    PeerId sender;
    Distance distance;  ///< from us
    rt::TimePoint expires;
  };
  using Entries = std::map<Bytes, Entry>;

  Result<void> make_room(const PeerId& sender, const Distance& distance, std::size_t bytes);
  void erase(Entries::iterator at);

  Key self_;
  const Validators& validators_;
  RecordLimits limits_;
  Entries entries_;
  std::set<std::pair<Distance, Bytes>> by_distance_;
  std::map<PeerId, std::size_t> by_sender_;
  std::size_t bytes_ = 0;
  rt::TimePoint tidy_at_{};
};

/// Values of a snapshot; those farther away come again when they are put the next time.
inline constexpr std::size_t k_values_snapshot_bytes_max = std::size_t{1} << 20;

/// "2026-11-28T01:02:03.456Z", as Record::time_received has it.
std::string format_time(rt::WallMs wall);

}  // namespace vivim::libp2p::kad
