#include "vivim/libp2p/kad/tally.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <tuple>

#include "vivim/libp2p/kad/providers.hpp"
#include "vivim/libp2p/record/peer_record.hpp"

namespace vivim::libp2p::kad {

bool ValueTally::add(const PeerId& peer, const std::optional<Record>& record, rt::WallMs wall) {
  if (!record) {
    others_.insert(peer);
    return true;
  }
  const bool same = best_ && *best_ == record->value;
  if (record->key != key_ || (!same && !validators_.validate(key_, record->value, wall))) {
    others_.insert(peer);
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

bool PeerTally::add(const PeerInfo& info, multiformats::AddressScope scope, std::uint8_t path) {
  const bool first = !is_known();
  const auto told = within(info.contact.addresses, scope);
  const auto merge = [this](std::span<const Multiaddr> more) {
    const std::array<std::span<const Multiaddr>, 2> both{contact_.addresses, more};
    contact_.addresses = in_turn(both);
  };
  auto own = record::accept_peer_record(info.signed_record, contact_.peer, {});
  if (own) {
    own->addresses = within(own->addresses, scope);
  }
  if (own && !own->addresses.empty() && (!record_ || own->sequence > record_->sequence)) {
    record_ = Own{.sequence = own->sequence, .path = path};
    contact_.addresses.clear();
    merge(own->addresses);
  } else if (own && record_ && own->sequence == record_->sequence) {
    record_->confirmed = record_->confirmed || path != record_->path;
  } else if (!record_) {
    merge(told);
  }
  return first && is_known();
}

/// Whether the record of its own that was told with it is a later one than is known; then it
/// counts. Error: it does not hold.
Result<bool> ProviderTally::take_record(Entry& entry, const Bytes& envelope,
                                        multiformats::AddressScope scope, rt::WallMs wall) {
  if (envelope.empty() || envelope == entry.record) {
    return false;
  }
  VIVIM_TRY(auto record, open_provider(envelope, entry.found.contact.peer, key_, wall));
  if (record.expires_ms <= entry.expires_ms) {
    return false;
  }
  entry.record = envelope;
  entry.expires_ms = record.expires_ms;
  entry.found.is_signed = true;
  if (auto addresses = within(record.addresses, scope); !addresses.empty()) {
    entry.found.contact.addresses = std::move(addresses);
  }
  return true;
}

std::vector<FoundProvider> ProviderTally::add(const std::vector<PeerInfo>& providers,
                                              multiformats::AddressScope scope, rt::WallMs wall) {
  std::vector<FoundProvider> fresh;
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
    const bool is_new = known == providers_.end();
    Entry made{.found = {.contact = {.peer = peer, .addresses = {}}, .told_by = 0}};
    Entry& entry = is_new ? made : known->second;
    const auto later = take_record(entry, info.provider_record, scope, wall);
    if (!later || (is_new && providers_.size() >= limits_.providers_max)) {
      continue;
    }
    FoundProvider& found = entry.found;
    ++found.told_by;
    if (!found.is_signed || found.contact.addresses.empty()) {
      const auto told = within(info.contact.addresses, scope);
      const std::array<std::span<const Multiaddr>, 2> both{found.contact.addresses, told};
      found.contact.addresses = in_turn(both);
    }
    if (is_new || *later) {
      fresh.push_back(found);
    }
    if (is_new) {
      providers_.emplace(peer, std::move(made));
    }
  }
  return fresh;
}

std::vector<FoundProvider> ProviderTally::providers() const {
  std::vector<FoundProvider> all;
  for (const auto& [peer, entry] : providers_) {
    all.push_back(entry.found);
  }
  std::ranges::sort(all, std::greater(), [](const FoundProvider& provider) {
    return std::tuple(provider.is_signed, provider.told_by, provider.contact.peer);
  });
  return all;
}

}  // namespace vivim::libp2p::kad
