#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
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

/// What a share permits; the numbers are stored and sent (docs/protocol/sync.md#access).
enum class Access : std::uint8_t {
  read = 0,
  write = 1,
  contribute = 2,  ///< add, and change what one has written oneself
};

/// "read", "write" or "contribute".
std::string_view access_name(Access access);
/// The one of that name.
std::optional<Access> access_named(std::string_view name);

/// A peer that opened a document by a grant.
struct Member {
  GrantId grant;
  Bytes peer;  ///< binary peer id
  Access access = Access::write;
};

/// Peers remembered with one document; more are not.
inline constexpr std::size_t k_members_max = 1024;

/// A secret that opens one document (docs/protocol/sync.md).
struct GrantRow {
  GrantId id;
  DocumentId document;
  Bytes secret;  ///< 32 bytes; empty once revoked
  GrantOrigin origin = GrantOrigin::made;
  std::vector<Bytes> addresses;  ///< binary multiaddrs of the node that made it
  rt::WallMs created = 0;
  std::optional<rt::WallMs> revoked;
  Access access = Access::write;  ///< of one that was joined: what its maker said last
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
  /// Every grant that was not revoked, of either origin.
  Result<std::vector<GrantRow>> live();
  /// Marks the grants that this node made for the document as revoked, erases their secrets, and
  /// returns their ids.
  Result<std::vector<GrantId>> revoke_made(const DocumentId& document, rt::WallMs now);
  /// Errors: not_found.
  Result<void> set_access(const GrantId& id, Access access);
  /// Remembers that a peer came by a grant; up to k_members_max of a document. Errors: not_found
  /// (the grant).
  Result<void> add_member(const GrantId& id, BytesView peer, rt::WallMs now);
  /// Who came by the grants of a document that are not revoked.
  Result<std::vector<Member>> members(const DocumentId& document);
  Result<void> set_addresses(const GrantId& id, const std::vector<Bytes>& addresses);

 private:
  Database& db_;
};

}  // namespace vivim::store
