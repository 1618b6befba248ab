#include "vivim/gateway/offline.hpp"

namespace vivim::gateway {

namespace {

std::unexpected<Problem> not_running() {
  return std::unexpected(Problem{.kind = ProblemKind::unavailable,
                                 .code = "node_not_running",
                                 .message = "The node does not run.",
                                 .hint = "Start it with: vivim run"});
}

}  // namespace

Co<Outcome<SharedTicket>> OfflineServices::share(store::DocumentId) {
  co_return not_running();
}
Co<Outcome<DocumentShares>> OfflineServices::shares(store::DocumentId) {
  co_return not_running();
}
Co<Outcome<void>> OfflineServices::revoke(store::DocumentId) {
  co_return not_running();
}
Co<Outcome<Joined>> OfflineServices::join(std::string) {
  co_return not_running();
}
Co<Outcome<NodeIdentity>> OfflineServices::identity() {
  co_return not_running();
}
Co<Outcome<std::vector<PeerStatus>>> OfflineServices::peers() {
  co_return not_running();
}
Co<Outcome<std::string>> OfflineServices::connect(std::string) {
  co_return not_running();
}

Co<void> OfflineServices::serve(std::string, WebSocket& socket) {
  socket.close(CloseCode::going_away, "the node does not run");
  co_return;
}

}  // namespace vivim::gateway
