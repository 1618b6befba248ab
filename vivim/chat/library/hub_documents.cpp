#include "vivim/chat/library/hub_documents.hpp"

namespace vivim::chat {

rt::Co<Result<void>> HubDocuments::read(store::DocumentId id,
                                        std::function<void(crdt::Doc&)> body) {
  VIVIM_CO_TRY(const auto lease, co_await hub_.open(id));
  body(lease->doc());
  co_return Result<void>();
}

rt::Co<Result<void>> HubDocuments::edit(store::DocumentId id,
                                        std::function<void(crdt::Doc&)> body) {
  VIVIM_CO_TRY(const auto lease, co_await hub_.open(id));
  co_return co_await lease->edit(std::move(body));
}

void HubDocuments::forget(const store::DocumentId& id) {
  hub_.evict(id, sync::Reason::done, "the conversation was removed");
}

}  // namespace vivim::chat
