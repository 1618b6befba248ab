#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vivim/base/result.hpp"
#include "vivim/libp2p/kad/contact.hpp"
#include "vivim/libp2p/kad/error.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::kad {

/// How many nodes hold a record, and are in a bucket.
inline constexpr std::size_t k_replication = 20;

struct RoutingTableLimits {
  std::size_t bucket_size = k_replication;
  std::size_t spares_max = 4;  ///< of a bucket that is full: who comes in when somebody goes
  std::size_t peers_max = 1024;
  /// Nodes of one group of public IP addresses (groups_of).
  std::size_t per_group_in_bucket_max = 2;
  std::size_t per_group_max = 3;
  unsigned failures_max = 2;  ///< in a row, then it goes
  /// A node not heard of for so long is asked before one relies on it.
  rt::Duration fresh = std::chrono::minutes(30);
};

/// A node in the table.
struct TableEntry {
  Contact contact;
  Key key;
  std::vector<Group> groups;
  rt::TimePoint heard{};  ///< when it answered last
  unsigned failures = 0;  ///< since then
};

/// What became of a node that was to be added.
enum class Added : std::uint8_t {
  added,
  known,    ///< it was there: heard of again
  spare,    ///< its bucket is full; it waits
  own,      ///< it is us
  crowded,  ///< too many of its group of addresses are there
  full,     ///< no room, not even to wait
};

/// The nodes of the DHT that we know: one bucket for each length of the prefix that a node's key
/// shares with ours. Those who were there first stay while they answer: newcomers, who may be an
/// attacker's, do not push them out. Sans-IO and bounded.
class RoutingTable {
 public:
  explicit RoutingTable(const PeerId& self, RoutingTableLimits limits = {})
      : self_(self), key_(Key::of(self)), limits_(limits) {}

  const Key& key() const { return key_; }
  const RoutingTableLimits& limits() const { return limits_; }

  /// A node that speaks the protocol, and answered just now. `groups`: of the address that it
  /// answered from, and of no others: what it says of itself is cheap.
  Added add(const Contact& contact, const std::vector<Group>& groups, rt::TimePoint now);
  /// It did not answer: after failures_max times in a row it goes, and a spare comes in. True when
  /// it went.
  bool failed(const PeerId& peer);
  /// It does not speak the protocol any more.
  void remove(const PeerId& peer);

  const TableEntry* find(const PeerId& peer) const;
  /// The `count` nodes nearest to `target`, nearest first.
  std::vector<const TableEntry*> closest(const Key& target, std::size_t count) const;

  /// The node that was heard of longest ago, if that is too long, to be asked whether it is there:
  /// of buckets where somebody waits first.
  std::optional<Contact> to_check(rt::TimePoint now) const;

  /// Lookups of keys within bucket `bucket` were made at `now`.
  void refreshed(unsigned bucket, rt::TimePoint now);
  /// The buckets up to the deepest that has somebody whose last lookup is older than `age`.
  std::vector<unsigned> stale_buckets(rt::TimePoint now, rt::Duration age) const;

  /// How many of a bucket were heard of after `since`, and did not fail then.
  std::size_t heard_since(unsigned bucket, rt::TimePoint since) const;

  std::size_t size() const { return size_; }
  std::size_t spares() const;
  /// How many nodes are in each bucket, by shared prefix.
  std::vector<std::size_t> bucket_sizes() const;
  std::vector<const TableEntry*> entries() const;

  /// Whom we know, as bytes, for the next start (README.md); at most k_snapshot_peers_max.
  Bytes encode() const;

 private:
  struct Bucket {
    std::vector<TableEntry> entries;  ///< oldest member first
    std::vector<TableEntry> spares;   ///< last heard of last
    rt::TimePoint refreshed{};
  };

  Bucket& bucket_of(const Key& key);
  Bucket* find_bucket(const Key& key);
  bool is_crowded(const Bucket& bucket, const std::vector<Group>& groups) const;
  void take(Bucket& bucket, TableEntry entry);
  void drop(Bucket& bucket, std::size_t index);
  void promote(Bucket& bucket);
  static void wait(Bucket& bucket, TableEntry entry, std::size_t spares_max);

  PeerId self_;
  Key key_;
  RoutingTableLimits limits_;
  std::vector<Bucket> buckets_;  ///< by shared prefix, as deep as needed
  GroupCounts groups_;           ///< of the whole table
  std::size_t size_ = 0;
};

/// Most nodes of a snapshot.
inline constexpr std::size_t k_snapshot_peers_max = 256;

/// Whom a snapshot names: to be connected with, and not to be taken into the table before they
/// answer. Error: bad_snapshot.
Result<std::vector<Contact>> decode_snapshot(BytesView bytes);

}  // namespace vivim::libp2p::kad
