#include "vivim/message/frame.hpp"

#include <limits>

#include <message.pb.h>

#include "vivim/message/envelope.hpp"

namespace vivim::message {

namespace {

enum class Type : std::uint32_t {
  send = 0,
  receipt = 1,
  deposit = 2,
  fetch = 3,
  mails = 4,
  taken = 5,
  ask = 6,
  said = 7,
};

void set_type(pb::message::Frame& proto, Type type) {
  proto.set_type(static_cast<std::uint32_t>(type));
}

void fill(pb::message::Mail& proto, const Mail& mail) {
  proto.set_to(std::string(as_text(mail.to.bytes())));
  proto.set_item(std::string(as_text(mail.item.view())));
  proto.set_expires(static_cast<std::uint64_t>(mail.expires_ms));
  proto.set_sealed(std::string(as_text(mail.sealed)));
}

void fill(pb::message::Frame& proto, const Send& frame) {
  set_type(proto, Type::send);
  proto.set_envelope(std::string(as_text(frame.envelope)));
}

void fill(pb::message::Frame& proto, const Receipt& frame) {
  set_type(proto, Type::receipt);
  proto.set_id(std::string(as_text(frame.id.view())));
  proto.set_status(static_cast<std::uint32_t>(frame.status));
}

void fill(pb::message::Frame& proto, const Deposit& frame) {
  set_type(proto, Type::deposit);
  fill(*proto.add_mail(), frame.mail);
}

void fill(pb::message::Frame& proto, const Fetch& frame) {
  set_type(proto, Type::fetch);
  proto.set_wait(frame.wait);
}

void fill(pb::message::Frame& proto, const Mails& frame) {
  set_type(proto, Type::mails);
  for (const auto& mail : frame.mails) {
    fill(*proto.add_mail(), mail);
  }
}

void fill(pb::message::Frame& proto, const Taken& frame) {
  set_type(proto, Type::taken);
  for (const auto& item : frame.items) {
    proto.add_items(std::string(as_text(item.view())));
  }
}

void fill(pb::message::Frame& proto, const Ask& frame) {
  set_type(proto, Type::ask);
  proto.set_id(std::string(as_text(frame.circle.view())));
  proto.set_envelope(std::string(as_text(frame.sealed_clock)));
}

void fill(pb::message::Frame& proto, const Said& frame) {
  set_type(proto, Type::said);
  for (const auto& envelope : frame.envelopes) {
    proto.add_said(std::string(as_text(envelope)));
  }
}

Result<Mail> read_mail(const pb::message::Mail& proto) {
  const auto to = PeerId::from_bytes(as_bytes(proto.to()));
  const auto item = MessageId::from_bytes(as_bytes(proto.item()));
  if (!to || !item || proto.expires() > std::numeric_limits<std::int64_t>::max()) {
    return fail(MessageError::malformed, static_cast<std::uint64_t>(Type::mails));
  }
  if (proto.sealed().size() > k_sealed_bytes_max) {
    return fail(MessageError::too_large, proto.sealed().size());
  }
  return Mail{.to = *to,
              .item = *item,
              .expires_ms = static_cast<std::int64_t>(proto.expires()),
              .sealed = to_bytes(std::string_view(proto.sealed()))};
}

Result<Frame> read_mails(const pb::message::Frame& proto) {
  if (proto.mail_size() > static_cast<int>(k_mails_max)) {
    return fail(MessageError::too_large, static_cast<std::uint64_t>(proto.mail_size()));
  }
  Mails mails;
  for (const auto& each : proto.mail()) {
    VIVIM_TRY(auto mail, read_mail(each));
    mails.mails.push_back(std::move(mail));
  }
  return mails;
}

Result<Frame> read_taken(const pb::message::Frame& proto) {
  if (proto.items_size() > static_cast<int>(k_mails_max)) {
    return fail(MessageError::too_large, static_cast<std::uint64_t>(proto.items_size()));
  }
  Taken taken;
  for (const auto& each : proto.items()) {
    VIVIM_TRY(const auto item, MessageId::from_bytes(as_bytes(each)));
    taken.items.push_back(item);
  }
  return taken;
}

Result<Frame> read_send(const pb::message::Frame& proto) {
  if (proto.envelope().size() > k_envelope_bytes_max) {
    return fail(MessageError::too_large, proto.envelope().size());
  }
  return Send{.envelope = to_bytes(std::string_view(proto.envelope()))};
}

Result<Frame> read_receipt(const pb::message::Frame& proto) {
  VIVIM_TRY(const auto id, MessageId::from_bytes(as_bytes(proto.id())));
  const auto refused = static_cast<std::uint32_t>(Status::refused);
  return Receipt{.id = id, .status = static_cast<Status>(std::min(proto.status(), refused))};
}

Result<Frame> read_deposit(const pb::message::Frame& proto) {
  if (proto.mail_size() != 1) {
    return fail(MessageError::malformed, static_cast<std::uint64_t>(Type::deposit));
  }
  VIVIM_TRY(auto mail, read_mail(proto.mail(0)));
  return Deposit{.mail = std::move(mail)};
}

Result<Frame> read_ask(const pb::message::Frame& proto) {
  VIVIM_TRY(const auto circle, CircleId::from_bytes(as_bytes(proto.id())));
  if (proto.envelope().size() > k_sealed_clock_bytes_max) {
    return fail(MessageError::too_large, proto.envelope().size());
  }
  return Ask{.circle = circle, .sealed_clock = to_bytes(std::string_view(proto.envelope()))};
}

Result<Frame> read_said(const pb::message::Frame& proto) {
  if (proto.said_size() > static_cast<int>(k_mails_max)) {
    return fail(MessageError::too_large, static_cast<std::uint64_t>(proto.said_size()));
  }
  Said said;
  for (const auto& each : proto.said()) {
    if (each.size() > k_envelope_bytes_max) {
      return fail(MessageError::too_large, each.size());
    }
    said.envelopes.push_back(to_bytes(std::string_view(each)));
  }
  return said;
}

}  // namespace

Bytes encode(const Frame& frame) {
  pb::message::Frame proto;
  std::visit([&proto](const auto& each) { fill(proto, each); }, frame);
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Result<Frame> decode_frame(BytesView body) {
  pb::message::Frame proto;
  if (!proto.ParseFromArray(body.data(), static_cast<int>(body.size())) || !proto.has_type()) {
    return fail(MessageError::malformed);
  }
  switch (static_cast<Type>(proto.type())) {
    case Type::send:
      return read_send(proto);
    case Type::receipt:
      return read_receipt(proto);
    case Type::deposit:
      return read_deposit(proto);
    case Type::fetch:
      return Fetch{.wait = proto.wait()};
    case Type::mails:
      return read_mails(proto);
    case Type::taken:
      return read_taken(proto);
    case Type::ask:
      return read_ask(proto);
    case Type::said:
      return read_said(proto);
  }
  return fail(MessageError::malformed, proto.type());
}

}  // namespace vivim::message
