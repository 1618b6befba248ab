#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "vivim/libp2p/rendezvous/message.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::rendezvous {

using multiformats::PeerId;

struct RegistryLimits {
  std::chrono::seconds ttl_default = std::chrono::hours(2);
  std::chrono::seconds ttl_max = std::chrono::hours(72);
  std::size_t registrations_per_peer_max = 100;
  std::size_t registrations_max = 20'000;
  std::size_t record_bytes_max = std::size_t{32} << 20;  ///< of all registrations
  std::size_t answers_max = 1000;                        ///< registrations in one answer
  std::size_t answer_bytes_max = std::size_t{512} << 10;
};

/// What a rendezvous point knows (libp2p/specs rendezvous/README.md): who is where, for how long,
/// and what a client has seen. Sans-IO.
class Registry {
 public:
  /// `nonce`: random; cookies of another registry are not taken.
  Registry(RegistryLimits limits, std::uint64_t nonce) : limits_(limits), nonce_(nonce) {}

  /// A peer registers itself: in place of an earlier registration in the namespace.
  RegisterResponse add(const PeerId& sender, const Register& request, rt::TimePoint now);
  /// Has no answer: not being there is as good.
  void remove(const PeerId& sender, const Unregister& request);
  /// What there is, or is new since the cookie, oldest first.
  DiscoverResponse discover(const Discover& request, rt::TimePoint now);

  /// Forgets what is over; the others do so too.
  void expire(rt::TimePoint now);
  std::size_t registrations() const { return entries_.size(); }

 private:
  using Sequence = std::uint64_t;
  struct Entry {
    PeerId peer;
    std::string ns;
    Bytes record;
    rt::TimePoint expires;
  };

  bool has_room(const PeerId& sender, const Register& request) const;
  void erase(Sequence sequence);
  Bytes cookie_of(Sequence sequence, const std::optional<std::string>& ns) const;
  std::optional<Sequence> since(const Discover& request) const;

  RegistryLimits limits_;
  std::uint64_t nonce_;
  Sequence next_ = 1;
  std::map<Sequence, Entry> entries_;
  std::map<std::string, std::map<Sequence, Entry*>> by_namespace_;
  std::map<PeerId, std::map<std::string, Sequence>> by_peer_;
  std::map<std::pair<rt::TimePoint, Sequence>, Sequence> by_expiry_;
  std::size_t record_bytes_ = 0;
};

}  // namespace vivim::libp2p::rendezvous
