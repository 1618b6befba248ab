#include "vivim/libp2p/relay/message.hpp"

#include <relay.pb.h>

namespace vivim::libp2p::relay {

namespace {

std::string text_of(BytesView bytes) {
  return std::string(as_text(bytes));
}

Result<std::optional<PeerId>> peer_of(const pb::relay::Peer& proto) {
  auto peer = PeerId::from_bytes(as_bytes(proto.id()));
  if (!peer) {
    return fail(RelayError::malformed);
  }
  return *peer;
}

void set_limit(pb::relay::Limit& to, const Limit& limit) {
  to.set_duration(limit.seconds);
  to.set_data(limit.bytes);
}

Limit limit_of(const pb::relay::Limit& proto) {
  return {.seconds = proto.duration(), .bytes = proto.data()};
}

void set_reservation(pb::relay::Reservation& to, const Reservation& reservation) {
  to.set_expire(reservation.expire_unix_s);
  if (!reservation.voucher.empty()) {
    to.set_voucher(text_of(reservation.voucher));
  }
  // What else the message carries takes less than this.
  constexpr std::size_t k_rest_bytes = 128;
  std::size_t left = k_message_bytes_max - k_rest_bytes -
                     std::min(k_message_bytes_max - k_rest_bytes, reservation.voucher.size());
  for (const auto& address : reservation.addresses) {
    const std::size_t cost = address.bytes().size() + 4;
    if (cost > left || to.addrs_size() == static_cast<int>(k_addresses_max)) {
      return;
    }
    left -= cost;
    to.add_addrs(text_of(address.bytes()));
  }
}

Reservation reservation_of(const pb::relay::Reservation& proto) {
  Reservation reservation{.expire_unix_s = proto.expire(),
                          .addresses = {},
                          .voucher = to_bytes(std::string_view(proto.voucher()))};
  std::size_t seen = 0;
  for (const auto& bytes : proto.addrs()) {
    if (seen++ == k_addresses_max) {
      break;
    }
    if (auto address = Multiaddr::from_bytes(as_bytes(bytes))) {
      reservation.addresses.push_back(std::move(*address));
    }
  }
  return reservation;
}

template <class Proto>
Result<Proto> parse(BytesView bytes, std::uint32_t type_max) {
  Proto proto;
  if (bytes.size() > k_message_bytes_max ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) || !proto.has_type() ||
      proto.type() > type_max) {
    return fail(RelayError::malformed);
  }
  return proto;
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::reservation_refused:
      return "reservation_refused";
    case Status::resource_limit_exceeded:
      return "resource_limit_exceeded";
    case Status::permission_denied:
      return "permission_denied";
    case Status::connection_failed:
      return "connection_failed";
    case Status::no_reservation:
      return "no_reservation";
    case Status::malformed_message:
      return "malformed_message";
    case Status::unexpected_message:
      return "unexpected_message";
  }
  return "unknown";
}

Bytes encode(const HopMessage& message) {
  pb::relay::HopMessage proto;
  proto.set_type(static_cast<std::uint32_t>(message.type));
  if (message.peer) {
    proto.mutable_peer()->set_id(text_of(message.peer->bytes()));
  }
  if (message.reservation) {
    set_reservation(*proto.mutable_reservation(), *message.reservation);
  }
  if (message.limit) {
    set_limit(*proto.mutable_limit(), *message.limit);
  }
  if (message.status) {
    proto.set_status(static_cast<std::uint32_t>(*message.status));
  }
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Bytes encode(const StopMessage& message) {
  pb::relay::StopMessage proto;
  proto.set_type(static_cast<std::uint32_t>(message.type));
  if (message.peer) {
    proto.mutable_peer()->set_id(text_of(message.peer->bytes()));
  }
  if (message.limit) {
    set_limit(*proto.mutable_limit(), *message.limit);
  }
  if (message.status) {
    proto.set_status(static_cast<std::uint32_t>(*message.status));
  }
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Result<HopMessage> decode_hop(BytesView bytes) {
  VIVIM_TRY(const auto proto, parse<pb::relay::HopMessage>(bytes, 2));
  HopMessage message{.type = static_cast<HopMessage::Type>(proto.type())};
  if (proto.has_peer()) {
    VIVIM_TRY(message.peer, peer_of(proto.peer()));
  }
  if (proto.has_reservation()) {
    message.reservation = reservation_of(proto.reservation());
  }
  if (proto.has_limit()) {
    message.limit = limit_of(proto.limit());
  }
  if (proto.has_status()) {
    message.status = static_cast<Status>(proto.status());
  }
  if ((message.type == HopMessage::Type::connect && !message.peer) ||
      (message.type == HopMessage::Type::status && !message.status)) {
    return fail(RelayError::malformed);
  }
  return message;
}

Result<StopMessage> decode_stop(BytesView bytes) {
  VIVIM_TRY(const auto proto, parse<pb::relay::StopMessage>(bytes, 1));
  StopMessage message{.type = static_cast<StopMessage::Type>(proto.type())};
  if (proto.has_peer()) {
    VIVIM_TRY(message.peer, peer_of(proto.peer()));
  }
  if (proto.has_limit()) {
    message.limit = limit_of(proto.limit());
  }
  if (proto.has_status()) {
    message.status = static_cast<Status>(proto.status());
  }
  if ((message.type == StopMessage::Type::connect && !message.peer) ||
      (message.type == StopMessage::Type::status && !message.status)) {
    return fail(RelayError::malformed);
  }
  return message;
}

HopMessage hop_status(Status status) {
  return {.type = HopMessage::Type::status, .status = status};
}

StopMessage stop_status(Status status) {
  return {.type = StopMessage::Type::status, .status = status};
}

}  // namespace vivim::libp2p::relay
