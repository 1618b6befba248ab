#include "vivim/libp2p/gossipsub/wire.hpp"

namespace vivim::libp2p::gossipsub::wire {

namespace {

constexpr std::uint8_t tag(std::uint32_t number, std::uint8_t type) {
  return static_cast<std::uint8_t>(number << 3U | type);
}

void append_flag(Bytes& out, std::uint32_t number, bool value) {
  out.push_back(tag(number, 0));
  out.push_back(value ? 1 : 0);
}

/// The head of a field with a length, whose value follows.
void append_head(Bytes& out, std::uint32_t number, std::size_t size) {
  out.push_back(tag(number, 2));
  append_varint(out, size);
}

std::size_t ids_bytes(std::span<const BytesView> ids) {
  std::size_t bytes = 0;
  for (const auto id : ids) {
    bytes += field_bytes(id.size());
  }
  return bytes;
}

void append_ids(Bytes& out, std::uint32_t number, std::span<const BytesView> ids) {
  for (const auto id : ids) {
    append_field(out, number, id);
  }
}

}  // namespace

void append_field(Bytes& out, std::uint32_t number, BytesView value) {
  append_head(out, number, value.size());
  append(out, value);
}

void append_subscription(Bytes& rpc, const Subscription& subscription) {
  Bytes body;
  append_flag(body, 1, subscription.subscribe);
  append_field(body, 2, as_bytes(subscription.topic));
  if (subscription.requests_partial) {
    append_flag(body, 3, true);
  }
  if (subscription.supports_partial) {
    append_flag(body, 4, true);
  }
  append_field(rpc, 1, body);
}

void append_ihave(Bytes& control, std::string_view topic, std::span<const BytesView> ids) {
  append_head(control, 1, field_bytes(topic.size()) + ids_bytes(ids));
  append_field(control, 1, as_bytes(topic));
  append_ids(control, 2, ids);
}

void append_iwant(Bytes& control, std::span<const BytesView> ids) {
  append_head(control, 2, ids_bytes(ids));
  append_ids(control, 1, ids);
}

void append_graft(Bytes& control, std::string_view topic) {
  append_head(control, 3, field_bytes(topic.size()));
  append_field(control, 1, as_bytes(topic));
}

void append_prune(Bytes& control, std::string_view topic, std::span<const PeerInfo> peers,
                  std::optional<std::uint64_t> backoff_seconds) {
  Bytes body;
  append_field(body, 1, as_bytes(topic));
  for (const PeerInfo& peer : peers) {
    Bytes info;
    append_field(info, 1, peer.id);
    if (!peer.record.empty()) {
      append_field(info, 2, peer.record);
    }
    append_field(body, 2, info);
  }
  if (backoff_seconds) {
    body.push_back(tag(3, 0));
    append_varint(body, *backoff_seconds);
  }
  append_field(control, 4, body);
}

void append_idontwant(Bytes& control, std::span<const BytesView> ids) {
  append_head(control, 5, ids_bytes(ids));
  append_ids(control, 1, ids);
}

void append_extensions(Bytes& control, const Extensions& extensions) {
  Bytes body;
  if (extensions.partial_messages) {
    append_flag(body, 10, true);
  }
  append_field(control, 6, body);
}

Bytes frame(BytesView subscriptions, BytesView control) {
  const std::size_t size =
      subscriptions.size() + (control.empty() ? 0 : field_bytes(control.size()));
  Bytes out;
  out.reserve(varint_size(size) + size);
  append_varint(out, size);
  append(out, subscriptions);
  if (!control.empty()) {
    append_field(out, 3, control);
  }
  return out;
}

Bytes frame(const Partial& partial) {
  Bytes body;
  append_field(body, 1, as_bytes(partial.topic));
  append_field(body, 2, partial.group);
  if (partial.message) {
    append_field(body, 3, *partial.message);
  }
  if (partial.metadata) {
    append_field(body, 4, *partial.metadata);
  }
  const std::size_t size = field_bytes(body.size());
  Bytes out;
  out.reserve(varint_size(size) + size);
  append_varint(out, size);
  append_field(out, 10, body);
  return out;
}

}  // namespace vivim::libp2p::gossipsub::wire
