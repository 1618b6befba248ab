#include "vivim/libp2p/record/peer_record.hpp"

#include <algorithm>

#include <record.pb.h>

namespace vivim::libp2p::record {

using multiformats::Multiaddr;
using multiformats::PeerId;

Bytes encode(const PeerRecord& record) {
  pb::record::PeerRecord proto;
  proto.set_peer_id(std::string(as_text(record.peer.bytes())));
  proto.set_seq(record.sequence);
  for (const auto& address : record.addresses) {
    proto.add_addresses()->set_multiaddr(std::string(as_text(address.bytes())));
  }
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Result<PeerRecord> decode_peer_record(BytesView payload) {
  pb::record::PeerRecord proto;
  if (payload.size() > k_envelope_bytes_max ||
      !proto.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
    return fail(RecordError::malformed);
  }
  const auto peer = PeerId::from_bytes(as_bytes(proto.peer_id()));
  if (!peer) {
    return fail(RecordError::malformed);
  }
  const auto count = static_cast<std::size_t>(proto.addresses_size());
  if (count > k_record_addresses_max) {
    return fail(RecordError::too_many_addresses, count);
  }
  PeerRecord record{.peer = *peer, .sequence = proto.seq(), .addresses = {}};
  for (const auto& info : proto.addresses()) {
    if (auto address = Multiaddr::from_bytes(as_bytes(info.multiaddr()))) {
      record.addresses.push_back(std::move(*address));
    }
  }
  return record;
}

Bytes seal_peer_record(const Signer& signer, std::uint64_t sequence,
                       std::vector<Multiaddr> addresses) {
  if (addresses.size() > k_record_addresses_max) {
    addresses.resize(k_record_addresses_max);
  }
  PeerRecord record{
      .peer = PeerId::of(signer.key), .sequence = sequence, .addresses = std::move(addresses)};
  // Key, type, signature and the lengths take less than this, whatever the key.
  const std::size_t around = signer.key.encode().size() + 600;
  auto payload = encode(record);
  while (payload.size() + around > k_sealed_bytes_max && !record.addresses.empty()) {
    record.addresses.pop_back();
    payload = encode(record);
  }
  return seal(signer, k_peer_record_domain, k_peer_record_type, payload);
}

Result<PeerRecord> open_peer_record(BytesView envelope) {
  VIVIM_TRY(const auto opened, open(envelope, k_peer_record_domain, k_peer_record_type));
  VIVIM_TRY(auto record, decode_peer_record(opened.payload));
  if (!record.peer.matches(opened.signer)) {
    return fail(RecordError::wrong_signer);
  }
  return record;
}

Result<PeerRecord> accept_peer_record(BytesView envelope, const PeerId& peer,
                                      std::optional<std::uint64_t> known) {
  VIVIM_TRY(auto record, open_peer_record(envelope));
  if (record.peer != peer) {
    return fail(RecordError::wrong_peer);
  }
  if (known && record.sequence <= *known) {
    return fail(RecordError::not_newer, record.sequence);
  }
  return record;
}

bool OwnRecord::update(std::vector<Multiaddr> addresses, std::int64_t wall_ms) {
  if (!envelope_.empty() && addresses == addresses_) {
    return false;
  }
  addresses_ = std::move(addresses);
  sequence_ =
      std::max(sequence_ + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(wall_ms, 0)));
  envelope_ = seal_peer_record(signer_, sequence_, addresses_);
  return true;
}

}  // namespace vivim::libp2p::record
