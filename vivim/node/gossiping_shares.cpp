#include "vivim/node/gossiping_shares.hpp"

#include "vivim/base/log.hpp"
#include "vivim/store/grants.hpp"

namespace vivim::node {

rt::Co<Outcome<gateway::SharedTicket>> GossipingShares::share(store::DocumentId id,
                                                              store::Access access) {
  auto shared = co_await shares_.share(id, access);
  co_await refresh();
  co_return std::move(shared);
}

rt::Co<Outcome<gateway::DocumentShares>> GossipingShares::shares(store::DocumentId id) {
  return shares_.shares(id);
}

rt::Co<Outcome<void>> GossipingShares::revoke(store::DocumentId id) {
  auto revoked = co_await shares_.revoke(id);
  co_await refresh();
  co_return std::move(revoked);
}

rt::Co<Outcome<gateway::Joined>> GossipingShares::join(std::string ticket) {
  auto joined = co_await shares_.join(std::move(ticket));
  co_await refresh();
  co_return std::move(joined);
}

rt::Co<void> GossipingShares::refresh() {
  auto grants = co_await store_.read(
      [](store::Database& database) { return store::Grants(database).live(); });
  if (!grants) {
    log::write(log::Level::warning, "node", "which documents to gossip cannot be read",
               {{"error", std::string_view(grants.error().message())}});
    co_return;
  }
  co_await gossip_.set_grants(std::move(*grants));
}

}  // namespace vivim::node
