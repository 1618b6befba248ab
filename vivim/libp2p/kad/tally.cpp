#include "vivim/libp2p/kad/tally.hpp"

#include <algorithm>
#include <tuple>

#include "vivim/libp2p/kad/providers.hpp"

namespace vivim::libp2p::kad {

bool ValueTally::add(const PeerId& peer, const std::optional<Record>& record, rt::WallMs wall) {
  if (!record) {
    others_.insert(peer);
    return true;
  }
  const bool same = best_ && *best_ == record->value;
  if (record->key != key_ || (!same && !validators_.validate(key_, record->value, wall))) {
    others_.insert(peer);
    ++invalid_;
    return false;
  }
  if (same) {
    holders_.insert(peer);
    return true;
  }
  disagree_ = disagree_ || best_.has_value();
  if (best_ && !validators_.better(key_, record->value, *best_)) {
    others_.insert(peer);
    return true;
  }
  others_.merge(holders_);
  holders_ = {peer};
  best_ = record->value;
  return true;
}

std::vector<PeerId> ValueTally::outdated() const {
  return {others_.begin(), others_.end()};
}

std::vector<FoundProvider> ProviderTally::add(const std::vector<PeerInfo>& providers,
                                              rt::WallMs wall) {
  std::vector<FoundProvider> fresh;
  nodes_ += providers.empty() ? 0 : 1;
  std::set<PeerId> of_this_node;
  for (const PeerInfo& info : providers) {
    const PeerId& peer = info.contact.peer;
    if (of_this_node.size() >= limits_.per_node_max) {
      break;
    }
    if (!of_this_node.insert(peer).second) {
      continue;
    }
    const auto known = providers_.find(peer);
    if (known != providers_.end()) {
      ++known->second.told_by;
      if (known->second.contact.addresses.empty()) {
        known->second.contact.addresses = info.contact.addresses;
      }
      continue;
    }
    FoundProvider found{.contact = info.contact};
    if (!info.provider_record.empty()) {
      const auto addresses = open_provider(info.provider_record, peer, key_, wall);
      if (!addresses) {
        continue;
      }
      found.is_signed = true;
      if (!addresses->empty()) {
        found.contact.addresses = *addresses;
      }
    }
    if (providers_.size() < limits_.providers_max) {
      providers_.emplace(peer, found);
      fresh.push_back(std::move(found));
    }
  }
  return fresh;
}

std::vector<FoundProvider> ProviderTally::providers() const {
  std::vector<FoundProvider> all;
  for (const auto& [peer, provider] : providers_) {
    all.push_back(provider);
  }
  std::ranges::sort(all, std::greater(), [](const FoundProvider& provider) {
    return std::tuple(provider.is_signed, provider.told_by, provider.contact.peer);
  });
  return all;
}

}  // namespace vivim::libp2p::kad
