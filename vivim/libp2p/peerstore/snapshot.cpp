// A peer store as bytes. All numbers are unsigned varints; `bytes` is a length and that many bytes:
//   "VPS" version(1) count, then for each peer:
//   id:bytes used key:bytes agent:bytes sequence envelope:bytes
//   count { address:bytes expires source certified }
//   count { protocol:bytes }  count { name:bytes value:bytes }
// Times are milliseconds since 1970, the largest varint for "never". An absent key is empty.
#include <limits>

#include "vivim/base/varint.hpp"
#include "vivim/libp2p/peerstore/peer_store.hpp"

namespace vivim::libp2p::peerstore {

namespace {

constexpr std::string_view k_magic = "VPS";
constexpr std::uint8_t k_version = 1;
constexpr auto k_never = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

void append_bytes(Bytes& out, BytesView bytes) {
  append_varint(out, bytes.size());
  append(out, bytes);
}

void append_time(Bytes& out, Time time) {
  append_varint(out, time == Time::max() ? k_never : static_cast<std::uint64_t>(time.count()));
}

void append_entry(Bytes& out, const PeerId& peer, const Entry& entry) {
  append_bytes(out, peer.bytes());
  append_time(out, entry.used);
  append_bytes(out, entry.key ? entry.key->encode() : Bytes());
  append_bytes(out, as_bytes(entry.agent));
  append_varint(out, entry.sequence & k_never);
  append_bytes(out, entry.envelope);
  append_varint(out, entry.addresses.size());
  for (const auto& [place, address] : entry.addresses) {
    append_bytes(out, place.bytes());
    append_time(out, address.expires);
    append_varint(out, static_cast<std::uint64_t>(address.source));
    append_varint(out, address.certified ? 1 : 0);
  }
  append_varint(out, entry.protocols.size());
  for (const auto& protocol : entry.protocols) {
    append_bytes(out, as_bytes(protocol));
  }
  append_varint(out, entry.metadata.size());
  for (const auto& [name, value] : entry.metadata) {
    append_bytes(out, as_bytes(name));
    append_bytes(out, value);
  }
}

/// Takes values off the front of a snapshot.
class Reader {
 public:
  explicit Reader(BytesView in) : in_(in) {}

  Result<std::uint64_t> number() {
    const auto value = decode_varint(in_);
    if (!value) {
      return fail(PeerStoreError::bad_snapshot);
    }
    in_ = in_.subspan(value->size);
    return value->value;
  }
  Result<BytesView> bytes(std::size_t size_max) {
    VIVIM_TRY(const auto size, number());
    if (size > in_.size() || size > size_max) {
      return fail(PeerStoreError::bad_snapshot);
    }
    const BytesView taken = in_.first(size);
    in_ = in_.subspan(size);
    return taken;
  }
  Result<std::string> text(std::size_t size_max) {
    VIVIM_TRY(const auto taken, bytes(size_max));
    return std::string(as_text(taken));
  }
  Result<Time> time() {
    VIVIM_TRY(const auto value, number());
    return value == k_never ? Time::max() : Time(static_cast<std::int64_t>(value));
  }
  bool empty() const { return in_.empty(); }

