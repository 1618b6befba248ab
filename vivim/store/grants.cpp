#include "vivim/store/grants.hpp"

#include "vivim/store/byte_list_detail.hpp"
#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

#define VIVIM_STORE_GRANTS                                                     \
  "SELECT g.id, d.doc, g.secret, g.joined, g.addresses, g.created, g.revoked " \
  "FROM grants g JOIN documents d ON d.id = g.doc "

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

Result<void> Grants::add(const GrantRow& grant) {
  constexpr std::size_t k_secret_bytes = 32;
  if (grant.secret.size() != k_secret_bytes) {
    return fail(StoreError::malformed, grant.secret.size());
  }
  VIVIM_TRY(const Bytes addresses, detail::encode_addresses(grant.addresses));
  Query find = db_.query("SELECT id FROM documents WHERE doc = ?", grant.document);
  VIVIM_TRYV(find.row());
  return db_.run(
      "INSERT INTO grants(id, doc, secret, joined, addresses, created, revoked) "
      "VALUES(?, ?, ?, ?, ?, ?, ?)",
      grant.id, find.integer(0), grant.secret, static_cast<int>(grant.origin), addresses,
      grant.created, grant.revoked);
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

Result<void> Grants::set_addresses(const GrantId& id, const std::vector<Bytes>& addresses) {
  VIVIM_TRY(const Bytes encoded, detail::encode_addresses(addresses));
  VIVIM_TRYV(db_.run("UPDATE grants SET addresses = ? WHERE id = ?", encoded, id));
  return db_.changes() == 1 ? Result<void>() : fail(StoreError::not_found);
}

#undef VIVIM_STORE_GRANTS

}  // namespace vivim::store
