#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "vivim/libp2p/record/envelope.hpp"
#include "vivim/libp2p/relay/message.hpp"

namespace vivim::libp2p::relay {

inline constexpr std::string_view k_voucher_domain = "libp2p-relay-rsvp";
inline constexpr std::array<std::uint8_t, 2> k_voucher_type{0x03, 0x02};

/// A relay's signed word that it holds a reservation for a peer (libp2p/specs relay/circuit-v2.md,
/// "Reservation Vouchers").
struct Voucher {
  PeerId relay;
  PeerId peer;
  std::uint64_t expire_unix_s = 0;

  friend bool operator==(const Voucher&, const Voucher&) = default;
};

/// Signed by the relay.
Bytes seal_voucher(const record::Signer& relay, const PeerId& peer, std::uint64_t expire_unix_s);

/// Errors: those of record::open(), malformed, and bad_voucher when the relay that it names did not
/// sign it.
Result<Voucher> open_voucher(BytesView envelope);

}  // namespace vivim::libp2p::relay
