#pragma once

#include "vivim/chat/library/open_documents.hpp"
#include "vivim/sync/document_hub.hpp"

namespace vivim::chat {

/// The documents of the node's hub, which must outlive it.
class HubDocuments final : public OpenDocuments {
 public:
  explicit HubDocuments(sync::DocumentHub& hub) : hub_(hub) {}

  rt::Co<Result<void>> read(store::DocumentId id, std::function<void(crdt::Doc&)> body) override;
  rt::Co<Result<void>> edit(store::DocumentId id, std::function<void(crdt::Doc&)> body) override;
  void forget(const store::DocumentId& id) override;

 private:
  sync::DocumentHub& hub_;
};

}  // namespace vivim::chat
