#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/peerstore/error.hpp"
#include "vivim/multiformats/keys.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::peerstore {

using multiformats::Multiaddr;
using multiformats::PeerId;

/// Wall-clock time since 1970: what is remembered survives restarts.
using Time = std::chrono::milliseconds;

/// What a peer store holds. At most about peers_max times what one peer may have, 30 KiB.
struct Limits {
  std::size_t peers_max = 2048;
  std::size_t addresses_max = 16384;  ///< of all peers together
  std::size_t addresses_per_peer_max = 32;
  std::size_t protocols_per_peer_max = 128;
  std::size_t metadata_per_peer_max = 16;
};

/// Longest protocol name, agent, and name of a metadatum.
inline constexpr std::size_t k_name_bytes_max = 256;
inline constexpr std::size_t k_metadatum_bytes_max = 1024;
inline constexpr std::size_t k_envelope_bytes_max = 8192;

/// How long addresses are believed.
inline constexpr Time k_ttl_connected = std::chrono::hours(24 * 7);  ///< a connection worked
inline constexpr Time k_ttl_told = std::chrono::hours(1);            ///< somebody said so
inline constexpr Time k_ttl_permanent = Time::max();                 ///< configured by a person

/// Who told an address. A later source of an address replaces an earlier one of lower value.
enum class Source : std::uint8_t {
  rumour = 0,      ///< another peer, a directory
  discovered = 1,  ///< mDNS, rendezvous
  identify = 2,    ///< the peer itself
  record = 3,      ///< the peer itself, signed
  dialled = 4,     ///< it worked
  configured = 5,  ///< a person
};

/// "identify", ...
std::string_view to_string(Source source);

struct Address {
  Multiaddr address;  ///< without /p2p/<id> of the peer itself
  Time expires{};
  Source source = Source::rumour;
  bool certified = false;  ///< in the peer's signed record

  friend bool operator==(const Address&, const Address&) = default;
};

/// What is remembered of one peer.
struct Entry {
  std::map<Multiaddr, Address> addresses;
  std::vector<std::string> protocols;
  std::string agent;
  std::optional<multiformats::PublicKey> key;
  std::map<std::string, Bytes> metadata;
  Bytes envelope;              ///< the signed record, as it came; empty: none
  std::uint64_t sequence = 0;  ///< of the record
  Time used{};                 ///< last time that something of it was set or asked for

  friend bool operator==(const Entry&, const Entry&) = default;
};

/// What a node knows of other peers: addresses with how long they are believed and who told them,
/// protocols, keys, metadata. Sans-IO and bounded: of one peer the addresses that expire first make
/// room, of all peers those whose addresses have all expired, then the least recently used. Its
/// content can be written to a snapshot and read from one.
class PeerStore {
 public:
  explicit PeerStore(Limits limits = {}) : limits_(limits) {}

  /// Remembers an address until `now + ttl`; an address that is known already is believed for the
  /// longer of both times.
  void add_address(const PeerId& peer, const Multiaddr& address, Source source, Time ttl, Time now);
  /// Remembers what a signed record says: its addresses replace the certified ones. The caller has
  /// checked the signature. Errors: too_large, not_newer.
  Result<void> set_record(const PeerId& peer, std::uint64_t sequence,
                          const std::vector<Multiaddr>& addresses, Bytes envelope, Time ttl,
                          Time now);
  /// Forgets an address, e.g. one that turned out to be another peer's.
  void remove_address(const PeerId& peer, const Multiaddr& address);
  /// The addresses that are still believed, most trusted source first.
  std::vector<Address> addresses(const PeerId& peer, Time now);

  /// Replaces the protocols; what exceeds the limits is left out.
  void set_protocols(const PeerId& peer, std::vector<std::string> protocols, Time now);
  void set_agent(const PeerId& peer, std::string agent, Time now);
  void set_key(const PeerId& peer, const multiformats::PublicKey& key, Time now);
  /// Errors: too_large.
  Result<void> set_metadatum(const PeerId& peer, const std::string& name, Bytes value, Time now);

  /// What is remembered of a peer, expired addresses included; null when nothing is.
  const Entry* find(const PeerId& peer) const;
  /// The same, and it counts as used now.
  const Entry* use(const PeerId& peer, Time now);
  /// The addresses of an entry that are still believed, most trusted source first.
  static std::vector<Address> believed_addresses(const Entry& entry, Time now);
  const std::map<PeerId, Entry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }
  std::size_t addresses() const { return address_count_; }
  void forget(const PeerId& peer);

  /// Drops addresses that have expired, and peers of whom nothing else is known.
  void expire(Time now);

  /// Everything, as bytes: see docs in README.md.
  Bytes encode() const;
  /// Reads a snapshot; what has expired or exceeds `limits` is left out. Errors: bad_snapshot,
  /// unknown_version.
  static Result<PeerStore> decode(BytesView bytes, Limits limits, Time now);

 private:
  Entry& entry(const PeerId& peer, Time now);
  void evict_address(Entry& entry);
  void evict_peer(Time now, const PeerId* keep);
  void adopt(const PeerId& peer, Entry read, Time now);
  void make_room_for_address(const PeerId& peer, Entry& entry, Time now);

  Limits limits_;
  std::map<PeerId, Entry> entries_;
  std::size_t address_count_ = 0;
};

}  // namespace vivim::libp2p::peerstore
