#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vivim/libp2p/gossipsub/score_options.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::gossipsub {

using multiformats::PeerId;

/// A topic, as the score numbers it.
using TopicNumber = std::uint32_t;

/// What our peers are worth, from what they did: P1 to P7 of specs gossipsub-v1.1. Sans-IO. Peers
/// that went are remembered when they did anything bad.
class Score {
 public:
  explicit Score(ScoreOptions options);

  /// A record of a peer: stays where it is until the peer is removed and forgotten.
  struct Record;

  Score(const Score&) = delete;
  Score& operator=(const Score&) = delete;
  ~Score();

  const ScoreOptions& options() const { return options_; }

  /// How a topic counts from now on.
  void set_topic(TopicNumber topic, const TopicScoreOptions& options);
  /// Forgets a topic, and what peers did in it.
  void drop_topic(TopicNumber topic);

  Record& add_peer(const PeerId& peer);
  /// The peer has gone; drops it from the meshes of all topics.
  void remove_peer(Record& record, rt::TimePoint now);
  /// Null: neither here nor remembered.
  Record* find(const PeerId& peer);

  /// By which addresses the peer counts with others.
  void set_addresses(Record& record, std::vector<std::string> addresses);
  /// P5.
  void set_app(Record& record, double value);

  void grafted(Record& record, TopicNumber topic, rt::TimePoint now);
  void pruned(Record& record, TopicNumber topic);
  /// It brought an accepted message first: P2, and P3 if it is in the mesh. Unless it is the author
  /// (empty: nobody knows) it has proven to be of use.
  void first_delivery(Record& record, TopicNumber topic, BytesView author = {});
  /// It brought one at nearly the same time: P3.
  void near_delivery(Record& record, TopicNumber topic);
  /// P4.
  void invalid_message(Record& record, TopicNumber topic);
  /// P7.
  void penalize(Record& record, double count);
  /// A message was dropped because it takes too little.
  void slow(Record& record);

  double value(const Record& record) const;
  /// Whether it is in a topic's mesh for so long, and nothing counts any more that it brought
  /// first.
  bool idle(const Record& record, TopicNumber topic, rt::Duration at_least,
            rt::TimePoint now) const;
  /// Whether something counts that it brought first in a topic, and it brought what another wrote.
  bool proven(const Record& record, TopicNumber topic) const;

  /// Decays when it is time to, and forgets who went long ago.
  void refresh(rt::TimePoint now);
  rt::TimePoint next_refresh() const { return next_refresh_; }

  /// Peers, remembered ones among them.
  std::size_t size() const { return records_.size(); }
  std::size_t retained() const { return retained_.size(); }

 private:
  struct TopicStats;
  /// How many peers are at an address.
  using Places = std::map<std::string, std::size_t>;

  TopicStats* stats(Record& record, TopicNumber topic);
  double topic_merit(const TopicStats& stats, const TopicScoreOptions& options) const;
  double topic_penalty(const TopicStats& stats, const TopicScoreOptions& options) const;
  double colocation(const Record& record) const;
  double compute(const Record& record) const;
  void decay(Record& record, rt::TimePoint now);
  void decay_topic(TopicStats& stats, rt::TimePoint now);
  void faded(double& value, double decay) const;
  void forget(Record& record);
  void leave_addresses(Record& record);

  ScoreOptions options_;
  std::vector<std::optional<TopicScoreOptions>> topics_;
  std::map<PeerId, Record> records_;
  std::multimap<rt::TimePoint, PeerId> retained_;  ///< by when they are forgotten
  Places at_address_;
  std::uint64_t address_changes_ = 0;
  rt::TimePoint next_refresh_{};
};

}  // namespace vivim::libp2p::gossipsub
