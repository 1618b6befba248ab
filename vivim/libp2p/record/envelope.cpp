#include "vivim/libp2p/record/envelope.hpp"

#include <memory>

#include <record.pb.h>

#include "vivim/base/varint.hpp"

namespace vivim::libp2p::record {

namespace {

void append_prefixed(Bytes& out, BytesView bytes) {
  append_varint(out, bytes.size());
  append(out, bytes);
}

}  // namespace

Signer Signer::of(const crypto::KeyPair& pair) {
  const auto kept = std::make_shared<const crypto::KeyPair>(pair.clone());
  return {.key = multiformats::PublicKey(kept->public_key()),
          .sign = [kept](BytesView message) { return to_bytes(BytesView(kept->sign(message))); }};
}

Bytes signed_bytes(std::string_view domain, BytesView payload_type, BytesView payload) {
  Bytes out;
  append_prefixed(out, as_bytes(domain));
  append_prefixed(out, payload_type);
  append_prefixed(out, payload);
  return out;
}

Bytes seal(const Signer& signer, std::string_view domain, BytesView payload_type,
           BytesView payload) {
  return encode({.signer = signer.key,
                 .payload_type = to_bytes(payload_type),
                 .payload = to_bytes(payload),
                 .signature = signer.sign(signed_bytes(domain, payload_type, payload))});
}

Bytes encode(const Envelope& envelope) {
  pb::record::Envelope proto;
  proto.set_public_key(std::string(as_text(envelope.signer.encode())));
  proto.set_payload_type(std::string(as_text(envelope.payload_type)));
  proto.set_payload(std::string(as_text(envelope.payload)));
  proto.set_signature(std::string(as_text(envelope.signature)));
  return to_bytes(std::string_view(proto.SerializeAsString()));
}

Result<Envelope> decode_envelope(BytesView bytes) {
  if (bytes.size() > k_envelope_bytes_max) {
    return fail(RecordError::too_large, bytes.size());
  }
  pb::record::Envelope proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !proto.has_public_key()) {
    return fail(RecordError::malformed);
  }
  auto key = multiformats::PublicKey::decode(as_bytes(proto.public_key()));
  if (!key) {
    return fail(RecordError::malformed);
  }
  return Envelope{.signer = std::move(*key),
                  .payload_type = to_bytes(std::string_view(proto.payload_type())),
                  .payload = to_bytes(std::string_view(proto.payload())),
                  .signature = to_bytes(std::string_view(proto.signature()))};
}

Result<Envelope> open(BytesView bytes, std::string_view domain, BytesView payload_type) {
  VIVIM_TRY(auto envelope, decode_envelope(bytes));
  if (!same_bytes(envelope.payload_type, payload_type)) {
    return fail(RecordError::wrong_payload_type);
  }
  const auto ok = envelope.signer.verify(signed_bytes(domain, payload_type, envelope.payload),
                                         envelope.signature);
  if (!ok && ok.error().is(multiformats::MultiformatsError::unsupported_key_type)) {
    return fail(ok.error());
  }
  if (!ok) {
    return fail(RecordError::bad_signature);
  }
  return envelope;
}

}  // namespace vivim::libp2p::record
