#include "vivim/libp2p/peerstore/peer_store.hpp"

#include <algorithm>
#include <tuple>

namespace vivim::libp2p::peerstore {

namespace {

Time deadline(Time now, Time ttl) {
  return ttl > Time::max() - now ? Time::max() : now + ttl;
}

bool believed(const Address& address, Time now) {
  return address.expires > now;
}

/// Whether a peer is worth nothing any more: no address that is believed.
bool is_stale(const Entry& entry, Time now) {
  return std::ranges::none_of(entry.addresses,
                              [now](const auto& each) { return believed(each.second, now); });
}

bool is_empty(const Entry& entry) {
  return entry.addresses.empty() && entry.metadata.empty() && entry.envelope.empty();
}

}  // namespace

std::string_view to_string(Source source) {
  switch (source) {
    case Source::rumour:
      return "rumour";
    case Source::discovered:
      return "discovered";
    case Source::identify:
      return "identify";
    case Source::record:
      return "record";
    case Source::dialled:
      return "dialled";
    case Source::configured:
      return "configured";
  }
  return "unknown";
}

void PeerStore::add_address(const PeerId& peer, const Multiaddr& address, Source source, Time ttl,
                            Time now) {
  const Multiaddr place = address.without_peer();
  if (place.empty() || ttl <= Time::zero()) {
    return;
  }
  Entry& known = entry(peer, now);
  const auto [at, added] = known.addresses.try_emplace(place);
  Address& each = at->second;
  each.expires = std::max(each.expires, deadline(now, ttl));
  each.source = std::max(each.source, source);
  if (added) {
    each.address = place;
    ++address_count_;
    make_room_for_address(peer, known, now);
  }
}

Result<void> PeerStore::set_record(const PeerId& peer, std::uint64_t sequence,
                                   const std::vector<Multiaddr>& addresses, Bytes envelope,
                                   Time ttl, Time now) {
  if (envelope.size() > k_envelope_bytes_max) {
    return fail(PeerStoreError::too_large, k_envelope_bytes_max);
  }
  Entry& known = entry(peer, now);
  if (!known.envelope.empty() && sequence <= known.sequence) {
    return fail(PeerStoreError::not_newer);
  }
  known.sequence = sequence;
  known.envelope = std::move(envelope);
  address_count_ -= std::erase_if(known.addresses, [](const auto& each) {
    return each.second.certified && each.second.source == Source::record;
  });
  for (auto& [place, each] : known.addresses) {
    each.certified = false;
  }
  for (const Multiaddr& address : addresses) {
    add_address(peer, address, Source::record, ttl, now);
    if (const auto found = known.addresses.find(address.without_peer());
        found != known.addresses.end()) {
      found->second.certified = true;
    }
  }
  return {};
}

void PeerStore::remove_address(const PeerId& peer, const Multiaddr& address) {
  if (const auto found = entries_.find(peer); found != entries_.end()) {
    address_count_ -= found->second.addresses.erase(address.without_peer());
  }
}

const Entry* PeerStore::use(const PeerId& peer, Time now) {
  const auto found = entries_.find(peer);
  if (found == entries_.end()) {
    return nullptr;
  }
  found->second.used = now;
  return &found->second;
}

std::vector<Address> PeerStore::addresses(const PeerId& peer, Time now) {
  const Entry* const entry = use(peer, now);
  return entry == nullptr ? std::vector<Address>() : believed_addresses(*entry, now);
}

std::vector<Address> PeerStore::believed_addresses(const Entry& entry, Time now) {
  std::vector<Address> current;
  for (const auto& [place, each] : entry.addresses) {
    if (believed(each, now)) {
      current.push_back(each);
    }
  }
  std::ranges::sort(current, [](const Address& a, const Address& b) {
    return std::tie(b.source, a.address) < std::tie(a.source, b.address);
  });
  return current;
}

void PeerStore::set_protocols(const PeerId& peer, std::vector<std::string> protocols, Time now) {
  std::erase_if(protocols, [](const auto& name) { return name.size() > k_name_bytes_max; });
  if (protocols.size() > limits_.protocols_per_peer_max) {
    protocols.resize(limits_.protocols_per_peer_max);
  }
  entry(peer, now).protocols = std::move(protocols);
}

void PeerStore::set_agent(const PeerId& peer, std::string agent, Time now) {
  agent.resize(std::min(agent.size(), k_name_bytes_max));
  entry(peer, now).agent = std::move(agent);
}

void PeerStore::set_key(const PeerId& peer, const multiformats::PublicKey& key, Time now) {
  entry(peer, now).key = key;
}

Result<void> PeerStore::set_metadatum(const PeerId& peer, const std::string& name, Bytes value,
                                      Time now) {
  if (name.size() > k_name_bytes_max) {
    return fail(PeerStoreError::too_large, k_name_bytes_max);
  }
  if (value.size() > k_metadatum_bytes_max) {
    return fail(PeerStoreError::too_large, k_metadatum_bytes_max);
  }
  auto& metadata = entry(peer, now).metadata;
  if (!metadata.contains(name) && metadata.size() >= limits_.metadata_per_peer_max) {
    return fail(PeerStoreError::too_large, limits_.metadata_per_peer_max);
  }
  metadata[name] = std::move(value);
  return {};
}

const Entry* PeerStore::find(const PeerId& peer) const {
  const auto found = entries_.find(peer);
  return found == entries_.end() ? nullptr : &found->second;
}

void PeerStore::forget(const PeerId& peer) {
  if (const auto found = entries_.find(peer); found != entries_.end()) {
    address_count_ -= found->second.addresses.size();
    entries_.erase(found);
  }
}

void PeerStore::expire(Time now) {
  for (auto at = entries_.begin(); at != entries_.end();) {
    address_count_ -= std::erase_if(
        at->second.addresses, [now](const auto& each) { return !believed(each.second, now); });
    at = is_empty(at->second) ? entries_.erase(at) : std::next(at);
  }
}

Entry& PeerStore::entry(const PeerId& peer, Time now) {
  if (!entries_.contains(peer) && entries_.size() >= limits_.peers_max) {
    evict_peer(now, nullptr);
  }
  Entry& found = entries_[peer];
  found.used = now;
  return found;
}

void PeerStore::make_room_for_address(const PeerId& peer, Entry& known, Time now) {
  if (known.addresses.size() > limits_.addresses_per_peer_max) {
    evict_address(known);
  }
  while (address_count_ > limits_.addresses_max && entries_.size() > 1) {
    evict_peer(now, &peer);
  }
}

void PeerStore::evict_address(Entry& known) {
  known.addresses.erase(std::ranges::min_element(known.addresses, {}, [](const auto& each) {
    return std::pair(each.second.source == Source::configured, each.second.expires);
  }));
  --address_count_;
}

void PeerStore::evict_peer(Time now, const PeerId* keep) {
  const auto rank = [&](const auto& each) {
    const bool kept = keep != nullptr && each.first == *keep;
    return std::tuple(kept, !is_stale(each.second, now), each.second.used);
  };
  const auto victim = std::ranges::min_element(entries_, {}, rank);
  address_count_ -= victim->second.addresses.size();
  entries_.erase(victim);
}

}  // namespace vivim::libp2p::peerstore
