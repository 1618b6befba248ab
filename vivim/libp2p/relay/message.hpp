#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/relay/error.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::relay {

using multiformats::Multiaddr;
using multiformats::PeerId;

/// Between a peer and a relay: reserving, and asking for a circuit (libp2p/specs
/// relay/circuit-v2.md).
inline constexpr std::string_view k_hop_protocol_id = "/libp2p/circuit/relay/0.2.0/hop";
/// Between a relay and the peer that a circuit leads to.
inline constexpr std::string_view k_stop_protocol_id = "/libp2p/circuit/relay/0.2.0/stop";

/// Largest message, without its length.
inline constexpr std::size_t k_message_bytes_max = 4096;
/// Addresses of one message that are looked at.
inline constexpr std::size_t k_addresses_max = 64;

/// The outcome of a request. Other numbers can arrive: they are refusals too.
enum class Status : std::uint32_t {
  ok = 100,
  reservation_refused = 200,
  resource_limit_exceeded = 201,
  permission_denied = 202,
  connection_failed = 203,
  no_reservation = 204,
  malformed_message = 400,
  unexpected_message = 401,
};
/// "resource_limit_exceeded", ...; "unknown" for numbers without a name.
std::string_view to_string(Status status);

/// What a relay lets pass through a circuit; absent or 0: without limit.
struct Limit {
  std::uint32_t seconds = 0;
  std::uint64_t bytes = 0;  ///< in each direction

  friend bool operator==(const Limit&, const Limit&) = default;
};

/// What a relay promises to a peer.
struct Reservation {
  std::uint64_t expire_unix_s = 0;
  std::vector<Multiaddr> addresses;  ///< of the relay, ending in /p2p/<relay>, without /p2p-circuit
  Bytes voucher;                     ///< a sealed Voucher; may be empty

  friend bool operator==(const Reservation&, const Reservation&) = default;
};

struct HopMessage {
  enum class Type : std::uint32_t { reserve = 0, connect = 1, status = 2 };
  Type type = Type::status;
  std::optional<PeerId> peer;  ///< of connect: whom to reach
  std::optional<Reservation> reservation;
  std::optional<Limit> limit;
  std::optional<Status> status;

  friend bool operator==(const HopMessage&, const HopMessage&) = default;
};

struct StopMessage {
  enum class Type : std::uint32_t { connect = 0, status = 1 };
  Type type = Type::status;
  std::optional<PeerId> peer;  ///< of connect: who comes
  std::optional<Limit> limit;
  std::optional<Status> status;

  friend bool operator==(const StopMessage&, const StopMessage&) = default;
};

/// The message's bytes, without the length in front. Addresses of a reservation that do not fit
/// k_message_bytes_max are left out.
Bytes encode(const HopMessage& message);
Bytes encode(const StopMessage& message);

/// Error: malformed; also when a connect names no peer, a status has none, or the type is missing
/// or unknown. Addresses that cannot be understood are skipped.
Result<HopMessage> decode_hop(BytesView bytes);
Result<StopMessage> decode_stop(BytesView bytes);

/// A status message and nothing more.
HopMessage hop_status(Status status);
StopMessage stop_status(Status status);

}  // namespace vivim::libp2p::relay
