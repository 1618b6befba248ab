#include "vivim/store/grants.hpp"

#include <algorithm>

#include "vivim/store/byte_list_detail.hpp"
#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

#define VIVIM_STORE_GRANTS                                                      \
  "SELECT g.id, d.doc, g.secret, g.joined, g.addresses, g.created, g.revoked, " \
  "g.access "                                                                   \
  "FROM grants g JOIN documents d ON d.id = g.doc "

constexpr std::array<std::string_view, 3> k_access_names{"read", "write", "contribute"};

// What a later version permits is not known here: nothing but to read.
Access access_of(std::int64_t number) {
  return number == 1 ? Access::write : number == 2 ? Access::contribute : Access::read;
}

Result<GrantRow> read_grant(const Query& query) {
  GrantRow grant;
  VIVIM_TRY(grant.id, GrantId::from_bytes(query.bytes_view(0)));
  VIVIM_TRY(grant.document, DocumentId::from_bytes(query.bytes_view(1)));
  grant.secret = query.bytes(2);
  grant.origin = query.integer(3) == 0 ? GrantOrigin::made : GrantOrigin::joined;
  VIVIM_TRY(grant.addresses, detail::decode_addresses(query.bytes_view(4)));
  grant.created = query.integer(5);
  if (!query.is_null(6)) {
    grant.revoked = query.integer(6);
  }
  grant.access = access_of(query.integer(7));
  return grant;
}

Result<std::vector<GrantRow>> read_grants(Query query) {
  std::vector<GrantRow> grants;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return grants;
    }
    VIVIM_TRY(grants.emplace_back(), read_grant(query));
  }
}

}  // namespace

std::string_view access_name(Access access) {
  return k_access_names[static_cast<std::size_t>(access)];
}

std::optional<Access> access_named(std::string_view name) {
  const auto at = std::ranges::find(k_access_names, name);
  if (at == k_access_names.end()) {
    return std::nullopt;
  }
  return static_cast<Access>(at - k_access_names.begin());
}

Result<void> Grants::add(const GrantRow& grant) {
  constexpr std::size_t k_secret_bytes = 32;
  if (grant.secret.size() != k_secret_bytes) {
    return fail(StoreError::malformed, grant.secret.size());
  }
  VIVIM_TRY(const Bytes addresses, detail::encode_addresses(grant.addresses));
  Query find = db_.query("SELECT id FROM documents WHERE doc = ?", grant.document);
  VIVIM_TRYV(find.row());
  return db_.run(
      "INSERT INTO grants(id, doc, secret, joined, addresses, created, revoked, access) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
      grant.id, find.integer(0), grant.secret, static_cast<int>(grant.origin), addresses,
      grant.created, grant.revoked, static_cast<int>(grant.access));
}

Result<GrantRow> Grants::get(const GrantId& id) {
  Query query = db_.query(VIVIM_STORE_GRANTS "WHERE g.id = ?", id);
  VIVIM_TRYV(query.row());
  return read_grant(query);
}

Result<std::vector<GrantRow>> Grants::of_document(const DocumentId& document) {
  return read_grants(
      db_.query(VIVIM_STORE_GRANTS "WHERE d.doc = ? ORDER BY g.created, g.id", document));
}

Result<std::vector<GrantRow>> Grants::joined() {
  return read_grants(db_.query(
      VIVIM_STORE_GRANTS "WHERE g.joined = 1 AND g.revoked IS NULL ORDER BY g.created, g.id"));
}

Result<std::vector<DocumentId>> Grants::shared_documents() {
  Query query = db_.query(
      "SELECT DISTINCT d.doc FROM grants g JOIN documents d ON d.id = g.doc "
      "WHERE g.revoked IS NULL ORDER BY d.doc");
  std::vector<DocumentId> documents;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return documents;
    }
    VIVIM_TRY(documents.emplace_back(), DocumentId::from_bytes(query.bytes_view(0)));
  }
}

Result<std::vector<GrantRow>> Grants::live() {
  return read_grants(
      db_.query(VIVIM_STORE_GRANTS "WHERE g.revoked IS NULL ORDER BY g.created, g.id"));
}

Result<std::vector<GrantId>> Grants::revoke_made(const DocumentId& document, rt::WallMs now) {
  Query query = db_.query(
      "UPDATE grants SET revoked = ?, secret = x'' WHERE joined = 0 AND revoked IS NULL "
      "AND doc = (SELECT id FROM documents WHERE doc = ?) RETURNING id",
      now, document);
  std::vector<GrantId> ids;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return ids;
    }
    VIVIM_TRY(ids.emplace_back(), GrantId::from_bytes(query.bytes_view(0)));
  }
}

Result<void> Grants::set_access(const GrantId& id, Access access) {
  VIVIM_TRYV(db_.run("UPDATE grants SET access = ? WHERE id = ?", static_cast<int>(access), id));
  return db_.changes() == 1 ? Result<void>() : fail(StoreError::not_found);
}

Result<void> Grants::add_member(const GrantId& id, BytesView peer, rt::WallMs now) {
  VIVIM_TRY(const GrantRow grant, get(id));
  return db_.run(
      "INSERT OR IGNORE INTO members(share, peer, first_seen) SELECT ?1, ?2, ?3 WHERE "
      "(SELECT count(*) FROM members m JOIN grants g ON g.id = m.share JOIN documents d "
      "ON d.id = g.doc WHERE d.doc = ?4) < ?5",
      id, peer, now, grant.document, k_members_max);
}

Result<std::vector<Member>> Grants::members(const DocumentId& document) {
  Query query = db_.query(
      "SELECT m.share, m.peer, g.access FROM members m JOIN grants g ON g.id = m.share "
      "JOIN documents d ON d.id = g.doc WHERE d.doc = ? AND g.revoked IS NULL",
      document);
  std::vector<Member> members;
  for (;;) {
    VIVIM_TRY(const bool more, query.step());
    if (!more) {
      return members;
    }
    auto& member = members.emplace_back();
    VIVIM_TRY(member.grant, GrantId::from_bytes(query.bytes_view(0)));
    member.peer = query.bytes(1);
    member.access = access_of(query.integer(2));
  }
}

Result<void> Grants::set_addresses(const GrantId& id, const std::vector<Bytes>& addresses) {
  VIVIM_TRY(const Bytes encoded, detail::encode_addresses(addresses));
  VIVIM_TRYV(db_.run("UPDATE grants SET addresses = ? WHERE id = ?", encoded, id));
  return db_.changes() == 1 ? Result<void>() : fail(StoreError::not_found);
}

#undef VIVIM_STORE_GRANTS

}  // namespace vivim::store
