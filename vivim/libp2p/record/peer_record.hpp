#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "vivim/libp2p/record/envelope.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::record {

/// As deployed everywhere; the domain and type that RFC/0003 names are in use nowhere by default.
inline constexpr std::string_view k_peer_record_domain = "libp2p-peer-record";
inline constexpr std::array<std::uint8_t, 2> k_peer_record_type{0x03, 0x01};

/// Most addresses of a record that is read.
inline constexpr std::size_t k_record_addresses_max = 256;
/// Largest envelope that we seal: with key, agent and versions it fits one identify message.
/// Addresses beyond that are left out.
inline constexpr std::size_t k_sealed_bytes_max = 3072;

/// Where a peer can be reached, by its own word (libp2p/specs RFC/0003). A later sequence number
/// replaces an earlier one.
struct PeerRecord {
  multiformats::PeerId peer;
  std::uint64_t sequence = 0;
  std::vector<multiformats::Multiaddr> addresses;

  friend bool operator==(const PeerRecord&, const PeerRecord&) = default;
};

/// The payload of an envelope.
Bytes encode(const PeerRecord& record);
/// Reads the payload of an envelope; addresses that cannot be understood are skipped. Errors:
/// malformed, too_many_addresses.
Result<PeerRecord> decode_peer_record(BytesView payload);

/// Seals where `signer` is reachable; the last addresses are left out if the envelope would grow
/// beyond k_sealed_bytes_max.
Bytes seal_peer_record(const Signer& signer, std::uint64_t sequence,
                       std::vector<multiformats::Multiaddr> addresses);

/// Opens an envelope with the record of its signer. Errors: those of open() and
/// decode_peer_record(), wrong_signer.
Result<PeerRecord> open_peer_record(BytesView envelope);

/// Opens the record that `peer` sends of itself, when `known` is the sequence number of the last
/// one that was accepted. Errors: those of open_peer_record(), wrong_peer, not_newer.
Result<PeerRecord> accept_peer_record(BytesView envelope, const multiformats::PeerId& peer,
                                      std::optional<std::uint64_t> known);

/// Our own record: sealed anew when our addresses change, with a sequence number that grows over
/// restarts, because it follows the wall clock.
class OwnRecord {
 public:
  explicit OwnRecord(Signer signer) : signer_(std::move(signer)) {}

  /// Tells our addresses, without /p2p/<our id>, the best first, and the wall clock in milliseconds
  /// since 1970. True when that made a new envelope.
  bool update(std::vector<multiformats::Multiaddr> addresses, std::int64_t wall_ms);

  /// The current envelope; empty before the first update().
  const Bytes& envelope() const { return envelope_; }
  std::uint64_t sequence() const { return sequence_; }

 private:
  Signer signer_;
  std::vector<multiformats::Multiaddr> addresses_;
  Bytes envelope_;
  std::uint64_t sequence_ = 0;
};

}  // namespace vivim::libp2p::record
