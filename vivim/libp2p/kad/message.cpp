#include "vivim/libp2p/kad/message.hpp"

#include <algorithm>
#include <span>

#include <kad.pb.h>

namespace vivim::libp2p::kad {

namespace {

std::string to_text(BytesView bytes) {
  return std::string(as_text(bytes));
}

/// Whether one more address of these bytes fits what is told of one peer.
bool fits(std::size_t& used, std::size_t bytes) {
  if (used + bytes > k_peer_addresses_bytes_max) {
    return false;
  }
  used += bytes;
  return true;
}

void fill(pb::kad::Peer& proto, const PeerInfo& peer) {
  proto.set_id(to_text(peer.contact.peer.bytes()));
  std::size_t used = 0;
  for (const Multiaddr& address : peer.contact.addresses) {
    if (fits(used, address.bytes().size())) {
      proto.add_addresses(to_text(address.bytes()));
    }
  }
  if (peer.connection != ConnectionType::not_connected) {
    proto.set_connection(static_cast<std::uint32_t>(peer.connection));
  }
  if (!peer.signed_record.empty() && peer.signed_record.size() <= k_peer_record_bytes_max) {
    proto.set_signed_record(to_text(peer.signed_record));
  }
  if (!peer.provider_record.empty() && peer.provider_record.size() <= k_peer_record_bytes_max) {
    proto.set_provider_record(to_text(peer.provider_record));
  }
}

/// Room that a peer takes in a list: its bytes, a tag and a length.
std::size_t room_of(const pb::kad::Peer& proto) {
  return proto.ByteSizeLong() + 4;
}

void fill_peers(pb::kad::Message& proto, const Message& message, std::size_t bytes_max) {
  std::size_t used = proto.ByteSizeLong();
  const auto add = [&used, bytes_max](auto& list, std::span<const PeerInfo> peers) {
    for (const PeerInfo& peer : peers) {
      pb::kad::Peer entry;
      fill(entry, peer);
      if (used + room_of(entry) <= bytes_max) {
        used += room_of(entry);
        list.Add(std::move(entry));
      }
    }
  };
  // A few who are nearer go first: without them a lookup ends here.
  constexpr std::size_t k_closer_first = 8;
  const auto closer = std::span(message.closer);
  const std::size_t first = std::min(closer.size(), k_closer_first);
  add(*proto.mutable_closer_peers(), closer.first(first));
  add(*proto.mutable_provider_peers(), message.providers);
  add(*proto.mutable_closer_peers(), closer.subspan(first));
}

std::optional<PeerInfo> read(const pb::kad::Peer& proto) {
  const auto peer = PeerId::from_bytes(as_bytes(proto.id()));
  if (!peer) {
    return std::nullopt;
  }
  PeerInfo info{.contact = {.peer = *peer, .addresses = {}}};
  std::size_t used = 0;
  for (const std::string& bytes : proto.addresses()) {
    if (info.contact.addresses.size() >= k_contact_addresses_max) {
      break;
    }
    const auto address = Multiaddr::from_bytes(as_bytes(bytes));
    if (!address || (address->peer() && *address->peer() != *peer)) {
      continue;
    }
    auto bare = address->without_peer();
    if (!bare.empty() && fits(used, bare.bytes().size())) {
      info.contact.addresses.push_back(std::move(bare));
    }
  }
  info.connection = static_cast<ConnectionType>(std::min<std::uint32_t>(proto.connection(), 3));
  if (proto.signed_record().size() <= k_peer_record_bytes_max) {
    info.signed_record = to_bytes(std::string_view(proto.signed_record()));
  }
  if (proto.provider_record().size() <= k_peer_record_bytes_max) {
    info.provider_record = to_bytes(std::string_view(proto.provider_record()));
  }
  return info;
}

std::vector<PeerInfo> read_peers(const auto& list) {
  std::vector<PeerInfo> peers;
  for (const auto& proto : list) {
    if (peers.size() >= k_message_peers_max) {
      break;
    }
    if (auto peer = read(proto)) {
      peers.push_back(std::move(*peer));
    }
  }
  return peers;
}

}  // namespace

std::string_view to_string(Type type) {
  switch (type) {
    case Type::put_value:
      return "put_value";
    case Type::get_value:
      return "get_value";
    case Type::add_provider:
      return "add_provider";
    case Type::get_providers:
      return "get_providers";
    case Type::find_node:
      return "find_node";
    case Type::ping:
      return "ping";
  }
  return "other";
}

Bytes encode(const Message& message, std::size_t bytes_max) {
  pb::kad::Message proto;
  proto.set_type(static_cast<std::uint32_t>(message.type));
  if (!message.key.empty()) {
    proto.set_key(to_text(message.key));
  }
  if (message.record) {
    auto& record = *proto.mutable_record();
    record.set_key(to_text(message.record->key));
    record.set_value(to_text(message.record->value));
    if (!message.record->time_received.empty()) {
      record.set_time_received(message.record->time_received);
    }
  }
  fill_peers(proto, message, bytes_max);
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Result<Message> decode(BytesView body) {
  pb::kad::Message proto;
  if (body.size() > k_answer_bytes_max ||
      !proto.ParseFromArray(body.data(), static_cast<int>(body.size())) ||
      proto.type() > static_cast<std::uint32_t>(Type::ping)) {
    return fail(KadError::malformed);
  }
  Message message{.type = static_cast<Type>(proto.type()),
                  .key = to_bytes(std::string_view(proto.key()))};
  if (proto.has_record()) {
    const auto& record = proto.record();
    message.record = Record{.key = to_bytes(std::string_view(record.key())),
                            .value = to_bytes(std::string_view(record.value())),
                            .time_received = record.time_received()};
  }
  message.closer = read_peers(proto.closer_peers());
  message.providers = read_peers(proto.provider_peers());
  return message;
}

}  // namespace vivim::libp2p::kad
