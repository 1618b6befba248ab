#include "vivim/libp2p/noise/handshake.hpp"

#include <algorithm>

#include "noise.pb.h"
#include "vivim/base/assert.hpp"

namespace vivim::libp2p::noise {
namespace {

constexpr std::string_view k_signature_prefix = "noise-libp2p-static-key:";

Bytes signed_bytes(const crypto::X25519PublicKey& static_key) {
  Bytes out = to_bytes(k_signature_prefix);
  append(out, static_key);
  return out;
}

template <class Entries>
bool entries_fit(const Entries& entries) {
  return static_cast<std::size_t>(entries.size()) <= k_extension_entries_max &&
         std::ranges::all_of(entries, [](const std::string& entry) {
           return entry.size() <= k_extension_entry_bytes_max;
         });
}

XxOptions xx_options(Role role, const crypto::X25519KeyPair& static_key, BytesView prologue,
                     const crypto::RandomSource& random) {
  return {.role = role,
          .static_key = {.secret = static_key.secret.clone(), .public_key = static_key.public_key},
          .ephemeral_key = crypto::X25519KeyPair::generate(random),
          .prologue = prologue};
}

}  // namespace

Identity::Identity(const crypto::KeyPair& identity, const crypto::RandomSource& random)
    : Identity(multiformats::PrivateKey(identity.clone()), random) {}

Identity::Identity(const multiformats::PrivateKey& identity, const crypto::RandomSource& random)
    : public_key_(identity.public_key()),
      peer_id_(multiformats::PeerId::of(public_key_)),
      static_key_(crypto::X25519KeyPair::generate(random)),
      signature_(identity.sign(signed_bytes(static_key_.public_key))) {}

Handshake::Handshake(const Identity& identity, HandshakeOptions options,
                     const crypto::RandomSource& random)
    : options_(std::move(options)),
      identity_key_(identity.public_key_.encode()),
      identity_signature_(identity.signature_),
      proofs_(identity.proofs_),
      xx_(xx_options(options_.role, identity.static_key_, options_.prologue, random)) {
  if (xx_.my_turn()) {
    const auto written = write_message();
    VIVIM_ASSERT(written.has_value());  // the first message needs nothing from the peer
  }
}

Result<std::size_t> Handshake::feed(BytesView in) {
  if (failed_) {
    return fail(*failed_);
  }
  auto consumed = consume(in);
  if (!consumed) {
    failed_ = consumed.error();
  }
  return consumed;
}

Result<std::size_t> Handshake::consume(BytesView in) {
  std::size_t consumed = 0;
  const auto take = [&](std::size_t upto) {
    const std::size_t size = std::min(upto - std::min(upto, receive_.size()), in.size() - consumed);
    append(receive_, in.subspan(consumed, size));
    consumed += size;
    return receive_.size() >= upto;
  };
  while (!xx_.finished() && take(k_frame_header_bytes)) {
    const std::size_t size = load_be16(receive_);
    if (size > k_handshake_message_max) {
      return fail(NoiseError::message_too_long, size);
    }
    if (!take(k_frame_header_bytes + size)) {
      break;
    }
    const Bytes message = std::exchange(receive_, {});
    VIVIM_TRYV(on_message(BytesView(message).subspan(k_frame_header_bytes)));
  }
  return consumed;
}

Result<void> Handshake::on_message(BytesView message) {
  const bool first = xx_.next_message() == 0;
  VIVIM_TRY(const auto payload, xx_.read(message));
  if (first && !payload.empty()) {
    return fail(NoiseError::unexpected_payload, payload.size());
  }
  if (!first) {
    VIVIM_TRYV(check_payload(payload));
  }
  if (xx_.my_turn()) {
    VIVIM_TRYV(write_message());
  }
  if (xx_.finished()) {
    const auto keys = xx_.split();
    session_.emplace(Session{.peer = multiformats::PeerId::of(*remote_key_),
                             .key = *remote_key_,
                             .muxer = muxer_,
                             .webtransport_certhashes = std::move(remote_certhashes_),
                             .sender = Sender(keys.send),
                             .receiver = Receiver(keys.receive)});
  }
  return {};
}

Result<void> Handshake::write_message() {
  const bool first = xx_.next_message() == 0;
  Bytes message(k_frame_header_bytes);
  VIVIM_TRYV(xx_.write(first ? Bytes{} : payload(), message));
  const std::size_t size = message.size() - k_frame_header_bytes;
  VIVIM_ASSERT(size <= k_frame_body_max);
  store_be16(message, static_cast<std::uint16_t>(size));
  append(transmit_, message);
  return {};
}

Bytes Handshake::payload() const {
  pb::noise::NoiseHandshakePayload message;
  message.set_identity_key(identity_key_.data(), identity_key_.size());
  message.set_identity_sig(identity_signature_.data(), identity_signature_.size());
  for (const auto& muxer : options_.muxers) {
    message.mutable_extensions()->add_stream_muxers(muxer);
  }
  for (const auto& hash : options_.webtransport_certhashes) {
    message.mutable_extensions()->add_webtransport_certhashes(hash.data(), hash.size());
  }
  return to_bytes(message.SerializeAsString());
}

Result<void> Handshake::check_payload(BytesView payload) {
  pb::noise::NoiseHandshakePayload message;
  if (!message.ParseFromArray(payload.data(), static_cast<int>(payload.size())) ||
      !entries_fit(message.extensions().stream_muxers()) ||
      !entries_fit(message.extensions().webtransport_certhashes())) {
    return fail(NoiseError::bad_payload, payload.size());
  }
  VIVIM_TRY(auto key, multiformats::PublicKey::decode(as_bytes(message.identity_key())));
  VIVIM_TRYV(check_signature(key, as_bytes(message.identity_sig())));
  if (options_.expected_peer && !options_.expected_peer->matches(key)) {
    return fail(NoiseError::wrong_peer);
  }
  remote_key_ = std::move(key);
  const auto& muxers = message.extensions().stream_muxers();
  agree_on_muxer({muxers.begin(), muxers.end()});
  for (const auto& hash : message.extensions().webtransport_certhashes()) {
    remote_certhashes_.push_back(to_bytes(std::string_view(hash)));
  }
  return {};
}

// A static key lives as long as its process: of all that a handshake computes, only this check is
// the same each time that a peer comes back.
Result<void> Handshake::check_signature(const multiformats::PublicKey& key, BytesView signature) {
  const Bytes identity = key.encode();
  const auto proof = crypto::sha256(
      {BytesView(xx_.remote_static()), BytesView(crypto::sha256(identity)), signature});
  if (proofs_->find(proof) != nullptr) {
    return {};
  }
  const auto verified = key.verify(signed_bytes(xx_.remote_static()), signature);
  if (!verified) {
    return verified.error().is(crypto::CryptoError::bad_signature)
               ? fail(NoiseError::bad_identity_signature)
               : fail(verified.error());
  }
  proofs_->put(proof, true);
  return {};
}

void Handshake::agree_on_muxer(const std::vector<std::string>& theirs) {
  const bool initiator = options_.role == Role::initiator;
  const auto& wanted = initiator ? options_.muxers : theirs;
  const auto& offered = initiator ? theirs : options_.muxers;
  const auto it = std::ranges::find_if(wanted, [&offered](const std::string& muxer) {
    return std::ranges::find(offered, muxer) != offered.end();
  });
  if (it != wanted.end()) {
    muxer_ = *it;
  }
}

Session Handshake::take_session() {
  VIVIM_ASSERT(session_.has_value());
  Session session = std::move(*session_);
  session_.reset();
  return session;
}

}  // namespace vivim::libp2p::noise
