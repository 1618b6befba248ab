#include "vivim/libp2p/limits/half_open.hpp"

#include <algorithm>

namespace vivim::libp2p::limits {

namespace {

constexpr std::size_t k_group_bytes_v6 = 7;

Bytes origin_of(const multiformats::Multiaddr& from) {
  if (const auto v4 = from.find(multiformats::Protocol::ip4)) {
    return to_bytes(v4->value);
  }
  if (const auto v6 = from.find(multiformats::Protocol::ip6)) {
    return to_bytes(v6->value.first(k_group_bytes_v6));
  }
  return from.bytes();
}

}  // namespace

HalfOpen::Id HalfOpen::begin(const multiformats::Multiaddr& from, Time now) {
  auto origin = origin_of(from);
  ++by_origin_[origin];
  all_.emplace_hint(all_.end(), next_, Handshake{.origin = std::move(origin), .began = now});
  return next_++;
}

void HalfOpen::end(Id id) {
  const auto found = all_.find(id);
  if (found == all_.end()) {
    return;
  }
  const auto count = by_origin_.find(found->second.origin);
  if (--count->second == 0) {
    by_origin_.erase(count);
  }
  all_.erase(found);
}

std::optional<HalfOpen::Id> HalfOpen::to_make_room(const multiformats::Multiaddr& from,
                                                   Time now) const {
  if (all_.empty()) {
    return std::nullopt;
  }
  const auto own = by_origin_.find(origin_of(from));
  const std::size_t own_count = own == by_origin_.end() ? 0 : own->second;
  const auto most =
      std::ranges::max_element(by_origin_, {}, [](const auto& entry) { return entry.second; });
  if (most->second >= own_count + 2) {
    return std::ranges::find(all_, most->first,
                             [](const auto& entry) { return entry.second.origin; })
        ->first;
  }
  const auto& [oldest, handshake] = *all_.begin();
  return now - handshake.began > Time(k_handshake_grace) ? std::optional(oldest) : std::nullopt;
}

}  // namespace vivim::libp2p::limits
