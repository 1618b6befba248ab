#include "vivim/libp2p/gossipsub/error.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

ErrorInfo describe(int code) {
  switch (static_cast<GossipsubError>(code)) {
    case GossipsubError::malformed:
      return {"malformed", "not a gossipsub RPC (position)", Blame::peer};
    case GossipsubError::too_many:
      return {"too_many", "an RPC with more entries than are read", Blame::peer};
    case GossipsubError::bad_signature:
      return {"bad_signature", "a message that its author did not sign", Blame::peer};
    case GossipsubError::bad_sender:
      return {"bad_sender", "a message without an author", Blame::peer};
    case GossipsubError::not_anonymous:
      return {"not_anonymous", "a message tells its author where none may be told", Blame::peer};
    case GossipsubError::no_topic:
      return {"no_topic", "the topic has no name, or too long a one", Blame::local};
    case GossipsubError::too_many_topics:
      return {"too_many_topics", "too many topics", Blame::local};
    case GossipsubError::too_large:
      return {"too_large", "the message is larger than messages may be", Blame::local};
    case GossipsubError::duplicate:
      return {"duplicate", "the message was published already", Blame::local};
    case GossipsubError::no_key:
      return {"no_key", "messages shall be signed, and there is no key", Blame::local};
    case GossipsubError::not_waiting:
      return {"not_waiting", "no such message waits for its validation", Blame::local};
    case GossipsubError::unknown_peer:
      return {"unknown_peer", "not a peer of the router", Blame::local};
    case GossipsubError::no_partial:
      return {"no_partial", "no partial messages in this topic with this peer", Blame::local};
    case GossipsubError::bad_options:
      return {"bad_options", "parameters contradict each other", Blame::local};
  }
  return {"unknown", "unknown error", Blame::local};
}

}  // namespace

const ErrorDomain& error_domain(GossipsubError) {
  static constexpr ErrorDomain k_domain{"gossipsub", describe};
  return k_domain;
}

}  // namespace vivim::libp2p::gossipsub
