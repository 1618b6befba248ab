#pragma once

#include "vivim/base/error.hpp"

namespace vivim::sync {

/// What goes wrong between two nodes that share documents.
enum class SyncError {
  bad_frame,        ///< a frame that does not decode (peer); detail: its type
  frame_too_large,  ///< longer than the limit (peer); detail: the length
  bad_version,      ///< a greeting of another version (peer); detail: the version
  not_greeted,      ///< frames before the greeting, or two greetings (peer)
  bad_channel,  ///< a channel of the wrong side, or one that is in use (peer); detail: the channel
  too_many_channels,  ///< more open documents than one stream may have (peer, and local when we
                      ///< open)
  too_many_refusals,  ///< asked for too many documents that it may not have (peer)
  refused,            ///< the other node does not know the document, the grant or the secret (peer)
  bad_proof,          ///< the other node could not prove that it holds the secret (peer)
  too_slow,           ///< does not take what we send (peer); detail: bytes waiting
  bad_ticket,         ///< not a ticket, or one that was damaged when it was copied (peer)
  ticket_version,     ///< a ticket of a later version (peer); detail: the version
  no_document,        ///< no such document here (local)
  too_many_documents,    ///< every open document is in use (local); detail: the limit
  too_many_subscribers,  ///< everybody has the document open (local); detail: the limit
  not_permitted,         ///< an update that its author may not make (peer)
  not_signed,      ///< operations under a client id that is bound to a key, without its signature
                   ///< (peer)
  foreign_client,  ///< a signed update that writes as somebody else's client (peer)
  stopped,         ///< the node is stopping (transient)
  unreachable,     ///< none of the ticket's addresses answered (transient)
};
const ErrorDomain& error_domain(SyncError);

/// Why a channel or stream ends, as it is sent (docs/protocol/sync.md#reasons).
enum class Reason : std::uint8_t {
  done = 0,
  refused = 1,
  revoked = 2,
  malformed = 3,
  too_large = 4,
  limit = 5,
  duplicate = 6,
  shutting_down = 7,
  internal = 8,
};

/// "revoked": for logs and for people.
std::string_view reason_name(Reason reason);

}  // namespace vivim::sync
