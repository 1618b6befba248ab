#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/libp2p/mdns/message.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::libp2p::mdns {

using multiformats::Multiaddr;
using multiformats::PeerId;

inline constexpr std::string_view k_service = "_p2p._udp.local";
inline constexpr std::string_view k_meta_service = "_services._dns-sd._udp.local";
inline constexpr std::uint16_t k_port = 5353;

/// Largest packet that we send: no smaller MTU is in use on a local network. Addresses beyond that
/// are left out.
inline constexpr std::size_t k_sent_bytes_max = 1400;

/// Addresses of one packet that are parsed.
inline constexpr std::size_t k_texts_max = 64;

struct Config {
  PeerId self;
  /// One label that names us on the network, from make_peer_name(): not our peer id.
  std::string peer_name;
  /// What others may keep of us.
  rt::Duration ttl = std::chrono::minutes(6);
  /// Between our first questions, and what that grows to.
  rt::Duration query_interval_min = std::chrono::seconds(1);
  rt::Duration query_interval_max = std::chrono::minutes(5);
  /// Peers that are kept; of one sender; addresses of each.
  std::size_t peers_max = 256;
  std::size_t peers_per_source_max = 16;
  std::size_t addresses_max = 16;
  /// Packets that are looked at, per second, and at once after silence.
  std::uint32_t packets_per_second_max = 50;
  std::uint32_t packets_burst_max = 100;
  /// Randomness of delays; need not be secret.
  std::uint64_t seed = 0;
};

/// A random name of 40 characters (libp2p/specs discovery/mdns.md wants at least 32).
std::string make_peer_name(rt::Rng& rng);

/// What was learned.
struct Event {
  enum class Kind : std::uint8_t {
    discovered,  ///< a peer, or new addresses of one
    expired,     ///< it said goodbye, or was not heard of any more
  };
  Kind kind = Kind::discovered;
  PeerId peer;
  std::vector<Multiaddr> addresses;  ///< all that are known; without /p2p
  rt::IpAddress source;              ///< who said so
};

/// What was not taken.
struct Refusals {
  std::uint64_t malformed = 0;
  std::uint64_t throttled = 0;  ///< above the rate
  std::uint64_t addresses = 0;  ///< not of this network, or too many
  std::uint64_t peers = 0;      ///< too many, of all or of one sender
};

/// Finding peers on the local network (libp2p/specs discovery/mdns.md; RFC 6762). Sans-IO: packets
/// in and out, events, and a clock. Nothing that is heard is proven: an address is a hint until a
/// connection to it is secured.
class Discovery {
 public:
  Discovery(Config config, rt::TimePoint now);

  /// Where we can be dialled, best first; announced are those of this network. `interfaces` are our
  /// own addresses: only what they send may speak of loopback addresses.
  void set_addresses(const std::vector<Multiaddr>& addresses,
                     std::vector<rt::IpAddress> interfaces);

  /// A packet from `source`. Errors of decode(), for the log; they are counted.
  Result<void> receive(BytesView packet, const rt::IpAddress& source, rt::TimePoint now);

  /// A packet to send to the group now, if any.
  std::optional<Bytes> poll_transmit();
  std::optional<Event> poll_event();
  rt::TimePoint next_deadline() const;
  void on_deadline(rt::TimePoint now);
  /// Announces that we leave.
  void leave();

  const Refusals& refusals() const { return refusals_; }
  std::size_t peers() const { return peers_.size(); }

 private:
  struct Peer {
    std::vector<Multiaddr> addresses;
    rt::IpAddress source;
    rt::TimePoint expires;
  };

  bool admit(rt::TimePoint now);
  void take_questions(const Message& message, rt::TimePoint now);
  void take_records(const Message& message, const rt::IpAddress& source, rt::TimePoint now);
  void take_instance(const Record& pointer, std::vector<Multiaddr> told,
                     const rt::IpAddress& source, rt::TimePoint now);
  std::vector<Multiaddr> usable(const Message& message, const std::string& target,
                                const rt::IpAddress& source, std::size_t& texts_left);
  bool is_near(const Multiaddr& address, const rt::IpAddress& source) const;
  void learn(const PeerId& peer, std::vector<Multiaddr> addresses, std::uint32_t ttl,
             const rt::IpAddress& source, rt::TimePoint now);
  void forget(const PeerId& peer);
  Peer* make_room(const PeerId& peer, const rt::IpAddress& source);
  void schedule_answer(rt::TimePoint now);
  Announcement announcement(rt::Duration ttl) const;
  rt::Duration jitter(rt::Duration most);

  Config config_;
  std::vector<std::string> texts_;
  std::uint16_t port_ = 4001;
  std::array<std::uint8_t, 4> ip_{};
  std::vector<rt::IpAddress> interfaces_;
  std::map<PeerId, Peer> peers_;
  std::deque<Bytes> transmit_;
  std::deque<Event> events_;
  std::optional<rt::TimePoint> answer_at_;
  std::optional<rt::TimePoint> meta_answer_at_;
  rt::TimePoint answered_at_{};
  rt::TimePoint query_at_;
  rt::Duration query_interval_;
  double tokens_;
  rt::TimePoint tokens_at_;
  Refusals refusals_;
};

}  // namespace vivim::libp2p::mdns
