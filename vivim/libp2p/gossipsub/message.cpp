#include "vivim/libp2p/gossipsub/message.hpp"

namespace vivim::libp2p::gossipsub {

namespace {

std::size_t size_of(const std::optional<BytesView>& field) {
  return field ? wire::field_bytes(field->size()) : 0;
}

std::optional<BytesView> topic_bytes(const wire::MessageView& fields) {
  return fields.topic ? std::optional(as_bytes(*fields.topic)) : std::nullopt;
}

}  // namespace

MessagePtr Message::make(const wire::MessageView& fields, BytesView id, MessageKey key) {
  return std::make_shared<const Message>(fields, id, key);
}

Message::Message(const wire::MessageView& fields, BytesView id, MessageKey key) : key_(key) {
  const auto topic = topic_bytes(fields);
  const std::size_t signed_size =
      size_of(fields.from) + size_of(fields.data) + size_of(fields.seqno) + size_of(topic);
  const std::size_t body_size = signed_size + size_of(fields.signature) + size_of(fields.key);
  const std::size_t rpc_size = wire::field_bytes(body_size);
  buffer_.reserve(varint_size(rpc_size) + rpc_size + id.size());
  append_varint(buffer_, rpc_size);
  buffer_.push_back(2U << 3U | 2U);
  append_varint(buffer_, body_size);
  signed_ = {.at = static_cast<std::uint32_t>(buffer_.size()),
             .size = static_cast<std::uint32_t>(signed_size)};
  from_ = append(1, fields.from);
  data_ = append(2, fields.data);
  seqno_ = append(3, fields.seqno);
  topic_ = append(4, topic);
  signature_ = append(5, fields.signature);
  public_key_ = append(6, fields.key);
  frame_size_ = static_cast<std::uint32_t>(buffer_.size());
  vivim::append(buffer_, id);
}

Message::Part Message::append(std::uint32_t number, const std::optional<BytesView>& value) {
  if (!value) {
    return {};
  }
  wire::append_field(buffer_, number, *value);
  return {.at = static_cast<std::uint32_t>(buffer_.size() - value->size()),
          .size = static_cast<std::uint32_t>(value->size())};
}

std::optional<PeerId> Message::author() const {
  auto peer = PeerId::from_bytes(from());
  return peer ? std::optional(*peer) : std::nullopt;
}

}  // namespace vivim::libp2p::gossipsub
