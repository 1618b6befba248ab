#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/database.hpp"

namespace vivim::store {

/// Peers remembered; those seen longest ago are forgotten first.
inline constexpr std::size_t k_peers_max = 4096;

struct PeerRow {
  Bytes id;                      ///< the peer id's multihash
  std::vector<Bytes> addresses;  ///< binary multiaddrs, at most k_addresses_max
  std::string agent;
  rt::WallMs first_seen = 0;
  rt::WallMs last_seen = 0;
};

/// The peers that this node met, to find them again.
class Peers {
 public:
  explicit Peers(Database& database) : db_(database) {}

  /// Inserts or replaces; a known peer keeps its first_seen. Errors: too_large (addresses).
  Result<void> put(const PeerRow& peer);
  /// Errors: not_found.
  Result<PeerRow> get(BytesView id);
  /// Last seen first.
  Result<std::vector<PeerRow>> list(std::size_t limit);
  Result<void> remove(BytesView id);

 private:
  Database& db_;
};

}  // namespace vivim::store
