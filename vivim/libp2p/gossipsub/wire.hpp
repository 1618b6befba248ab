#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/base/varint.hpp"
#include "vivim/libp2p/gossipsub/error.hpp"

namespace vivim::libp2p::gossipsub::wire {

/// Most entries of each kind in one RPC: messages, subscriptions, GRAFTs, PRUNEs, lists of ids.
inline constexpr std::size_t k_entries_max = 8192;
/// Message ids of one kind in one RPC; those behind are not read.
inline constexpr std::size_t k_ids_max = 32768;
/// Peers of all PRUNEs of one RPC; those behind are not read.
inline constexpr std::size_t k_peers_max = 256;
/// Our frames of subscriptions and control are cut at about this: some implementations read no
/// more.
inline constexpr std::size_t k_control_bytes_max = std::size_t{15} * 1024;

// The protobuf of libp2p/specs pubsub/gossipsub/extensions/extensions.proto and partial messages,
// read in place: every view points into the RPC.

/// message Message
struct MessageView {
  std::optional<BytesView> from;
  std::optional<BytesView> data;
  std::optional<BytesView> seqno;
  std::optional<std::string_view> topic;
  std::optional<BytesView> signature;
  std::optional<BytesView> key;
};

/// message SubOpts
struct Subscription {
  std::string_view topic;
  bool subscribe = false;
  bool requests_partial = false;
  bool supports_partial = false;
};

/// message ControlIHave: a range of Rpc::ihave_ids.
struct IHave {
  std::string_view topic;
  std::size_t first = 0;
  std::size_t count = 0;
};

/// message PeerInfo
struct PeerInfo {
  BytesView id;
  BytesView record;  ///< a signed envelope; empty: none
};

/// message ControlPrune: peers are a range of Rpc::peers.
struct Prune {
  std::string_view topic;
  std::size_t first = 0;
  std::size_t count = 0;
  std::optional<std::uint64_t> backoff;  ///< seconds
};

/// message ControlExtensions; what is unknown is ignored.
struct Extensions {
  bool partial_messages = false;
};

/// message PartialMessagesExtension
struct Partial {
  std::string_view topic;
  BytesView group;
  std::optional<BytesView> message;
  std::optional<BytesView> metadata;
};

/// One RPC, taken apart. Reused for the next one, so that reading takes no memory.
struct Rpc {
  std::vector<Subscription> subscriptions;
  std::vector<MessageView> publish;
  std::vector<IHave> ihave;
  std::vector<BytesView> ihave_ids;
  std::vector<BytesView> iwant;
  std::vector<std::string_view> graft;
  std::vector<Prune> prune;
  std::vector<PeerInfo> peers;
  std::vector<BytesView> idontwant;
  std::optional<Extensions> extensions;
  std::optional<Partial> partial;

  /// Empties all; gives memory back that an unusual RPC took.
  void clear();
};

/// Reads an RPC without its length in front into `rpc`, which is cleared first. Fields that are
/// unknown are skipped. Errors: malformed, too_many.
Result<void> decode(BytesView body, Rpc& rpc);

/// Appends one field of an RPC: its subscription.
void append_subscription(Bytes& rpc, const Subscription& subscription);

// Append one field of a ControlMessage.
void append_ihave(Bytes& control, std::string_view topic, std::span<const BytesView> ids);
void append_iwant(Bytes& control, std::span<const BytesView> ids);
void append_graft(Bytes& control, std::string_view topic);
void append_prune(Bytes& control, std::string_view topic, std::span<const PeerInfo> peers,
                  std::optional<std::uint64_t> backoff_seconds);
void append_idontwant(Bytes& control, std::span<const BytesView> ids);
void append_extensions(Bytes& control, const Extensions& extensions);

/// An RPC behind its length: subscriptions as appended, and a ControlMessage, if not empty.
Bytes frame(BytesView subscriptions, BytesView control);
/// An RPC behind its length with a partial message.
Bytes frame(const Partial& partial);

/// Bytes of a field with a length, whose number is below 16.
inline std::size_t field_bytes(std::size_t size) {
  return 1 + varint_size(size) + size;
}
/// Appends a field with a length.
void append_field(Bytes& out, std::uint32_t number, BytesView value);

}  // namespace vivim::libp2p::gossipsub::wire
