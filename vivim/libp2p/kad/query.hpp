#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "vivim/libp2p/kad/contact.hpp"
#include "vivim/libp2p/kad/routing_table.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::kad {

struct QueryOptions {
  std::size_t replication = k_replication;  ///< how many nearest are looked for
  std::size_t concurrency = 10;             ///< requests under way (alpha)
  std::size_t resiliency = 3;  ///< nearest of a path that must have answered before it ends (beta)
  /// Paths that share no node (S/Kademlia): one that meets only liars leaves the others. 1: the
  /// plain algorithm. At most k_paths_max.
  std::size_t paths = 3;
  std::size_t candidates_max = 768;                ///< each path has its share of them
  std::size_t per_answer_max = 2 * k_replication;  ///< candidates taken of one answer
  /// Of one group of public addresses (groups_of), of those who are asked and of the result; 0:
  /// any number.
  std::size_t per_group_max = 2;
  /// Who has not answered for so long is not waited for; its answer still counts when it comes.
  rt::Duration slow = std::chrono::milliseconds(2500);
  /// Who is nearer than this is asked as soon as it is heard of, whatever `concurrency` says; up to
  /// `replication` such requests. Zero: nobody.
  Distance near = {};
};

inline constexpr std::size_t k_paths_max = 8;

/// How a lookup ended. Only `complete` says that the nearest were found.
enum class QueryEnd : std::uint8_t {
  running,
  complete,   ///< the nearest that were heard of have answered
  stopped,    ///< before that: its owner had what it wanted, no more time, or no room to ask
  exhausted,  ///< nobody is left to ask, and nobody answered
};

/// "complete", ...
std::string_view to_string(QueryEnd end);

/// An iterative lookup of the nodes nearest to a key (libp2p/specs kad-dht "Peer routing"), over
/// several disjoint paths: each begins at other nodes, a node belongs to the path that asked it,
/// and what it says goes to that path only. What the paths say of where a node is is kept apart,
/// and tried one after the other where it differs. When all paths have converged, the nearest of
/// all are asked until they have answered. Sans-IO and bounded.
class Query {
 public:
  /// `seeds`: the nearest that we know; without them it is exhausted.
  Query(const Key& target, const PeerId& self, const std::vector<Contact>& seeds,
        QueryOptions options = {});

  /// Whom to ask now; then answered() or failed() follows. Who fails, or is slow, is asked again
  /// where another path says that it is. Nothing: wait for those, for next_deadline(), or it has
  /// ended.
  std::optional<Contact> next(rt::TimePoint now);
  /// `peer` told of `closer`. `groups`: of the address that it answered from.
  void answered(const PeerId& peer, const std::vector<Contact>& closer,
                const std::vector<Group>& groups);
  /// False: it will be asked at other addresses, or is being.
  bool failed(const PeerId& peer);
  /// It was not asked, as there was no room for it: it may be once more.
  void put_back(const PeerId& peer);
  /// The same, and it is tried no more: what follows is not complete.
  void skip(const PeerId& peer);
  /// Ends it here.
  void stop();

  QueryEnd end(rt::TimePoint now) const;
  /// When end() or next() may say something else though nothing happened; none: never.
  std::optional<rt::TimePoint> next_deadline(rt::TimePoint now) const;

  /// The nearest that answered, nearest first; of one group of addresses no more than allowed.
  std::vector<Contact> closest() const;
  /// Their keys as well as those that are no result because of their group.
  std::vector<Key> closest_keys() const;
  /// How many answers in a row led to the nearest node: 0 when we knew it.
  unsigned hops() const;
  /// How many led to this one; 0 also of one that was never heard of.
  unsigned hops_of(const PeerId& peer) const;
  /// The path that asked it; 0 also of one that was never asked.
  std::uint8_t path_of(const PeerId& peer) const;
  const Key& target() const { return target_; }
  std::size_t asked() const { return asked_; }
  std::size_t answers() const { return answers_; }
  std::size_t paths() const { return paths_; }

 private:
  enum class State : std::uint8_t { heard, waiting, answered, failed };
  using PathSet = std::uint8_t;
  /// Where a node is, by the word of a path.
  struct Telling {
    std::vector<Multiaddr> addresses;
    std::vector<Group> groups;
    std::uint8_t path = 0;
  };
  struct Node {
    PeerId peer;
    Distance distance;
    std::vector<Telling> told = {};     ///< at most one of each path
    std::vector<Multiaddr> tried = {};  ///< where it was asked
    std::vector<Group> groups = {};     ///< of where it is being asked, then of where it answered
    rt::TimePoint asked{};
    unsigned hops = 0;
    unsigned under_way = 0;
    PathSet heard_by = 0;   ///< paths that may ask it
    std::uint8_t path = 0;  ///< the last one that asked it
    bool was_asked = false;
    State state = State::heard;
  };
  struct Candidate {
    std::size_t index;
    std::uint8_t path;
  };

  void hear(const Contact& contact, std::uint8_t path, unsigned hops);
  Node* node_for(const PeerId& peer, unsigned hops);
  const Node* find(const PeerId& peer) const;
  bool is_slow(const Node& node, rt::TimePoint now) const;
  static bool is_new(const Node& node, const Telling& telling);
  bool has_room(const GroupCounts& counts, const std::vector<Group>& groups) const;
  const Telling* to_ask(const Node& node, PathSet paths, const GroupCounts& counts) const;
  /// Calls visit(index, node, telling) for the nearest that count: not failed, not slow, within
  /// their group's share, of `paths`; until it returns false. With a telling: it may be asked
  /// there.
  template <class Visit>
  void each_nearest(PathSet paths, rt::TimePoint now, Visit visit) const;
  bool path_ended(std::uint8_t path, rt::TimePoint now) const;
  bool paths_ended(rt::TimePoint now) const;
  std::size_t waiting(PathSet paths, rt::TimePoint now) const;
  /// The first to ask among the nearest of `paths` that are nearer than `within`, if it is not
  /// zero.
  std::optional<Candidate> next_of(PathSet paths, rt::TimePoint now, const Distance& within) const;
  Contact ask(const Candidate& candidate, rt::TimePoint now);
  static Contact contact_of(const Node& node);

  Key target_;
  PeerId self_;
  QueryOptions options_;
  std::size_t paths_;
  std::vector<Node> nodes_;
  std::map<PeerId, std::size_t> by_peer_;
  std::vector<std::size_t> order_;  ///< indexes of nodes_, nearest first
  std::uint8_t turn_ = 0;
  bool stopped_ = false;
  bool skipped_ = false;
  std::size_t asked_ = 0;
  std::size_t answers_ = 0;
  std::array<std::size_t, k_paths_max> told_{};  ///< tellings of each path
};

}  // namespace vivim::libp2p::kad
