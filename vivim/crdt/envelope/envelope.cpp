#include "vivim/crdt/envelope/envelope.hpp"

#include <string_view>
#include <utility>

#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crypto/hash.hpp"

namespace vivim::crdt {
namespace {

constexpr std::uint64_t k_version = 1;
constexpr std::string_view k_update_label = "vivim-update-v1";
constexpr std::string_view k_client_label = "vivim-client-v1";

ErrorInfo describe(int code) {
  switch (static_cast<EnvelopeError>(code)) {
    case EnvelopeError::bad_version:
      return {"bad_version", "a signed update of a later version", Blame::peer};
    case EnvelopeError::too_large:
      return {"too_large", "a part of a signed update is too large", Blame::peer};
    case EnvelopeError::foreign_client:
      return {"foreign_client", "a signed update writes as a client that its key does not own",
              Blame::peer};
  }
  return {"unknown", "unknown error", Blame::local};
}

// What the label is for, and about which document and key: so that no signature means another
// thing.
lib0::Encoder labelled(std::string_view label, BytesView document, BytesView key,
                       std::uint64_t session) {
  lib0::Encoder out;
  out.var_string(label);
  out.var_bytes(document);
  out.var_bytes(key);
  out.var_uint(session);
  return out;
}

Bytes signed_bytes(BytesView document, BytesView key, std::uint64_t session, BytesView update) {
  lib0::Encoder out = labelled(k_update_label, document, key, session);
  out.var_bytes(update);
  return out.take();
}

Result<BytesView> bounded(lib0::Decoder& in, std::size_t bytes_max) {
  VIVIM_TRY(const auto bytes, in.var_bytes());
  if (bytes.size() > bytes_max) {
    return fail(EnvelopeError::too_large, bytes.size());
  }
  return bytes;
}

Result<void> check_clients(BytesView update, ClientId client) {
  VIVIM_TRY(const auto info, inspect_update(update));
  for (const auto& item : info.structs) {
    if (item.id.client != client && item.kind != StructKind::skip) {
      return fail(EnvelopeError::foreign_client, value_of(item.id.client));
    }
  }
  return {};
}

}  // namespace

const ErrorDomain& error_domain(EnvelopeError) {
  static constexpr ErrorDomain k_domain{"envelope", describe};
  return k_domain;
}

ClientId client_of(const multiformats::PublicKey& key, const Author& author) {
  const auto hash = crypto::sha256(
      labelled(k_client_label, author.document, key.encode(), author.session).view());
  const std::uint64_t id = load_be64(hash) & k_number_max;
  return ClientId{id == 0 ? 1 : id};
}

Result<Bytes> seal(const multiformats::PrivateKey& key, const Author& author, BytesView update) {
  if (update.size() > k_signed_update_bytes_max) {
    return fail(EnvelopeError::too_large, update.size());
  }
  VIVIM_TRYV(check_clients(update, client_of(key.public_key(), author)));
  const Bytes public_key = key.public_key().encode();
  lib0::Encoder out;
  out.var_uint(k_version);
  out.var_bytes(public_key);
  out.var_uint(author.session);
  out.var_bytes(update);
  out.var_bytes(key.sign(signed_bytes(author.document, public_key, author.session, update)));
  return out.take();
}

Result<SignedUpdate> open_envelope(BytesView document, BytesView envelope) {
  lib0::Decoder in(envelope);
  VIVIM_TRY(const auto version, in.var_uint());
  if (version != k_version) {
    return fail(EnvelopeError::bad_version, version);
  }
  VIVIM_TRY(const auto key_bytes, bounded(in, multiformats::k_public_key_bytes_max));
  VIVIM_TRY(const auto session, in.var_uint());
  VIVIM_TRY(const auto update, bounded(in, k_signed_update_bytes_max));
  VIVIM_TRY(const auto signature, bounded(in, k_signature_bytes_max));
  if (!in.at_end()) {
    return fail(CrdtError::trailing_bytes, in.left());
  }
  VIVIM_TRY(auto key, multiformats::PublicKey::decode(key_bytes));
  VIVIM_TRYV(key.verify(signed_bytes(document, key_bytes, session, update), signature));
  // The id is of the key, not of the bytes that came: one key may be written in several ways.
  const ClientId client = client_of(key, {.document = document, .session = session});
  VIVIM_TRYV(check_clients(update, client));
  return SignedUpdate{
      .key = std::move(key), .session = session, .client = client, .update = update};
}

}  // namespace vivim::crdt
