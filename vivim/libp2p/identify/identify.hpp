#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/identify/error.hpp"
#include "vivim/multiformats/keys.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::identify {

/// Asks a peer who it is: it answers with its message and closes.
inline constexpr std::string_view k_protocol_id = "/ipfs/id/1.0.0";
/// Tells a peer what changed: the opener sends its message and closes.
inline constexpr std::string_view k_push_protocol_id = "/ipfs/id/push/1.0.0";

/// What we put into `protocol_version`: the family of protocols.
inline constexpr std::string_view k_protocol_version = "ipfs/0.1.0";

/// Largest message that we send; rust-libp2p reads no larger ones.
inline constexpr std::size_t k_sent_bytes_max = 4096;
/// Largest message that we read; js-libp2p sends up to 8 KiB.
inline constexpr std::size_t k_received_bytes_max = 8192;
/// Messages of one stream that are merged, sent or received; what is behind them is ignored.
inline constexpr std::size_t k_messages_max = 10;
/// What is looked at of a peer; the rest is ignored.
inline constexpr std::size_t k_protocols_max = 1024;
inline constexpr std::size_t k_addresses_max = 500;
inline constexpr std::size_t k_text_bytes_max = 256;

/// What a peer tells of itself (libp2p/specs identify/README.md, "The Identify Message"). Nothing
/// of it is proven but what matches the key of the connection; in a push, what is missing has not
/// changed.
struct Info {
  std::optional<std::string> protocol_version;  ///< printable ASCII, shortened to k_text_bytes_max
  std::optional<std::string> agent_version;     ///< printable ASCII, shortened to k_text_bytes_max
  std::optional<multiformats::PublicKey> public_key;
  std::vector<multiformats::Multiaddr> listen_addresses;
  std::optional<multiformats::Multiaddr> observed_address;  ///< where the sender sees the receiver
  std::vector<std::string> protocols;
  std::optional<Bytes> signed_peer_record;  ///< an envelope (RFC 0002), as it came

  friend bool operator==(const Info&, const Info&) = default;
};

/// One message behind its length, or several if one would be larger than k_sent_bytes_max:
/// addresses and protocols go on in the further ones, which older peers ignore. Error:
/// does_not_fit.
Result<Bytes> encode(const Info& info);

/// Error key_mismatch when `info` has another key than that of `peer`.
Result<void> check_peer(const Info& info, const multiformats::PeerId& peer);

/// Reads the messages of one stream and merges them: later values replace, addresses and protocols
/// add up without repetition. Addresses and protocols that cannot be understood are skipped.
class Reader {
 public:
  /// Takes what arrived, in pieces of any size. Errors: message_too_large, malformed_length,
  /// malformed_message.
  Result<void> feed(BytesView in);

  /// True when at least one message is complete; more may follow until the stream ends.
  bool has_message() const { return messages_ > 0; }

  /// What was told, at the end of the stream. Error: truncated, when no message was complete.
  Result<Info> finish() &&;

 private:
  Result<void> take_message(BytesView body);
  void take_address(BytesView bytes);
  void take_protocol(const std::string& protocol);

  Info info_;
  Bytes pending_;  // less than one message and its length
  std::size_t messages_ = 0;
  std::size_t addresses_seen_ = 0;
  std::size_t protocols_seen_ = 0;
};

}  // namespace vivim::libp2p::identify
