#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vivim/libp2p/gossipsub/message.hpp"
#include "vivim/libp2p/gossipsub/message_id.hpp"

namespace vivim::libp2p::gossipsub {

/// A message of a topic that we subscribed to, accepted and passed on.
struct Delivered {
  MessagePtr message;
  PeerId from;  ///< who brought it
};

/// The application judges it: Router::validated().
struct ToValidate {
  MessagePtr message;
  PeerId from;
};

/// A peer subscribed to a topic, or no longer is.
struct PeerSubscribed {
  PeerId peer;
  std::string topic;
  bool subscribed = true;
};

/// A peer came into the mesh of a topic, or left it.
struct MeshChanged {
  PeerId peer;
  std::string topic;
  bool grafted = true;
};

/// A peer that it would be good to be connected with: told in a PRUNE, or an explicit one.
struct Connect {
  PeerId peer;
  Bytes record;  ///< its signed record, checked; empty: none
};

/// A peer gossips ids that no message of this network can have: it makes them in another way, and
/// will never get or give what it missed. Once a peer.
struct ForeignIds {
  PeerId peer;
  std::string topic;
  Bytes id;
  std::optional<IdProfile> theirs;  ///< the profile that makes such ids
};

/// Part of a group of a topic, or which parts the peer has and wants: the application's to read.
struct PartialReceived {
  PeerId peer;
  std::string topic;
  Bytes group;
  std::optional<Bytes> message;
  std::optional<Bytes> metadata;
};

/// Peers outside the mesh that want parts, and should be told of a group that we published.
struct PartialGossip {
  std::string topic;
  Bytes group;
  std::vector<PeerId> peers;
};

/// A peer does not even take control messages: its streams should be closed.
struct Overloaded {
  PeerId peer;
};

using Event = std::variant<Delivered, ToValidate, PeerSubscribed, MeshChanged, Connect, ForeignIds,
                           PartialReceived, PartialGossip, Overloaded>;

/// What happened since the router was made.
struct RouterStats {
  std::uint64_t rpcs = 0;
  std::uint64_t published = 0;
  std::uint64_t received = 0;  ///< messages, duplicates among them
  std::uint64_t duplicates = 0;
  std::uint64_t delivered = 0;
  std::uint64_t forwarded = 0;   ///< frames with messages of others
  std::uint64_t rejected = 0;    ///< bad signature, wrong fields, or judged invalid
  std::uint64_t ignored = 0;     ///< judged so, or the topic's queue was full
  std::uint64_t unwanted = 0;    ///< of topics that we are not in
  std::uint64_t dropped = 0;     ///< frames for peers that do not take enough
  std::uint64_t graylisted = 0;  ///< RPCs that were not read
  std::uint64_t malformed = 0;
  std::uint64_t ihave_ids = 0;  ///< heard, of messages that we had not
  std::uint64_t iwant_sent = 0;
  std::uint64_t iwant_served = 0;
  std::uint64_t promises_broken = 0;
  std::uint64_t idontwant_sent = 0;
  std::uint64_t idontwant_heeded = 0;  ///< messages not sent
  std::uint64_t grafts = 0;
  std::uint64_t repairs = 0;  ///< of these, because the mesh had not brought a message
  std::uint64_t prunes = 0;
  std::uint64_t subscriptions_refused = 0;
  std::uint64_t heartbeats = 0;
};

}  // namespace vivim::libp2p::gossipsub
