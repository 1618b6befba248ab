#include "vivim/libp2p/kad/routing_table.hpp"

#include <algorithm>

#include "vivim/libp2p/kad/snapshot_detail.hpp"

namespace vivim::libp2p::kad {

namespace {

constexpr std::uint8_t k_snapshot_version = 1;

auto find_peer(auto& entries, const PeerId& peer) {
  return std::ranges::find_if(
      entries, [&peer](const TableEntry& entry) { return entry.contact.peer == peer; });
}

std::vector<Multiaddr> first_addresses(const Contact& contact) {
  const auto count = std::min(contact.addresses.size(), k_contact_addresses_max);
  return {contact.addresses.begin(),
          contact.addresses.begin() + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace

RoutingTable::Bucket& RoutingTable::bucket_of(const Key& key) {
  const unsigned index = key_.common_prefix(key);
  if (index >= buckets_.size()) {
    buckets_.resize(index + 1);
  }
  return buckets_[index];
}

RoutingTable::Bucket* RoutingTable::find_bucket(const Key& key) {
  const unsigned index = key_.common_prefix(key);
  return index < buckets_.size() ? &buckets_[index] : nullptr;
}

bool RoutingTable::is_crowded(const Bucket& bucket, const std::vector<Group>& groups) const {
  GroupCounts here;
  for (const TableEntry& entry : bucket.entries) {
    for (const Group group : entry.groups) {
      here.add(group);
    }
  }
  return !here.has_room(groups, limits_.per_group_in_bucket_max) ||
         !groups_.has_room(groups, limits_.per_group_max);
}

void RoutingTable::take(Bucket& bucket, TableEntry entry) {
  for (const Group group : entry.groups) {
    groups_.add(group);
  }
  bucket.entries.push_back(std::move(entry));
  ++size_;
}

void RoutingTable::drop(Bucket& bucket, std::size_t index) {
  for (const Group group : bucket.entries[index].groups) {
    groups_.remove(group);
  }
  bucket.entries.erase(bucket.entries.begin() + static_cast<std::ptrdiff_t>(index));
  --size_;
}

void RoutingTable::wait(Bucket& bucket, TableEntry entry, std::size_t spares_max) {
  if (const auto known = find_peer(bucket.spares, entry.contact.peer);
      known != bucket.spares.end()) {
    bucket.spares.erase(known);
  } else if (bucket.spares.size() >= spares_max) {
    bucket.spares.erase(bucket.spares.begin());
  }
  bucket.spares.push_back(std::move(entry));
}

void RoutingTable::promote(Bucket& bucket) {
  for (std::size_t i = bucket.spares.size(); i-- > 0;) {
    if (!is_crowded(bucket, bucket.spares[i].groups)) {
      TableEntry entry = std::move(bucket.spares[i]);
      bucket.spares.erase(bucket.spares.begin() + static_cast<std::ptrdiff_t>(i));
      take(bucket, std::move(entry));
      return;
    }
  }
}

Added RoutingTable::add(const Contact& contact, const std::vector<Group>& groups,
                        rt::TimePoint now) {
  if (contact.peer == self_) {
    return Added::own;
  }
  const Key key = Key::of(contact.peer);
  if (Bucket* const bucket = find_bucket(key); bucket != nullptr) {
    if (const auto known = find_peer(bucket->entries, contact.peer);
        known != bucket->entries.end()) {
      known->heard = now;
      known->failures = 0;
      if (!contact.addresses.empty()) {
        known->contact.addresses = first_addresses(contact);
      }
      return Added::known;
    }
  }
  if (size_ >= limits_.peers_max) {
    return Added::full;
  }
  Bucket& bucket = bucket_of(key);
  TableEntry entry{.contact = {.peer = contact.peer, .addresses = first_addresses(contact)},
                   .key = key,
                   .groups = groups,
                   .heard = now};
  if (is_crowded(bucket, groups)) {
    return Added::crowded;
  }
  if (bucket.entries.size() < limits_.bucket_size) {
    take(bucket, std::move(entry));
    return Added::added;
  }
  if (limits_.spares_max == 0) {
    return Added::full;
  }
  wait(bucket, std::move(entry), limits_.spares_max);
  return Added::spare;
}

bool RoutingTable::failed(const PeerId& peer) {
  Bucket* const bucket = find_bucket(Key::of(peer));
  if (bucket == nullptr) {
    return false;
  }
  if (const auto spare = find_peer(bucket->spares, peer); spare != bucket->spares.end()) {
    bucket->spares.erase(spare);
    return false;
  }
  const auto found = find_peer(bucket->entries, peer);
  if (found == bucket->entries.end() || ++found->failures < limits_.failures_max) {
    return false;
  }
  drop(*bucket, static_cast<std::size_t>(found - bucket->entries.begin()));
  promote(*bucket);
  return true;
}

void RoutingTable::remove(const PeerId& peer) {
  Bucket* const bucket = find_bucket(Key::of(peer));
  if (bucket == nullptr) {
    return;
  }
  std::erase_if(bucket->spares,
                [&peer](const TableEntry& entry) { return entry.contact.peer == peer; });
  const auto found = find_peer(bucket->entries, peer);
  if (found != bucket->entries.end()) {
    drop(*bucket, static_cast<std::size_t>(found - bucket->entries.begin()));
    promote(*bucket);
  }
}

const TableEntry* RoutingTable::find(const PeerId& peer) const {
  const unsigned index = key_.common_prefix(Key::of(peer));
  if (index >= buckets_.size()) {
    return nullptr;
  }
  const auto found = find_peer(buckets_[index].entries, peer);
  return found == buckets_[index].entries.end() ? nullptr : &*found;
}

std::vector<const TableEntry*> RoutingTable::entries() const {
  std::vector<const TableEntry*> all;
  all.reserve(size_);
  for (const Bucket& bucket : buckets_) {
    for (const TableEntry& entry : bucket.entries) {
      all.push_back(&entry);
    }
  }
  return all;
}

std::vector<const TableEntry*> RoutingTable::closest(const Key& target, std::size_t count) const {
  auto all = entries();
  const auto middle = all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size()));
  std::ranges::partial_sort(
      all, middle, {}, [&target](const TableEntry* entry) { return entry->key.distance(target); });
  all.erase(middle, all.end());
  return all;
}

std::optional<Contact> RoutingTable::to_check(rt::TimePoint now) const {
  const TableEntry* oldest = nullptr;
  bool waiting = false;
  for (const Bucket& bucket : buckets_) {
    const bool somebody_waits = !bucket.spares.empty();
    for (const TableEntry& entry : bucket.entries) {
      const bool better = oldest == nullptr || (somebody_waits && !waiting) ||
                          (somebody_waits == waiting && entry.heard < oldest->heard);
      if (now - entry.heard >= limits_.fresh && better) {
        oldest = &entry;
        waiting = somebody_waits;
      }
    }
  }
  return oldest == nullptr ? std::nullopt : std::optional(oldest->contact);
}

void RoutingTable::refreshed(unsigned bucket, rt::TimePoint now) {
  if (bucket < buckets_.size()) {
    buckets_[bucket].refreshed = now;
  }
}

std::vector<unsigned> RoutingTable::stale_buckets(rt::TimePoint now, rt::Duration age) const {
  std::vector<unsigned> stale;
  std::size_t deepest = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    deepest = buckets_[i].entries.empty() ? deepest : i;
  }
  for (std::size_t i = 0; i < buckets_.size() && i <= deepest; ++i) {
    const bool never = buckets_[i].refreshed == rt::TimePoint{};
    if (never || now - buckets_[i].refreshed >= age) {
      stale.push_back(static_cast<unsigned>(i));
    }
  }
  return stale;
}

std::size_t RoutingTable::heard_since(unsigned bucket, rt::TimePoint since) const {
  if (bucket >= buckets_.size()) {
    return 0;
  }
  return static_cast<std::size_t>(std::ranges::count_if(
      buckets_[bucket].entries,
      [since](const TableEntry& entry) { return entry.failures == 0 && entry.heard > since; }));
}

std::size_t RoutingTable::spares() const {
  std::size_t count = 0;
  for (const Bucket& bucket : buckets_) {
    count += bucket.spares.size();
  }
  return count;
}

std::vector<std::size_t> RoutingTable::bucket_sizes() const {
  std::vector<std::size_t> sizes;
  sizes.reserve(buckets_.size());
  for (const Bucket& bucket : buckets_) {
    sizes.push_back(bucket.entries.size());
  }
  return sizes;
}

Bytes RoutingTable::encode() const {
  auto all = entries();
  std::ranges::sort(all, std::greater(),
                    [](const TableEntry* entry) { return std::pair(entry->heard, entry->key); });
  if (all.size() > k_snapshot_peers_max) {
    all.resize(k_snapshot_peers_max);
  }
  Bytes out{k_snapshot_version};
  append_varint(out, all.size());
  for (const TableEntry* entry : all) {
    append_block(out, entry->contact.peer.bytes());
    append_varint(out, entry->contact.addresses.size());
    for (const Multiaddr& address : entry->contact.addresses) {
      append_block(out, address.bytes());
    }
  }
  return out;
}

Result<std::vector<Contact>> decode_snapshot(BytesView bytes) {
  if (bytes.empty() || bytes.front() != k_snapshot_version) {
    return fail(KadError::bad_snapshot);
  }
  BytesView in = bytes.subspan(1);
  VIVIM_TRY(const auto count, decode_varint(in, k_snapshot_peers_max));
  in = in.subspan(count.size);
  std::vector<Contact> contacts;
  for (std::uint64_t i = 0; i < count.value; ++i) {
    VIVIM_TRY(const auto id, take_block(in));
    VIVIM_TRY(const auto peer, PeerId::from_bytes(id));
    Contact contact{.peer = peer, .addresses = {}};
    VIVIM_TRY(const auto addresses, decode_varint(in, k_contact_addresses_max));
    in = in.subspan(addresses.size);
    for (std::uint64_t j = 0; j < addresses.value; ++j) {
      VIVIM_TRY(const auto block, take_block(in));
      VIVIM_TRY(auto address, Multiaddr::from_bytes(block));
      contact.addresses.push_back(std::move(address));
    }
    contacts.push_back(std::move(contact));
  }
  if (!in.empty()) {
    return fail(KadError::bad_snapshot);
  }
  return contacts;
}

}  // namespace vivim::libp2p::kad
