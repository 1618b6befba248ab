#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/kad/contact.hpp"
#include "vivim/libp2p/kad/error.hpp"
#include "vivim/libp2p/kad/mode.hpp"

namespace vivim::libp2p::kad {

/// Largest messages: of requests that are read, of answers that are read, and of those that are
/// written (rust-libp2p reads no larger ones).
inline constexpr std::size_t k_request_bytes_max = std::size_t{32} * 1024;
inline constexpr std::size_t k_answer_bytes_max = std::size_t{256} * 1024;
inline constexpr std::size_t k_sent_bytes_max = std::size_t{16} * 1024;

/// Longest key of a value, and of what is provided (as go-libp2p has it).
inline constexpr std::size_t k_key_bytes_max = 512;
inline constexpr std::size_t k_provided_key_bytes_max = 80;
inline bool is_provided_key(BytesView key) {
  return !key.empty() && key.size() <= k_provided_key_bytes_max;
}
/// Longest value.
inline constexpr std::size_t k_value_bytes_max = std::size_t{8} * 1024;
/// Most peers that are taken of one list of a message; others are skipped.
inline constexpr std::size_t k_message_peers_max = 64;
/// Most bytes of the addresses of one peer that are written and read, and of each of its signed
/// records: one peer takes little of a message. Others are skipped.
inline constexpr std::size_t k_peer_addresses_bytes_max = 512;
inline constexpr std::size_t k_peer_record_bytes_max = 512;

enum class Type : std::uint32_t {
  put_value = 0,
  get_value = 1,
  add_provider = 2,
  get_providers = 3,
  find_node = 4,
  ping = 5,
};

/// "find_node", ...
std::string_view to_string(Type type);

/// What the sender knows of the way to a peer.
enum class ConnectionType : std::uint32_t {
  not_connected = 0,
  connected = 1,
  can_connect = 2,
  cannot_connect = 3,
};

struct Record {
  Bytes key;
  Bytes value;
  std::string time_received;  ///< RFC 3339; what the peer says

  friend bool operator==(const Record&, const Record&) = default;
};

/// A peer as messages tell it. The last two are VIVIM's, and may be empty.
struct PeerInfo {
  Contact contact;
  ConnectionType connection = ConnectionType::not_connected;
  Bytes signed_record;    ///< an envelope with a peer record, unchecked
  Bytes provider_record;  ///< an envelope that open_provider() reads, unchecked

  friend bool operator==(const PeerInfo&, const PeerInfo&) = default;
};

/// Every message, request and answer alike (libp2p/specs kad-dht "RPC messages").
struct Message {
  Type type = Type::find_node;
  Bytes key;
  std::optional<Record> record = {};
  std::vector<PeerInfo> closer = {};
  std::vector<PeerInfo> providers = {};

  friend bool operator==(const Message&, const Message&) = default;
};

/// The protobuf, without its length in front. Where it would exceed `bytes_max`, peers that do not
/// fit are left out: providers go in before closer ones, but for the first few of these.
Bytes encode(const Message& message, std::size_t bytes_max = k_sent_bytes_max);

/// Peers with an id that is none are skipped, as are addresses that cannot be understood. Error:
/// malformed, also for an unknown type.
Result<Message> decode(BytesView body);

}  // namespace vivim::libp2p::kad
