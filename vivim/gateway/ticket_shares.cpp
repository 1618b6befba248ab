#include "vivim/gateway/library_service.hpp"

namespace vivim::gateway {

namespace {

ShareGrant grant_of(const store::GrantRow& row) {
  ShareGrant grant{.grant = to_hex(row.id.bytes),
                   .access = row.access,
                   .made_by_us = row.origin == store::GrantOrigin::made,
                   .created_ms = row.created};
  if (row.revoked) {
    grant.revoked_ms = *row.revoked;
  }
  return grant;
}

}  // namespace

Co<Outcome<SharedTicket>> TicketShares::share(store::DocumentId id, store::Access access) {
  const auto row = co_await store_.read(
      [id](store::Database& database) { return store::Conversations(database).get(id); });
  std::string title = row ? row->title : "";
  VIVIM_CO_TRY(const auto ticket, co_await sharing_.share(id, std::move(title), access));
  co_return SharedTicket{
      .ticket = ticket.to_text(), .url = ticket.to_url(), .grant = to_hex(ticket.grant.bytes)};
}

Co<Outcome<DocumentShares>> TicketShares::shares(store::DocumentId id) {
  VIVIM_CO_TRY(const auto found, co_await sharing_.shares(id));
  DocumentShares shares;
  for (const auto& row : found.grants) {
    shares.grants.push_back(grant_of(row));
  }
  for (const auto& peer : found.peers) {
    shares.members.push_back({.peer_id = peer.to_string(), .address = ""});
  }
  co_return std::move(shares);
}

Co<Outcome<void>> TicketShares::revoke(store::DocumentId id) {
  VIVIM_CO_TRYV(co_await sharing_.unshare(id));
  co_return Outcome<void>{};
}

Co<Outcome<Joined>> TicketShares::join(std::string ticket) {
  VIVIM_CO_TRY(auto joined, co_await sharing_.join(std::move(ticket)));
  VIVIM_CO_TRYV(co_await library_.adopt(joined.document, joined.title));
  co_return Joined{.id = joined.document,
                   .title = std::move(joined.title),
                   .state = std::string(to_string(joined.status.state)),
                   .detail = std::move(joined.status.detail)};
}

}  // namespace vivim::gateway