 private:
  BytesView in_;
};

Result<Address> read_address(Reader& in) {
  VIVIM_TRY(const auto place, in.bytes(multiformats::k_multiaddr_bytes_max));
  auto address = Multiaddr::from_bytes(place);
  VIVIM_TRY(const auto expires, in.time());
  VIVIM_TRY(const auto source, in.number());
  VIVIM_TRY(const auto certified, in.number());
  if (!address || source > static_cast<std::uint64_t>(Source::configured) || certified > 1) {
    return fail(PeerStoreError::bad_snapshot);
  }
  return Address{.address = std::move(*address),
                 .expires = expires,
                 .source = static_cast<Source>(source),
                 .certified = certified == 1};
}

Result<void> read_lists(Reader& in, Entry& entry) {
  VIVIM_TRY(const auto addresses, in.number());
  for (std::uint64_t i = 0; i < addresses; ++i) {
    VIVIM_TRY(auto address, read_address(in));
    entry.addresses.insert_or_assign(address.address, address);
  }
  VIVIM_TRY(const auto protocols, in.number());
  for (std::uint64_t i = 0; i < protocols; ++i) {
    VIVIM_TRY(auto name, in.text(k_name_bytes_max));
    entry.protocols.push_back(std::move(name));
  }
  VIVIM_TRY(const auto metadata, in.number());
  for (std::uint64_t i = 0; i < metadata; ++i) {
    VIVIM_TRY(auto name, in.text(k_name_bytes_max));
    VIVIM_TRY(const auto value, in.bytes(k_metadatum_bytes_max));
    entry.metadata[std::move(name)] = to_bytes(value);
  }
  return {};
}

Result<Entry> read_entry(Reader& in) {
  Entry entry;
  VIVIM_TRY(entry.used, in.time());
  VIVIM_TRY(const auto key, in.bytes(multiformats::k_public_key_bytes_max));
  if (!key.empty()) {
    auto decoded = multiformats::PublicKey::decode(key);
    if (!decoded) {
      return fail(PeerStoreError::bad_snapshot);
    }
    entry.key = std::move(*decoded);
  }
  VIVIM_TRY(entry.agent, in.text(k_name_bytes_max));
  VIVIM_TRY(entry.sequence, in.number());
  VIVIM_TRY(const auto envelope, in.bytes(k_envelope_bytes_max));
  entry.envelope = to_bytes(envelope);
  VIVIM_TRYV(read_lists(in, entry));
  return entry;
}

}  // namespace

Bytes PeerStore::encode() const {
  Bytes out = to_bytes(k_magic);
  append_varint(out, k_version);
  append_varint(out, entries_.size());
  for (const auto& [peer, entry] : entries_) {
    append_entry(out, peer, entry);
  }
  return out;
}

Result<PeerStore> PeerStore::decode(BytesView bytes, Limits limits, Time now) {
  if (!as_text(bytes).starts_with(k_magic)) {
    return fail(PeerStoreError::bad_snapshot);
  }
  Reader in(bytes.subspan(k_magic.size()));
  VIVIM_TRY(const auto version, in.number());
  if (version != k_version) {
    return fail(PeerStoreError::unknown_version, version);
  }
  VIVIM_TRY(const auto count, in.number());
  PeerStore store(limits);
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const auto id, in.bytes(multiformats::k_public_key_bytes_max));
    const auto peer = PeerId::from_bytes(id);
    VIVIM_TRY(auto entry, read_entry(in));
    if (!peer) {
      return fail(PeerStoreError::bad_snapshot);
    }
    store.adopt(*peer, std::move(entry), now);
  }
  if (!in.empty()) {
    return fail(PeerStoreError::bad_snapshot);
  }
  return store;
}

void PeerStore::adopt(const PeerId& peer, Entry read, Time now) {
  std::erase_if(read.addresses, [now](const auto& each) { return each.second.expires <= now; });
  if (read.addresses.empty() && read.metadata.empty() && read.envelope.empty()) {
    return;
  }
  while (read.addresses.size() > limits_.addresses_per_peer_max) {
    read.addresses.erase(std::prev(read.addresses.end()));
  }
  if (read.protocols.size() > limits_.protocols_per_peer_max) {
    read.protocols.resize(limits_.protocols_per_peer_max);
  }
  while (read.metadata.size() > limits_.metadata_per_peer_max) {
    read.metadata.erase(std::prev(read.metadata.end()));
  }
  forget(peer);
  Entry& known = entry(peer, now);
  known = std::move(read);
  known.used = std::min(known.used, now);
  address_count_ += known.addresses.size();
  while (address_count_ > limits_.addresses_max && entries_.size() > 1) {
    evict_peer(now, &peer);
  }
}

}  // namespace vivim::libp2p::peerstore
