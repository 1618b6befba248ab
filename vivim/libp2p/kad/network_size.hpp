#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "vivim/libp2p/kad/key.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::kad {

struct NetworkSizeOptions {
  std::size_t lookups_max = 32;  ///< whose results are remembered
  std::size_t lookups_min = 5;   ///< before there is an estimate
  rt::Duration age_max = std::chrono::hours(2);
};

/// How many nodes the DHT has, from how densely the nearest of random keys lie: ids are uniform, so
/// the k-th nearest of a key is at about k/n of the space. The median of the last lookups, so that
/// a few crowded places, an attacker's, change nothing. Sans-IO.
class NetworkSize {
 public:
  explicit NetworkSize(NetworkSizeOptions options = {}) : options_(options) {}

  /// The nearest nodes of a complete lookup of `target`, nearest first; fewer than `looked_for`:
  /// the network is smaller than what a lookup finds.
  void add(const Key& target, const std::vector<Key>& closest, std::size_t looked_for,
           rt::TimePoint now);
  /// None while too little is known.
  std::optional<double> estimate(rt::TimePoint now) const;

 private:
  struct Sample {
    double size;
    rt::TimePoint at;
  };
  NetworkSizeOptions options_;
  std::deque<Sample> samples_;
};

/// How probable it is that a node at `distance` from a key is one of its `count` nearest, among
/// `size` nodes.
double likely_among_closest(const Distance& distance, double size, std::size_t count);
/// The distance up to which that probability is at least `likely`.
Distance likely_reach(double size, std::size_t count, double likely);

/// Whether the nearest nodes found lie so close to `target` as `size` honest ones practically
/// never do (less than once in a thousand keys): somebody made ids for this place.
bool is_crowded(const Key& target, const std::vector<Key>& closest, double size);

/// The region of a key: all who share so many leading bits with it. Expected to hold one to two
/// times `count` nodes of `size`.
unsigned region_bits(double size, std::size_t count);

/// What to look up so as to meet the nodes of a key's region, also when ids that somebody made
/// near the key hide the others: the key's neighbourhood is asked for part by part, the largest
/// part first.
std::vector<Bytes> region_probes(const Key& target, unsigned bits, std::uint32_t salt);

}  // namespace vivim::libp2p::kad
