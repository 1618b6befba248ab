#include "vivim/libp2p/rendezvous/message.hpp"

#include <rendezvous.pb.h>

namespace vivim::libp2p::rendezvous {

namespace {

enum class Type : std::uint32_t {
  register_request = 0,
  register_response = 1,
  unregister = 2,
  discover = 3,
  discover_response = 4,
};

constexpr std::string_view k_legacy_domain = "libp2p-routing-state";
constexpr std::string_view k_legacy_type = "/libp2p/routing-state-record";

std::string to_text(BytesView bytes) {
  return std::string(as_text(bytes));
}

void fill(pb::rendezvous::Register& proto, const Register& value) {
  proto.set_ns(value.ns);
  proto.set_signed_peer_record(to_text(value.record));
  if (value.ttl) {
    proto.set_ttl(*value.ttl);
  }
}

void fill(pb::rendezvous::Message& proto, const Register& value) {
  proto.set_type(static_cast<std::uint32_t>(Type::register_request));
  fill(*proto.mutable_register_(), value);
}

void fill(pb::rendezvous::Message& proto, const RegisterResponse& value) {
  proto.set_type(static_cast<std::uint32_t>(Type::register_response));
  auto& answer = *proto.mutable_register_response();
  answer.set_status(static_cast<std::uint32_t>(value.status));
  if (!value.text.empty()) {
    answer.set_status_text(value.text);
  }
  if (value.ttl) {
    answer.set_ttl(*value.ttl);
  }
}

void fill(pb::rendezvous::Message& proto, const Unregister& value) {
  proto.set_type(static_cast<std::uint32_t>(Type::unregister));
  proto.mutable_unregister()->set_ns(value.ns);
}

void fill(pb::rendezvous::Message& proto, const Discover& value) {
  proto.set_type(static_cast<std::uint32_t>(Type::discover));
  auto& request = *proto.mutable_discover();
  if (value.ns) {
    request.set_ns(*value.ns);
  }
  if (value.limit) {
    request.set_limit(*value.limit);
  }
  if (value.cookie) {
    request.set_cookie(to_text(*value.cookie));
  }
}

void fill(pb::rendezvous::Message& proto, const DiscoverResponse& value) {
  proto.set_type(static_cast<std::uint32_t>(Type::discover_response));
  auto& answer = *proto.mutable_discover_response();
  for (const auto& registration : value.registrations) {
    fill(*answer.add_registrations(), registration);
  }
  answer.set_cookie(to_text(value.cookie));
  answer.set_status(static_cast<std::uint32_t>(value.status));
  if (!value.text.empty()) {
    answer.set_status_text(value.text);
  }
}

Register read(const pb::rendezvous::Register& proto) {
  return {.ns = proto.ns(),
          .record = to_bytes(std::string_view(proto.signed_peer_record())),
          .ttl = proto.has_ttl() ? std::optional<std::uint64_t>(proto.ttl()) : std::nullopt};
}

RegisterResponse read(const pb::rendezvous::RegisterResponse& proto) {
  return {.status = static_cast<Status>(proto.status()),
          .text = proto.status_text(),
          .ttl = proto.has_ttl() ? std::optional<std::uint64_t>(proto.ttl()) : std::nullopt};
}

Discover read(const pb::rendezvous::Discover& proto) {
  Discover value;
  if (proto.has_ns() && !proto.ns().empty()) {
    value.ns = proto.ns();
  }
  if (proto.has_limit()) {
    value.limit = proto.limit();
  }
  if (proto.has_cookie() && !proto.cookie().empty()) {
    value.cookie = to_bytes(std::string_view(proto.cookie()));
  }
  return value;
}

DiscoverResponse read(const pb::rendezvous::DiscoverResponse& proto) {
  DiscoverResponse value{.status = static_cast<Status>(proto.status()),
                         .text = proto.status_text(),
                         .registrations = {},
                         .cookie = to_bytes(std::string_view(proto.cookie()))};
  for (const auto& registration : proto.registrations()) {
    value.registrations.push_back(read(registration));
  }
  return value;
}

}  // namespace

Bytes encode(const Message& message) {
  pb::rendezvous::Message proto;
  std::visit([&proto](const auto& value) { fill(proto, value); }, message);
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Result<Message> decode(BytesView body) {
  pb::rendezvous::Message proto;
  if (body.size() > k_answer_bytes_max ||
      !proto.ParseFromArray(body.data(), static_cast<int>(body.size())) || !proto.has_type()) {
    return fail(RendezvousError::malformed);
  }
  const auto type = static_cast<Type>(proto.type());
  if (type == Type::register_request && proto.has_register_()) {
    return read(proto.register_());
  }
  if (type == Type::register_response && proto.has_register_response()) {
    return read(proto.register_response());
  }
  if (type == Type::unregister && proto.has_unregister()) {
    return Unregister{.ns = proto.unregister().ns()};
  }
  if (type == Type::discover && proto.has_discover()) {
    return read(proto.discover());
  }
  if (type == Type::discover_response && proto.has_discover_response()) {
    return read(proto.discover_response());
  }
  return fail(RendezvousError::malformed, proto.type());
}

Bytes seal_record(const record::Signer& signer, std::uint64_t sequence,
                  const std::vector<multiformats::Multiaddr>& addresses, RecordForm form) {
  if (form == RecordForm::deployed) {
    return record::seal_peer_record(signer, sequence, addresses);
  }
  const record::PeerRecord record{
      .peer = multiformats::PeerId::of(signer.key), .sequence = sequence, .addresses = addresses};
  return record::seal(signer, k_legacy_domain, as_bytes(k_legacy_type), record::encode(record));
}

Result<record::PeerRecord> open_record(BytesView envelope) {
  auto deployed = record::open_peer_record(envelope);
  if (deployed) {
    return deployed;
  }
  const auto legacy = record::open(envelope, k_legacy_domain, as_bytes(k_legacy_type));
  if (!legacy) {
    return deployed;
  }
  VIVIM_TRY(auto record, record::decode_peer_record(legacy->payload));
  if (record.peer != multiformats::PeerId::of(legacy->signer)) {
    return fail(record::RecordError::wrong_signer);
  }
  return record;
}

}  // namespace vivim::libp2p::rendezvous
