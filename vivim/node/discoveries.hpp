#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "vivim/multiformats/peer_id.hpp"

namespace vivim::node {

/// Peers that are remembered as found; the first ones make room, and count as new again.
inline constexpr std::size_t k_discoveries_max = 4096;

/// Which peers were found, and by what first. Sans-IO.
class Discoveries {
 public:
  /// True when nothing told of this peer before.
  bool note(const multiformats::PeerId& peer, std::string_view source);
  /// How many were found, by source.
  const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }

 private:
  std::set<multiformats::PeerId> known_;
  std::deque<multiformats::PeerId> order_;
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

}  // namespace vivim::node
