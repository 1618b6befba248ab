#include "vivim/libp2p/kad/providers.hpp"

#include <algorithm>
#include <array>

#include <kad.pb.h>

namespace vivim::libp2p::kad {

namespace {

/// Looking through everything is not for every request.
constexpr rt::Duration k_tidy_providers_interval = std::chrono::minutes(1);

constexpr std::string_view k_provider_domain = "vivim-provider-record";
constexpr std::array<std::uint8_t, 2> k_provider_payload_type{0x03, 0x10};

}  // namespace

Bytes seal_provider(const record::Signer& signer, BytesView key, rt::WallMs expires_ms,
                    const std::vector<Multiaddr>& addresses) {
  pb::kad::ProviderRecord proto;
  proto.set_key(std::string(as_text(key)));
  proto.set_expires_ms(static_cast<std::uint64_t>(std::max<rt::WallMs>(expires_ms, 0)));
  for (std::size_t i = 0; i < std::min(addresses.size(), k_contact_addresses_max); ++i) {
    proto.add_addresses(std::string(as_text(addresses[i].bytes())));
  }
  Bytes sealed = record::seal(signer, k_provider_domain, k_provider_payload_type,
                              as_bytes(proto.SerializeAsString()));
  while (sealed.size() > k_peer_record_bytes_max && proto.addresses_size() > 0) {
    proto.mutable_addresses()->RemoveLast();
    sealed = record::seal(signer, k_provider_domain, k_provider_payload_type,
                          as_bytes(proto.SerializeAsString()));
  }
  return sealed;
}

Result<ProviderRecord> open_provider(BytesView envelope, const PeerId& provider, BytesView key,
                                     rt::WallMs wall) {
  const auto read = record::decode_envelope(envelope);
  pb::kad::ProviderRecord proto;
  if (!read || PeerId::of(read->signer) != provider ||
      !proto.ParseFromArray(read->payload.data(), static_cast<int>(read->payload.size())) ||
      !same_bytes(as_bytes(proto.key()), key)) {
    return fail(KadError::bad_provider);
  }
  constexpr auto k_life_ms =
      static_cast<std::uint64_t>(std::chrono::milliseconds(k_provider_life_max).count());
  const auto now_ms = static_cast<std::uint64_t>(std::max<rt::WallMs>(wall, 0));
  if (proto.expires_ms() <= now_ms || proto.expires_ms() - now_ms > k_life_ms ||
      !record::open(envelope, k_provider_domain, k_provider_payload_type)) {
    return fail(KadError::bad_provider);
  }
  ProviderRecord record{.addresses = {}, .expires_ms = static_cast<rt::WallMs>(proto.expires_ms())};
  for (const std::string& bytes : proto.addresses()) {
    auto address = Multiaddr::from_bytes(as_bytes(bytes));
    if (address && record.addresses.size() < k_contact_addresses_max) {
      record.addresses.push_back(std::move(*address));
    }
  }
  return record;
}

Owner Providers::owner(const Entry& entry) {
  return owner_of(entry.info.contact.peer, entry.groups);
}

bool Providers::is_full(const Bytes& key) const {
  return count_ >= limits_.entries_max ||
         (!keys_.contains(key) && keys_.size() >= limits_.keys_max);
}

Result<void> Providers::check_room(const Bytes& key, const Entry& entry) {
  const auto own = by_peer_.find(entry.info.contact.peer);
  if (own != by_peer_.end() && own->second >= limits_.per_peer_max) {
    return fail(KadError::no_room, own->second);
  }
  if (is_full(key) && (!take_from_largest(owner(entry)) || is_full(key))) {
    return fail(KadError::no_room, count_);
  }
  return {};
}

/// The oldest quarter of whom the most is goes, when the newcomer has less: of everything is looked
/// through once for many that come.
bool Providers::take_from_largest(const Owner& newcomer) {
  const auto largest =
      std::ranges::max_element(by_owner_, {}, [](const auto& entry) { return entry.second; });
  const auto own = by_owner_.find(newcomer);
  if (largest == by_owner_.end() ||
      largest->second <= 1 + (own == by_owner_.end() ? 0 : own->second)) {
    return false;
  }
  const Owner whose = largest->first;
  std::vector<rt::TimePoint> announced;
  for (const auto& [key, entries] : keys_) {
    for (const Entry& entry : entries) {
      if (owner(entry) == whose) {
        announced.push_back(entry.announced);
      }
    }
  }
  std::size_t left = (announced.size() + 3) / 4;
  const auto last = announced.begin() + static_cast<std::ptrdiff_t>(left - 1);
  std::ranges::nth_element(announced, last);
  const rt::TimePoint until = *last;
  for (auto at = keys_.begin(); at != keys_.end();) {
    std::erase_if(at->second, [&](const Entry& entry) {
      const bool goes = left > 0 && entry.announced <= until && owner(entry) == whose;
      if (goes) {
        --left;
        forget(entry);
      }
      return goes;
    });
    at = at->second.empty() ? keys_.erase(at) : std::next(at);
  }
  return true;
}

void Providers::count(const Entry& entry) {
  ++by_peer_[entry.info.contact.peer];
  ++by_owner_[owner(entry)];
  ++count_;
}

void Providers::forget(const Entry& entry) {
  const auto less = [](auto& counts, const auto& whose) {
    if (const auto own = counts.find(whose); --own->second == 0) {
      counts.erase(own);
    }
  };
  less(by_peer_, entry.info.contact.peer);
  less(by_owner_, owner(entry));
  --count_;
}

/// Of a full key: the oldest of the largest group goes, when the newcomer's group is smaller.
bool Providers::make_room(Entries& entries, const std::vector<Group>& groups) {
  GroupCounts counts;
  std::size_t largest = 0;
  for (const Entry& entry : entries) {
    for (const Group group : entry.groups) {
      counts.add(group);
      largest = std::max(largest, counts.count(group));
    }
  }
  if (largest <= limits_.per_group_max || !counts.has_room(groups, largest - 1)) {
    return false;
  }
  const auto goes = std::ranges::find_if(entries, [&](const Entry& entry) {
    return std::ranges::any_of(entry.groups,
                               [&](Group group) { return counts.count(group) == largest; });
  });
  forget(*goes);
  entries.erase(goes);
  return true;
}

Result<void> Providers::add(const Bytes& key, const PeerInfo& info,
                            const std::vector<Group>& observed, rt::TimePoint now) {
  Entry entry{.info = info, .groups = observed, .announced = now};
  if (const auto found = keys_.find(key); found != keys_.end()) {
    auto& entries = found->second;
    const auto known = std::ranges::find_if(
        entries, [&](const Entry& old) { return old.info.contact.peer == info.contact.peer; });
    if (known != entries.end()) {
      forget(*known);
      entries.erase(known);
      count(entry);
      entries.push_back(std::move(entry));
      return {};
    }
  }
  if (now >= tidy_at_) {
    expire(now);
  }
  VIVIM_TRYV(check_room(key, entry));
  if (const auto found = keys_.find(key);
      found != keys_.end() && found->second.size() >= limits_.per_key_max) {
    drop_old(found->second, now);
    if (found->second.size() >= limits_.per_key_max && !make_room(found->second, observed)) {
      return fail(KadError::no_room, found->second.size());
    }
  }
  count(entry);
  keys_[key].push_back(std::move(entry));
  return {};
}

std::vector<PeerInfo> Providers::get(const Bytes& key, rt::TimePoint now) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) {
    return {};
  }
  // The first of each group, the second of each, ...
  GroupCounts counts;
  std::vector<std::vector<const Entry*>> rows;
  for (auto at = found->second.rbegin(); at != found->second.rend(); ++at) {
    if (now - at->announced >= limits_.ttl) {
      continue;
    }
    std::size_t row = 0;
    for (const Group group : at->groups) {
      row = std::max(row, counts.count(group));
      counts.add(group);
    }
    rows.resize(std::max(rows.size(), row + 1));
    rows[row].push_back(&*at);
  }
  std::vector<PeerInfo> providers;
  for (auto& row : rows) {
    const auto first = row.empty() ? 0 : turn_ % row.size();
    std::ranges::rotate(row, row.begin() + static_cast<std::ptrdiff_t>(first));
    for (const Entry* const entry : row) {
      providers.push_back(entry->info);
      if (now - entry->announced >= limits_.addresses_ttl) {
        providers.back().contact.addresses.clear();
      }
    }
  }
  ++turn_;
  return providers;
}

void Providers::drop_old(Entries& entries, rt::TimePoint now) {
  std::erase_if(entries, [&](const Entry& entry) {
    const bool over = now - entry.announced >= limits_.ttl;
    if (over) {
      forget(entry);
    }
    return over;
  });
}

void Providers::expire(rt::TimePoint now) {
  tidy_at_ = now + k_tidy_providers_interval;
  for (auto at = keys_.begin(); at != keys_.end();) {
    drop_old(at->second, now);
    at = at->second.empty() ? keys_.erase(at) : std::next(at);
  }
}

}  // namespace vivim::libp2p::kad
