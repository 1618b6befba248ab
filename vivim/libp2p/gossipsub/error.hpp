#pragma once

#include "vivim/base/result.hpp"

namespace vivim::libp2p::gossipsub {

enum class GossipsubError {
  malformed,        ///< peer: not an RPC; detail: the position
  too_many,         ///< peer: more entries in one RPC than is read; detail: the limit
  bad_signature,    ///< peer: a message that its author did not sign
  bad_sender,       ///< peer: a message without an author, or with one that is no peer
  not_anonymous,    ///< peer: a message with an author, key or signature where none may be
  no_topic,         ///< local: a topic without a name, or with one that is too long
  too_many_topics,  ///< local: more topics than options allow; detail: the limit
  too_large,        ///< local: a message larger than the limit; detail: its bytes
  duplicate,        ///< local: the same message was published already
  no_key,           ///< local: messages shall be signed, and there is nobody to sign them
  not_waiting,      ///< local: no such message waits for its validation
  unknown_peer,     ///< local: not a peer of the router
  no_partial,       ///< local: the peer or the topic does not speak of partial messages
  bad_options,      ///< local: parameters that contradict each other; detail: which
};
const ErrorDomain& error_domain(GossipsubError);

}  // namespace vivim::libp2p::gossipsub
