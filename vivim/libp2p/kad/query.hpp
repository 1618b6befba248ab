#pragma once

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
  std::size_t candidates_max = 512;
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
  stopped,    ///< before that: its owner had what it wanted, or no more time
  exhausted,  ///< nobody is left to ask, and nobody answered
};

/// "complete", ...
std::string_view to_string(QueryEnd end);

/// An iterative lookup of the nodes nearest to a key (libp2p/specs kad-dht "Peer routing"), over
/// several disjoint paths: each begins at other nodes, a node belongs to the path that asked it
/// first, and what it says goes to that path only. When all paths have converged, the nearest of
/// all are asked until they have answered. Sans-IO and bounded.
class Query {
 public:
  /// `seeds`: the nearest that we know; without them it is exhausted.
  Query(const Key& target, const PeerId& self, const std::vector<Contact>& seeds,
        QueryOptions options = {});

  /// Whom to ask now; then answered() or failed() follows. Nothing: wait for those, for
  /// next_deadline(), or it has ended.
  std::optional<Contact> next(rt::TimePoint now);
  /// `peer` told of `closer`. `groups`: of the address that it answered from.
  void answered(const PeerId& peer, const std::vector<Contact>& closer,
                const std::vector<Group>& groups);
  void failed(const PeerId& peer);
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
  const Key& target() const { return target_; }
  std::size_t asked() const { return asked_; }
  std::size_t answers() const { return answers_; }
  std::size_t failures() const { return failures_; }
  std::size_t paths() const { return paths_; }

 private:
  enum class State : std::uint8_t { heard, waiting, answered, failed };
  using PathSet = std::uint8_t;
  struct Node {
    Contact contact;
    Distance distance;
    std::vector<Group> groups;
    rt::TimePoint asked{};
    unsigned hops = 0;
    PathSet heard_by = 0;   ///< paths that may ask it
    std::uint8_t path = 0;  ///< the one that asked it
    State state = State::heard;
  };

  void hear(const Contact& contact, std::uint8_t path, unsigned hops);
  bool is_slow(const Node& node, rt::TimePoint now) const;
  /// Calls visit(node) for the nearest that count: not failed, not slow, within their group's
  /// share, of `paths`; until it returns false.
  template <class Visit>
  void each_nearest(PathSet paths, rt::TimePoint now, Visit visit) const;
  bool path_ended(std::uint8_t path, rt::TimePoint now) const;
  bool paths_ended(rt::TimePoint now) const;
  std::size_t waiting(PathSet paths, rt::TimePoint now) const;
  std::optional<std::size_t> next_of_path(std::uint8_t path, rt::TimePoint now) const;
  std::optional<std::size_t> next_of_nearest(rt::TimePoint now) const;
  std::optional<std::size_t> next_of_near(rt::TimePoint now) const;
  Contact ask(std::size_t index, std::uint8_t path, rt::TimePoint now);

  Key target_;
  PeerId self_;
  QueryOptions options_;
  std::size_t paths_;
  std::vector<Node> nodes_;
  std::map<PeerId, std::size_t> by_peer_;
  std::vector<std::size_t> order_;  ///< indexes of nodes_, nearest first
  std::uint8_t turn_ = 0;
  bool stopped_ = false;
  std::size_t asked_ = 0;
  std::size_t answers_ = 0;
  std::size_t failures_ = 0;
};

}  // namespace vivim::libp2p::kad
