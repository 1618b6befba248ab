#include "vivim/message/envelope.hpp"

#include <limits>

#include <message.pb.h>

namespace vivim::message {

namespace {

constexpr std::string_view k_signature_domain = "vivim-message";
constexpr std::string_view k_type = "/vivim/message/1";

/// Field numbers of proto/message.proto, for errors.
enum class Field : std::uint8_t {
  id = 1,
  time = 2,
  lifetime = 3,
  ttl = 4,
  from = 5,
  to = 6,
  topic = 7,
  priority = 8,
  delivery = 9,
  kind = 10,
  clock = 11,
  payload = 12,
};

std::unexpected<Error> bad(Field field) {
  return fail(MessageError::malformed, static_cast<std::uint64_t>(field));
}

BytesView bytes_of(const std::string& text) {
  return as_bytes(text);
}

std::string text_of(BytesView bytes) {
  return std::string(as_text(bytes));
}

/// What holds for every message, ours and those of others.
Result<void> check(const Message& message) {
  constexpr std::int64_t k_time_ms_max = std::int64_t{1} << 52;  // the year 144,000
  if (message.time_ms < 0 || message.time_ms > k_time_ms_max) {
    return bad(Field::time);
  }
  if (message.lifetime < std::chrono::seconds(1) || message.lifetime > k_lifetime_max) {
    return bad(Field::lifetime);
  }
  if (message.ttl == 0 || message.ttl > k_hops_max) {
    return bad(Field::ttl);
  }
  if (const auto* topic = message.topic(); topic != nullptr && !is_topic(*topic)) {
    return bad(Field::topic);
  }
  if (message.payload.size() > k_payload_bytes_max) {
    return fail(MessageError::too_large, message.payload.size());
  }
  return {};
}

pb::message::Message to_proto(const Message& message) {
  pb::message::Message proto;
  proto.set_id(text_of(message.id.view()));
  proto.set_time(static_cast<std::uint64_t>(message.time_ms));
  proto.set_lifetime(static_cast<std::uint64_t>(message.lifetime.count()));
  proto.set_ttl(message.ttl);
  proto.set_from(text_of(message.from.bytes()));
  if (const auto* recipient = message.recipient()) {
    proto.set_to(text_of(recipient->bytes()));
  } else {
    proto.set_topic(*message.topic());
  }
  proto.set_priority(static_cast<std::uint32_t>(message.priority));
  proto.set_delivery(static_cast<std::uint32_t>(message.delivery));
  proto.set_kind(static_cast<std::uint32_t>(message.kind));
  if (!message.clock.empty()) {
    proto.set_clock(text_of(encode(message.clock)));
  }
  proto.set_payload(text_of(message.payload));
  return proto;
}

Result<std::variant<PeerId, std::string>> read_destination(const pb::message::Message& proto) {
  if (proto.has_to() == proto.has_topic()) {
    return bad(Field::to);
  }
  if (proto.has_topic()) {
    return proto.topic();
  }
  const auto to = PeerId::from_bytes(bytes_of(proto.to()));
  if (!to) {
    return bad(Field::to);
  }
  return *to;
}

Result<Message> from_proto(pb::message::Message& proto) {
  const auto from = PeerId::from_bytes(bytes_of(proto.from()));
  if (!from) {
    return bad(Field::from);
  }
  VIVIM_TRY(auto to, read_destination(proto));
  if (proto.time() > std::numeric_limits<std::int64_t>::max()) {
    return bad(Field::time);
  }
  if (proto.lifetime() > static_cast<std::uint64_t>(k_lifetime_max.count())) {
    return bad(Field::lifetime);
  }
  if (proto.priority() > static_cast<std::uint32_t>(Priority::low)) {
    return bad(Field::priority);
  }
  if (proto.delivery() > static_cast<std::uint32_t>(Delivery::exactly_once)) {
    return bad(Field::delivery);
  }
  if (proto.kind() > static_cast<std::uint32_t>(Kind::receipt)) {
    return bad(Field::kind);
  }
  const auto id = MessageId::from_bytes(bytes_of(proto.id()));
  if (!id) {
    return bad(Field::id);
  }
  VIVIM_TRY(auto clock, decode_clock(bytes_of(proto.clock())));
  Message message{.id = *id,
                  .time_ms = static_cast<std::int64_t>(proto.time()),
                  .lifetime = std::chrono::seconds(proto.lifetime()),
                  .ttl = proto.ttl(),
                  .from = *from,
                  .to = std::move(to),
                  .priority = static_cast<Priority>(proto.priority()),
                  .delivery = static_cast<Delivery>(proto.delivery()),
                  .kind = static_cast<Kind>(proto.kind()),
                  .clock = std::move(clock),
                  .payload = to_bytes(bytes_of(proto.payload()))};
  VIVIM_TRYV(check(message));
  return message;
}

Bytes signed_bytes(BytesView message) {
  return libp2p::record::signed_bytes(k_signature_domain, as_bytes(k_type), message);
}

/// The sender's key: in its id, or beside the message.
Result<multiformats::PublicKey> key_of(const PeerId& sender, const pb::message::Envelope& proto) {
  if (auto key = sender.public_key()) {
    return std::move(*key);
  }
  auto key = multiformats::PublicKey::decode(bytes_of(proto.key()));
  if (!key || !sender.matches(*key)) {
    return fail(MessageError::wrong_signer);
  }
  return key;
}

struct Parsed {
  pb::message::Envelope proto;
  Message message;
};

Result<Parsed> parse(BytesView envelope) {
  if (envelope.size() > k_envelope_bytes_max) {
    return fail(MessageError::too_large, envelope.size());
  }
  pb::message::Envelope proto;
  pb::message::Message inner;
  if (!proto.ParseFromArray(envelope.data(), static_cast<int>(envelope.size())) ||
      !inner.ParseFromString(proto.message())) {
    return fail(MessageError::malformed);
  }
  if (proto.signature().size() > k_signature_bytes_max) {
    return fail(MessageError::too_large, proto.signature().size());
  }
  VIVIM_TRY(auto message, from_proto(inner));
  if (proto.hops() > message.ttl) {
    return fail(MessageError::hops_spent, proto.hops());
  }
  return Parsed{.proto = std::move(proto), .message = std::move(message)};
}

Bytes serialize(const pb::message::Envelope& proto) {
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

}  // namespace

Result<Bytes> seal(const Signer& signer, const Message& message) {
  if (!message.from.matches(signer.key)) {
    return fail(MessageError::wrong_signer);
  }
  VIVIM_TRYV(check(message));
  pb::message::Envelope proto;
  proto.set_message(to_proto(message).SerializeAsString());
  proto.set_signature(text_of(signer.sign(signed_bytes(bytes_of(proto.message())))));
  if (!message.from.public_key()) {
    proto.set_key(text_of(signer.key.encode()));
  }
  return serialize(proto);
}

Result<Opened> open(BytesView envelope) {
  VIVIM_TRY(auto parsed, parse(envelope));
  VIVIM_TRY(const auto key, key_of(parsed.message.from, parsed.proto));
  if (!key.verify(signed_bytes(bytes_of(parsed.proto.message())),
                  bytes_of(parsed.proto.signature()))) {
    return fail(MessageError::bad_signature);
  }
  return Opened{.message = std::move(parsed.message), .hops = parsed.proto.hops()};
}

Result<void> check_time(const Message& message, std::int64_t wall_now_ms) {
  if (message.time_ms > wall_now_ms + k_clock_skew_max.count()) {
    return fail(MessageError::from_future,
                static_cast<std::uint64_t>(message.time_ms - wall_now_ms));
  }
  if (message.expires_ms() <= wall_now_ms) {
    return fail(MessageError::expired);
  }
  return {};
}

}  // namespace vivim::message
