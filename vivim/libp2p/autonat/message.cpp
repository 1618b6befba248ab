#include "vivim/libp2p/autonat/message.hpp"

#include <autonat.pb.h>

namespace vivim::libp2p::autonat {

namespace {

std::string text_of(BytesView bytes) {
  return std::string(as_text(bytes));
}

template <class Proto>
Bytes serialize(const Proto& proto) {
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

template <class Proto>
Result<Proto> parse(BytesView bytes) {
  Proto proto;
  if (bytes.size() > k_message_bytes_max ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(AutonatError::malformed, bytes.size());
  }
  return proto;
}

/// Whether another address still fits.
bool fits(int count, std::size_t& left, const Multiaddr& address) {
  const std::size_t cost = address.bytes().size() + 4;
  if (count == static_cast<int>(k_addresses_max) || cost > left) {
    return false;
  }
  left -= cost;
  return true;
}

constexpr std::size_t k_request_bytes_max = 4000;

}  // namespace

namespace v1 {

Bytes encode(const Message& message) {
  pb::autonat::MessageV1 proto;
  if (const auto* const dial = std::get_if<Dial>(&message)) {
    proto.set_type(0);
    auto& peer = *proto.mutable_dial()->mutable_peer();
    if (dial->peer) {
      peer.set_id(text_of(dial->peer->bytes()));
    }
    std::size_t left = k_request_bytes_max;
    for (const auto& address : dial->addresses) {
      if (!fits(peer.addrs_size(), left, address)) {
        break;
      }
      peer.add_addrs(text_of(address.bytes()));
    }
    return serialize(proto);
  }
  const auto& response = std::get<DialResponse>(message);
  proto.set_type(1);
  auto& to = *proto.mutable_dial_response();
  to.set_status(static_cast<std::uint32_t>(response.status));
  if (response.address) {
    to.set_addr(text_of(response.address->bytes()));
  }
  return serialize(proto);
}

Result<Message> decode(BytesView bytes) {
  VIVIM_TRY(const auto proto, parse<pb::autonat::MessageV1>(bytes));
  if (proto.has_type() && proto.type() == 0 && proto.has_dial()) {
    Dial dial;
    const auto& peer = proto.dial().peer();
    if (peer.has_id()) {
      const auto id = PeerId::from_bytes(as_bytes(peer.id()));
      if (!id) {
        return fail(AutonatError::malformed);
      }
      dial.peer = *id;
    }
    std::size_t seen = 0;
    for (const auto& encoded : peer.addrs()) {
      if (seen++ == k_addresses_max) {
        break;
      }
      if (auto address = Multiaddr::from_bytes(as_bytes(encoded))) {
        dial.addresses.push_back(std::move(*address));
      }
    }
    return dial;
  }
  if (proto.type() == 1 && proto.has_dial_response() && proto.dial_response().has_status()) {
    DialResponse response{.status = static_cast<Status>(proto.dial_response().status())};
    if (auto address = Multiaddr::from_bytes(as_bytes(proto.dial_response().addr()))) {
      response.address = std::move(*address);
    }
    return response;
  }
  return fail(AutonatError::malformed);
}

}  // namespace v1

namespace v2 {

namespace {

void fill(pb::autonat::MessageV2& proto, const DialRequest& request) {
  auto& to = *proto.mutable_dial_request();
  std::size_t left = k_request_bytes_max;
  for (const auto& address : request.addresses) {
    if (!fits(to.addrs_size(), left, address)) {
      break;
    }
    to.add_addrs(text_of(address.bytes()));
  }
  to.set_nonce(request.nonce);
}

void fill(pb::autonat::MessageV2& proto, const DialResponse& response) {
  auto& to = *proto.mutable_dial_response();
  to.set_status(static_cast<std::uint32_t>(response.status));
  to.set_addr_idx(response.address_index);
  to.set_dial_status(static_cast<std::uint32_t>(response.dial_status));
}

void fill(pb::autonat::MessageV2& proto, const DialDataRequest& request) {
  proto.mutable_dial_data_request()->set_addr_idx(request.address_index);
  proto.mutable_dial_data_request()->set_num_bytes(request.bytes);
}

void fill(pb::autonat::MessageV2& proto, const DialDataResponse& response) {
  proto.mutable_dial_data_response()->set_data(std::string(response.bytes, '\0'));
}

DialRequest request_of(const pb::autonat::DialRequest& proto) {
  DialRequest request{.addresses = {}, .nonce = proto.nonce()};
  for (const auto& encoded : proto.addrs()) {
    if (request.addresses.size() == k_addresses_max) {
      break;
    }
    request.addresses.push_back(Multiaddr::from_bytes(as_bytes(encoded)).value_or(Multiaddr()));
  }
  return request;
}

}  // namespace

Bytes encode(const Message& message) {
  pb::autonat::MessageV2 proto;
  std::visit([&proto](const auto& each) { fill(proto, each); }, message);
  return serialize(proto);
}

Result<Message> decode(BytesView bytes) {
  VIVIM_TRY(const auto proto, parse<pb::autonat::MessageV2>(bytes));
  switch (proto.msg_case()) {
    case pb::autonat::MessageV2::kDialRequest:
      return request_of(proto.dial_request());
    case pb::autonat::MessageV2::kDialResponse:
      return DialResponse{
          .status = static_cast<ResponseStatus>(proto.dial_response().status()),
          .address_index = proto.dial_response().addr_idx(),
          .dial_status = static_cast<DialStatus>(proto.dial_response().dial_status())};
    case pb::autonat::MessageV2::kDialDataRequest:
      return DialDataRequest{.address_index = proto.dial_data_request().addr_idx(),
                             .bytes = proto.dial_data_request().num_bytes()};
    case pb::autonat::MessageV2::kDialDataResponse:
      if (proto.dial_data_response().data().size() > k_data_piece_bytes_max) {
        break;
      }
      return DialDataResponse{.bytes = proto.dial_data_response().data().size()};
    case pb::autonat::MessageV2::MSG_NOT_SET:
      break;
  }
  return fail(AutonatError::malformed);
}

Bytes encode_dial_back(std::uint64_t nonce) {
  pb::autonat::DialBack proto;
  proto.set_nonce(nonce);
  return serialize(proto);
}

Result<std::uint64_t> decode_dial_back(BytesView bytes) {
  VIVIM_TRY(const auto proto, parse<pb::autonat::DialBack>(bytes));
  if (!proto.has_nonce()) {
    return fail(AutonatError::malformed);
  }
  return proto.nonce();
}

Bytes encode_dial_back_response() {
  pb::autonat::DialBackResponse proto;
  proto.set_status(0);
  return serialize(proto);
}

}  // namespace v2

}  // namespace vivim::libp2p::autonat
