#include "vivim/crdt/envelope/envelope.hpp"

#include <optional>
#include <string_view>
#include <utility>

#include "vivim/crdt/lib0.hpp"
#include "vivim/crypto/hash.hpp"

namespace vivim::crdt {
namespace {

constexpr std::uint64_t k_version_own = 1;
constexpr std::uint64_t k_version_hosted = 2;
constexpr std::string_view k_update_label = "vivim-update-v1";
constexpr std::string_view k_hosted_label = "vivim-hosted-update-v1";
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
lib0::Encoder labelled(std::string_view label, BytesView document, BytesView key) {
  lib0::Encoder out;
  out.var_string(label);
  out.var_bytes(document);
  out.var_bytes(key);
  return out;
}

Bytes signed_bytes(BytesView document, BytesView key, std::optional<std::uint64_t> session,
                   BytesView update) {
  lib0::Encoder out = labelled(session ? k_update_label : k_hosted_label, document, key);
  if (session) {
    out.var_uint(*session);
  }
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

template <class Owns>
Result<UpdateExtent> check_clients(BytesView update, Owns owns) {
  VIVIM_TRY(auto extent, extent_of(update));
  for (const auto& range : extent.written) {
    if (!owns(range.client)) {
      return fail(EnvelopeError::foreign_client, value_of(range.client));
    }
  }
  return extent;
}

Result<UpdateExtent> check_own(BytesView update, ClientId own) {
  return check_clients(update, [own](ClientId client) { return client == own; });
}

Result<UpdateExtent> check_hosted(BytesView update) {
  return check_clients(update, [](ClientId client) { return value_of(client) < k_random_clients; });
}

Result<Bytes> put_together(const multiformats::PrivateKey& key, BytesView document,
                           std::optional<std::uint64_t> session, BytesView update) {
  const Bytes public_key = key.public_key().encode();
  lib0::Encoder out;
  out.var_uint(session ? k_version_own : k_version_hosted);
  out.var_bytes(public_key);
  if (session) {
    out.var_uint(*session);
  }
  out.var_bytes(update);
  out.var_bytes(key.sign(signed_bytes(document, public_key, session, update)));
  return out.take();
}

}  // namespace

const ErrorDomain& error_domain(EnvelopeError) {
  static constexpr ErrorDomain k_domain{"envelope", describe};
  return k_domain;
}

ClientId client_of(const multiformats::PublicKey& key, const Author& author) {
  lib0::Encoder out = labelled(k_client_label, author.document, key.encode());
  out.var_uint(author.session);
  const std::uint64_t id = load_be64(crypto::sha256(out.view())) & k_number_max;
  return ClientId{id < k_random_clients ? id + k_random_clients : id};
}

Result<Bytes> seal(const multiformats::PrivateKey& key, const Author& author, BytesView update) {
  if (update.size() > k_signed_update_bytes_max) {
    return fail(EnvelopeError::too_large, update.size());
  }
  VIVIM_TRYV(check_own(update, client_of(key.public_key(), author)));
  return put_together(key, author.document, author.session, update);
}

Result<Bytes> seal_hosted(const multiformats::PrivateKey& key, BytesView document,
                          BytesView update) {
  if (update.size() > k_signed_update_bytes_max) {
    return fail(EnvelopeError::too_large, update.size());
  }
  VIVIM_TRYV(check_hosted(update));
  return put_together(key, document, std::nullopt, update);
}

Result<SignedUpdate> open_envelope(BytesView document, BytesView envelope) {
  lib0::Decoder in(envelope);
  VIVIM_TRY(const auto version, in.var_uint());
  if (version != k_version_own && version != k_version_hosted) {
    return fail(EnvelopeError::bad_version, version);
  }
  VIVIM_TRY(const auto key_bytes, bounded(in, multiformats::k_public_key_bytes_max));
  std::optional<std::uint64_t> session;
  if (version == k_version_own) {
    VIVIM_TRY(session, in.var_uint());
  }
  VIVIM_TRY(const auto update, bounded(in, k_signed_update_bytes_max));
  VIVIM_TRY(const auto signature, bounded(in, k_signature_bytes_max));
  if (!in.at_end()) {
    return fail(CrdtError::trailing_bytes, in.left());
  }
  VIVIM_TRY(auto key, multiformats::PublicKey::decode(key_bytes));
  VIVIM_TRYV(key.verify(signed_bytes(document, key_bytes, session, update), signature));
  SignedUpdate opened{
      .key = std::move(key), .ids = SignedUpdate::Hosted{}, .extent = {}, .update = update};
  if (session) {
    // The id is of the key, not of the bytes that came: one key may be written in several ways.
    const ClientId client = client_of(opened.key, {.document = document, .session = *session});
    opened.ids = SignedUpdate::Own{.session = *session, .client = client};
    VIVIM_TRY(opened.extent, check_own(update, client));
  } else {
    VIVIM_TRY(opened.extent, check_hosted(update));
  }
  return opened;
}

}  // namespace vivim::crdt
