#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::store {

/// Addresses kept with one grant or peer.
inline constexpr std::size_t k_addresses_max = 16;
/// Longest address.
inline constexpr std::size_t k_address_bytes_max = 512;

enum class GrantOrigin : std::uint8_t {
  made = 0,    ///< this node shares the document
  joined = 1,  ///< this node joined with somebody's ticket
};

/// A secret that opens one document (docs/protocol/sync.md).
struct GrantRow {
  GrantId id;
  DocumentId document;
  Bytes secret;  ///< 32 bytes; empty once revoked
  GrantOrigin origin = GrantOrigin::made;
  std::vector<Bytes> addresses;  ///< binary multiaddrs of the node that made it
  rt::WallMs created = 0;
  std::optional<rt::WallMs> revoked;
};

class Grants {
 public:
  explicit Grants(Database& database) : db_(database) {}

  /// Errors: exists; not_found (the document); malformed (the secret is not 32 bytes); too_large
  /// (addresses).
  Result<void> add(const GrantRow& grant);
  /// Errors: not_found.
  Result<GrantRow> get(const GrantId& id);
  Result<std::vector<GrantRow>> of_document(const DocumentId& document);
  /// Every grant that opens something elsewhere: what to connect to at start.
  Result<std::vector<GrantRow>> joined();
  /// Documents that this node shares, or has joined: those with a grant that is not revoked.
  Result<std::vector<DocumentId>> shared_documents();
  /// Marks the grants that this node made for the document as revoked, erases their secrets, and
  /// returns their ids.
  Result<std::vector<GrantId>> revoke_made(const DocumentId& document, rt::WallMs now);
  Result<void> set_addresses(const GrantId& id, const std::vector<Bytes>& addresses);

 private:
  Database& db_;
};

}  // namespace vivim::store
