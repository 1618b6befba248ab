#pragma once

#include <string>

#include "vivim/gateway/services.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/sync/browser_channel.hpp"
#include "vivim/sync/document_hub.hpp"

namespace vivim::gateway {

/// The node's open documents, to browsers (docs/protocol/sync.md#to-browsers).
class SyncDocuments final : public DocumentService {
 public:
  SyncDocuments(rt::Loop& loop, sync::DocumentHub& hub) : loop_(loop), hub_(hub) {}

  Co<void> serve(std::string document, WebSocket& socket) override;

 private:
  rt::Loop& loop_;
  sync::DocumentHub& hub_;
};

}  // namespace vivim::gateway
