#include "vivim/sync/error.hpp"

namespace vivim::sync {

namespace {

ErrorInfo describe(int code) {
  switch (static_cast<SyncError>(code)) {
    case SyncError::bad_frame:
      return {"bad_frame", "a frame that does not decode, of type", Blame::peer};
    case SyncError::frame_too_large:
      return {"frame_too_large", "a frame is longer than the limit", Blame::peer};
    case SyncError::bad_version:
      return {"bad_version", "the peer speaks another version", Blame::peer};
    case SyncError::not_greeted:
      return {"not_greeted", "the greeting is missing or repeated", Blame::peer};
    case SyncError::bad_channel:
      return {"bad_channel", "a channel that the peer may not use", Blame::peer};
    case SyncError::too_many_channels:
      return {"too_many_channels", "too many documents on one connection", Blame::peer};
    case SyncError::too_many_refusals:
      return {"too_many_refusals", "asked for too many documents without a right to them",
              Blame::peer};
    case SyncError::refused:
      return {"refused", "the other node refused: unknown document, or the share was revoked",
              Blame::peer};
    case SyncError::bad_proof:
      return {"bad_proof", "the peer does not hold the secret", Blame::peer};
    case SyncError::too_slow:
      return {"too_slow", "the peer does not take what is sent", Blame::peer};
    case SyncError::bad_ticket:
      return {"bad_ticket", "not a ticket, or damaged when it was copied", Blame::peer};
    case SyncError::ticket_version:
      return {"ticket_version", "the ticket is of a later version of VIVIM", Blame::peer};
    case SyncError::no_document:
      return {"no_document", "no such document", Blame::local};
    case SyncError::too_many_documents:
      return {"too_many_documents", "too many documents are open", Blame::local};
    case SyncError::too_many_subscribers:
      return {"too_many_subscribers", "too many have this document open", Blame::local};
    case SyncError::not_permitted:
      return {"not_permitted", "this change is not permitted here", Blame::peer};
    case SyncError::not_signed:
      return {"not_signed", "a part of the change needs its author's signature", Blame::peer};
    case SyncError::foreign_client:
      return {"foreign_client", "this change is written in somebody else's name", Blame::peer};
    case SyncError::stopped:
      return {"stopped", "the node is stopping", Blame::transient};
    case SyncError::unreachable:
      return {"unreachable", "the other node cannot be reached", Blame::transient};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(SyncError) {
  static constexpr ErrorDomain k_domain{"sync", describe};
  return k_domain;
}

std::string_view reason_name(Reason reason) {
  switch (reason) {
    case Reason::done:
      return "done";
    case Reason::refused:
      return "refused";
    case Reason::revoked:
      return "revoked";
    case Reason::malformed:
      return "malformed";
    case Reason::too_large:
      return "too large";
    case Reason::limit:
      return "limit";
    case Reason::duplicate:
      return "duplicate";
    case Reason::shutting_down:
      return "shutting down";
    case Reason::internal:
      return "internal";
  }
  return "unknown";
}

}  // namespace vivim::sync
