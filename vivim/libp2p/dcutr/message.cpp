#include "vivim/libp2p/dcutr/message.hpp"

#include <dcutr.pb.h>

namespace vivim::libp2p::dcutr {

Bytes encode(const Message& message) {
  pb::dcutr::HolePunch proto;
  proto.set_type(static_cast<std::uint32_t>(message.type));
  std::size_t left = k_message_bytes_max - 8;
  for (const auto& address : message.addresses) {
    const std::size_t cost = address.bytes().size() + 4;
    if (cost > left || proto.obs_addrs_size() == static_cast<int>(k_addresses_max)) {
      break;
    }
    left -= cost;
    proto.add_obs_addrs(std::string(as_text(address.bytes())));
  }
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Result<Message> decode(BytesView bytes) {
  pb::dcutr::HolePunch proto;
  if (bytes.size() > k_message_bytes_max ||
      !proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(DcutrError::malformed);
  }
  const auto type = static_cast<Message::Type>(proto.type());
  if (!proto.has_type() || (type != Message::Type::connect && type != Message::Type::sync)) {
    return fail(DcutrError::malformed, proto.type());
  }
  Message message{.type = type, .addresses = {}};
  std::size_t seen = 0;
  for (const auto& encoded : proto.obs_addrs()) {
    if (seen++ == k_addresses_max) {
      break;
    }
    if (auto address = Multiaddr::from_bytes(as_bytes(encoded))) {
      message.addresses.push_back(std::move(*address));
    }
  }
  return message;
}

}  // namespace vivim::libp2p::dcutr
