#include "vivim/libp2p/kad/content_record.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <kad.pb.h>

namespace vivim::libp2p::kad {

namespace {

constexpr std::string_view k_signature_domain = "vivim-content-record";
constexpr std::array<std::uint8_t, 2> k_payload_type{0x03, 0x11};
constexpr std::string_view k_prefix = "/vivim/content/";

struct ParsedKey {
  PeerId publisher;
  std::string_view name;
};

std::optional<ParsedKey> parse(BytesView key) {
  std::string_view text = as_text(key);
  if (!text.starts_with(k_prefix)) {
    return std::nullopt;
  }
  text.remove_prefix(k_prefix.size());
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) {
    return std::nullopt;
  }
  const auto peer = PeerId::parse(text.substr(0, slash));
  if (!peer || peer->to_string() != text.substr(0, slash)) {  // one text for one publisher
    return std::nullopt;
  }
  return ParsedKey{.publisher = *peer, .name = text.substr(slash + 1)};
}

}  // namespace

Bytes content_key(const PeerId& publisher, std::string_view name) {
  Bytes key = to_bytes(k_prefix);
  append(key, as_bytes(publisher.to_string()));
  key.push_back('/');
  append(key, as_bytes(name));
  return key;
}

Bytes seal_content(const record::Signer& signer, std::string_view name, std::uint64_t sequence,
                   rt::WallMs expires_ms, BytesView value) {
  pb::kad::ContentRecord proto;
  proto.set_key(std::string(as_text(content_key(PeerId::of(signer.key), name))));
  proto.set_sequence(sequence);
  proto.set_expires_ms(static_cast<std::uint64_t>(std::max<rt::WallMs>(expires_ms, 0)));
  proto.set_value(std::string(as_text(value)));
  return record::seal(signer, k_signature_domain, k_payload_type,
                      as_bytes(proto.SerializeAsString()));
}

Result<ContentRecord> open_content(BytesView key, BytesView sealed) {
  const auto parsed = parse(key);
  if (!parsed) {
    return fail(KadError::invalid_record);
  }
  const auto envelope = record::decode_envelope(sealed);
  pb::kad::ContentRecord proto;
  // What costs nothing is looked at before the signature.
  if (!envelope || PeerId::of(envelope->signer) != parsed->publisher ||
      !proto.ParseFromArray(envelope->payload.data(), static_cast<int>(envelope->payload.size())) ||
      !same_bytes(as_bytes(proto.key()), key) ||
      proto.expires_ms() > static_cast<std::uint64_t>(std::numeric_limits<rt::WallMs>::max())) {
    return fail(KadError::invalid_record);
  }
  if (!record::open(sealed, k_signature_domain, k_payload_type)) {
    return fail(KadError::invalid_record);
  }
  return ContentRecord{.publisher = parsed->publisher,
                       .name = std::string(parsed->name),
                       .sequence = proto.sequence(),
                       .expires_ms = static_cast<rt::WallMs>(proto.expires_ms()),
                       .value = to_bytes(std::string_view(proto.value()))};
}

Result<void> ContentValidator::validate(BytesView key, BytesView value, rt::WallMs wall) const {
  VIVIM_TRY(const auto record, open_content(key, value));
  if (record.expires_ms <= wall) {
    return fail(KadError::record_expired);
  }
  constexpr auto k_life_ms = std::chrono::milliseconds(k_content_life_max).count();
  if (record.expires_ms - wall > k_life_ms) {
    return fail(KadError::invalid_record);
  }
  return {};
}

bool ContentValidator::better(BytesView key, BytesView value, BytesView other) const {
  const auto a = open_content(key, value);
  const auto b = open_content(key, other);
  if (!a || !b) {
    return a.has_value() && !b.has_value();
  }
  return std::tie(a->sequence, a->expires_ms, a->value) >
         std::tie(b->sequence, b->expires_ms, b->value);
}

}  // namespace vivim::libp2p::kad
