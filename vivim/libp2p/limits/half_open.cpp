#include "vivim/libp2p/limits/half_open.hpp"

#include <algorithm>

#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p::limits {

namespace {

Bytes origin_of(const multiformats::Multiaddr& from) {
  return multiformats::ip_group(from).value_or(from.bytes());
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
