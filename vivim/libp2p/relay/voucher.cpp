#include "vivim/libp2p/relay/voucher.hpp"

#include <relay.pb.h>

namespace vivim::libp2p::relay {

Bytes seal_voucher(const record::Signer& relay, const PeerId& peer, std::uint64_t expire_unix_s) {
  pb::relay::ReservationVoucher proto;
  proto.set_relay(std::string(as_text(PeerId::of(relay.key).bytes())));
  proto.set_peer(std::string(as_text(peer.bytes())));
  proto.set_expiration(expire_unix_s);
  return record::seal(relay, k_voucher_domain, k_voucher_type, as_bytes(proto.SerializeAsString()));
}

Result<Voucher> open_voucher(BytesView envelope) {
  VIVIM_TRY(const auto opened, record::open(envelope, k_voucher_domain, k_voucher_type));
  pb::relay::ReservationVoucher proto;
  if (!proto.ParseFromArray(opened.payload.data(), static_cast<int>(opened.payload.size()))) {
    return fail(RelayError::malformed);
  }
  const auto relay = PeerId::from_bytes(as_bytes(proto.relay()));
  const auto peer = PeerId::from_bytes(as_bytes(proto.peer()));
  if (!relay || !peer) {
    return fail(RelayError::malformed);
  }
  if (!relay->matches(opened.signer)) {
    return fail(RelayError::bad_voucher);
  }
  return Voucher{.relay = *relay, .peer = *peer, .expire_unix_s = proto.expiration()};
}

}  // namespace vivim::libp2p::relay
