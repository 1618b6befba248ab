#include "vivim/node/relay_choice.hpp"

#include <algorithm>

namespace vivim::node {

using libp2p::autonat::AddressReachability;
using libp2p::autonat::Reachability;

Reachability overall(const std::vector<AddressReachability>& addresses) {
  const auto any = [&](Reachability wanted) {
    return std::ranges::find(addresses, wanted, &AddressReachability::reachability) !=
           addresses.end();
  };
  return any(Reachability::public_)    ? Reachability::public_
         : any(Reachability::private_) ? Reachability::private_
                                       : Reachability::unknown;
}

bool RelayChoice::is_configured(const PeerId& peer) const {
  return std::ranges::any_of(configured_,
                             [&](const Multiaddr& each) { return each.peer() == peer; });
}

std::vector<multiformats::Multiaddr> RelayChoice::update(
    Reachability reachability, const std::vector<Multiaddr>& candidates,
    const std::function<bool(const PeerId&)>& reserved, rt::TimePoint now) {
  if (reachability == Reachability::public_) {
    found_.clear();
    doubted_since_ = now;
    return {};
  }
  give_up_failed(reserved, now);
  const auto held = static_cast<std::size_t>(std::ranges::count_if(
      configured_, [&](const Multiaddr& each) { return reserved(*each.peer()); }));
  const bool private_enough =
      reachability == Reachability::private_ || now - doubted_since_ >= times_.unknown_max;
  if (private_enough && held < k_found_relays_max) {
    find_more(candidates, k_found_relays_max - held, now);
  }
  auto wanted = configured_;
  for (const auto& [peer, found] : found_) {
    wanted.push_back(found.address);
  }
  return wanted;
}

/// Those that gave no reservation in time, or lost it for long.
void RelayChoice::give_up_failed(const std::function<bool(const PeerId&)>& reserved,
                                 rt::TimePoint now) {
  std::erase_if(failed_, [&](const auto& each) { return each.second <= now; });
  for (auto& [peer, found] : found_) {
    if (reserved(peer)) {
      found.since = now;
    } else if (now - found.since >= times_.reserve_max && failed_.size() < k_failed_relays_max) {
      failed_[peer] = now + times_.pause;
    }
  }
  std::erase_if(found_, [&](const auto& each) { return failed_.contains(each.first); });
}

void RelayChoice::find_more(const std::vector<Multiaddr>& candidates, std::size_t wanted,
                            rt::TimePoint now) {
  for (const Multiaddr& candidate : candidates) {
    const auto peer = candidate.peer();
    if (found_.size() >= wanted) {
      return;
    }
    if (peer && !is_configured(*peer) && !failed_.contains(*peer)) {
      found_.try_emplace(*peer, Found{.address = candidate, .since = now});
    }
  }
}

}  // namespace vivim::node
