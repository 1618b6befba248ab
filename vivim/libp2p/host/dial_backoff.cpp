#include "vivim/libp2p/host/dial_backoff.hpp"

#include <algorithm>

namespace vivim::libp2p {

namespace {

// A failure counts no more when it is this many times its own back-off ago.
constexpr int k_memory = 2;
constexpr std::uint32_t k_doublings_max = 16;

}  // namespace

void DialBackoff::address_failed(const multiformats::PeerId& peer,
                                 const multiformats::Multiaddr& address, rt::TimePoint now) {
  fail({peer, address}, now);
}

void DialBackoff::peer_failed(const multiformats::PeerId& peer, rt::TimePoint now) {
  fail({peer, {}}, now);
}

void DialBackoff::succeeded(const multiformats::PeerId& peer,
                            const multiformats::Multiaddr& address) {
  entries_.erase({peer, address});
  entries_.erase({peer, {}});
}

void DialBackoff::fail(const Key& key, rt::TimePoint now) {
  if (!entries_.contains(key) && entries_.size() >= k_backoff_entries_max) {
    make_room();
  }
  Entry& entry = entries_[key];
  const auto doublings = std::min(entry.failures, k_doublings_max);
  const rt::Duration wait = std::min(times_.max, rt::Duration(times_.first.count() << doublings));
  if (entry.failures > 0 && now > entry.until + wait * k_memory) {
    entry.failures = 0;
    entry.until = now + times_.first;
  } else {
    entry.until = now + wait;
  }
  ++entry.failures;
}

void DialBackoff::make_room() {
  entries_.erase(
      std::ranges::min_element(entries_, {}, [](const auto& entry) { return entry.second.until; }));
}

std::optional<rt::TimePoint> DialBackoff::blocked_until(const multiformats::PeerId& peer,
                                                        const multiformats::Multiaddr& address,
                                                        rt::TimePoint now) const {
  const auto own = entries_.find({peer, address});
  if (own == entries_.end()) {
    return std::nullopt;
  }
  rt::TimePoint until = own->second.until;
  if (const auto whole = entries_.find({peer, {}}); whole != entries_.end()) {
    until = std::max(until, whole->second.until);
  }
  return until > now ? std::optional(until) : std::nullopt;
}

}  // namespace vivim::libp2p
