#pragma once

#include <cstdint>

#include "vivim/base/fifo.hpp"
#include "vivim/libp2p/gossipsub/key_table.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::gossipsub {

/// What became of a message.
enum class Fate : std::uint8_t { waiting, accepted, ignored, rejected };

/// The messages of the last minutes, each by its key: what comes again is a duplicate. Bounded by
/// time and number.
class SeenCache {
 public:
  SeenCache(rt::Duration time, std::size_t entries_max)
      : time_(std::chrono::duration_cast<Ticks>(time)), entries_max_(entries_max) {}

  struct Entry {
    std::uint32_t seen = 0;  ///< in ticks after the first
    Fate fate = Fate::waiting;
  };

  /// Null: not seen lately.
  Entry* find(const MessageKey& key) { return table_.find(key); }
  bool contains(const MessageKey& key) const { return table_.contains(key); }
  /// Remembers a message that is not there; the oldest makes room.
  void add(const MessageKey& key, Fate fate, rt::TimePoint now);
  /// Forgets what is older than the time.
  void expire(rt::TimePoint now);

  std::size_t size() const { return table_.size(); }

 private:
  /// A small unit of time: an entry is as short as can be, and there are many.
  using Ticks = std::chrono::duration<std::uint32_t, std::ratio<1, 16>>;

  std::uint32_t ticks(rt::TimePoint now);

  Ticks time_;
  std::optional<rt::TimePoint> first_;
  std::size_t entries_max_;
  KeyTable<Entry> table_;
  Fifo<MessageKey> order_;
};

}  // namespace vivim::libp2p::gossipsub
