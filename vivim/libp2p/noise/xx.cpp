#include "vivim/libp2p/noise/xx.hpp"

#include <algorithm>
#include <string_view>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::noise {
namespace {

constexpr std::string_view k_protocol_name = "Noise_XX_25519_ChaChaPoly_SHA256";
static_assert(k_protocol_name.size() == crypto::k_sha256_bytes);  // so it is the first hash itself

struct TwoKeys {
  crypto::AeadKey first;
  crypto::AeadKey second;
};

/// HKDF(chaining_key, input_key_material, 2) of Noise section 4.3.
TwoKeys two_keys(BytesView chaining_key, BytesView input_key_material) {
  crypto::SecretBytes both(2 * crypto::k_sha256_bytes);
  crypto::hkdf(chaining_key, input_key_material, {}, both.writable());
  return {.first = crypto::AeadKey(both.view().first(crypto::k_sha256_bytes)),
          .second = crypto::AeadKey(both.view().last(crypto::k_sha256_bytes))};
}

}  // namespace

crypto::AeadNonce nonce_of(std::uint64_t counter) {
  crypto::AeadNonce nonce{};
  for (std::size_t i = 0; i < 8; ++i) {
    nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  }
  return nonce;
}

SymmetricState::SymmetricState() : chaining_key_(as_bytes(k_protocol_name)) {
  std::ranges::copy(as_bytes(k_protocol_name), hash_.begin());
}

void SymmetricState::mix_hash(BytesView data) {
  hash_ = crypto::sha256({hash_, data});
}

void SymmetricState::mix_key(const crypto::X25519Shared& shared) {
  auto keys = two_keys(chaining_key_.view(), shared.view());
  chaining_key_ = std::move(keys.first);
  key_ = std::move(keys.second);
  counter_ = 0;
  has_key_ = true;
}

void SymmetricState::encrypt_and_hash(BytesView plaintext, Bytes& out) {
  const std::size_t start = out.size();
  if (has_key_) {
    out.resize(start + plaintext.size() + crypto::k_aead_tag_bytes);
    crypto::SealingKey(crypto::Aead::chacha20_poly1305, key_)
        .seal(nonce_of(counter_++), hash_, plaintext, MutableBytes(out).subspan(start));
  } else {
    append(out, plaintext);
  }
  mix_hash(BytesView(out).subspan(start));
}

Result<Bytes> SymmetricState::decrypt_and_hash(BytesView message) {
  Bytes out;
  if (has_key_) {
    if (message.size() < crypto::k_aead_tag_bytes) {
      return fail(NoiseError::message_too_short, message.size());
    }
    out.resize(message.size() - crypto::k_aead_tag_bytes);
    crypto::OpeningKey key(crypto::Aead::chacha20_poly1305, key_);
    if (!key.open(nonce_of(counter_), hash_, message, out)) {
      return fail(NoiseError::cannot_decrypt, counter_);
    }
    ++counter_;
  } else {
    out = to_bytes(message);
  }
  mix_hash(message);
  return out;
}

TransportKeys SymmetricState::split(Role role) const {
  auto keys = two_keys(chaining_key_.view(), {});
  if (role == Role::initiator) {
    return {.send = std::move(keys.first), .receive = std::move(keys.second)};
  }
  return {.send = std::move(keys.second), .receive = std::move(keys.first)};
}

Xx::Xx(XxOptions options) : options_(std::move(options)) {
  symmetric_.mix_hash(options_.prologue);
  options_.prologue = {};
}

bool Xx::my_turn() const {
  return !finished() && (message_ % 2 == 0) == (options_.role == Role::initiator);
}

Result<void> Xx::mix_dh(const crypto::X25519KeyPair& ours, const crypto::X25519PublicKey& theirs) {
  VIVIM_TRY(const auto shared, crypto::x25519(ours.secret, theirs));
  symmetric_.mix_key(shared);
  return {};
}

Result<void> Xx::write(BytesView payload, Bytes& out) {
  VIVIM_ASSERT(my_turn());
  if (message_ < 2) {  // e
    append(out, options_.ephemeral_key.public_key);
    symmetric_.mix_hash(options_.ephemeral_key.public_key);
  }
  if (message_ == 1) {  // ee, s, es
    VIVIM_TRYV(mix_dh(options_.ephemeral_key, remote_ephemeral_));
    symmetric_.encrypt_and_hash(options_.static_key.public_key, out);
    VIVIM_TRYV(mix_dh(options_.static_key, remote_ephemeral_));
  } else if (message_ == 2) {  // s, se
    symmetric_.encrypt_and_hash(options_.static_key.public_key, out);
    VIVIM_TRYV(mix_dh(options_.static_key, remote_ephemeral_));
  }
  symmetric_.encrypt_and_hash(payload, out);
  ++message_;
  return {};
}

Result<void> Xx::read_ephemeral(BytesView& message) {
  if (message.size() < crypto::k_x25519_bytes) {
    return fail(NoiseError::message_too_short, message.size());
  }
  std::ranges::copy(message.first(crypto::k_x25519_bytes), remote_ephemeral_.begin());
  symmetric_.mix_hash(remote_ephemeral_);
  message = message.subspan(crypto::k_x25519_bytes);
  return {};
}

Result<void> Xx::read_static(BytesView& message) {
  constexpr std::size_t size = crypto::k_x25519_bytes + crypto::k_aead_tag_bytes;
  if (message.size() < size) {
    return fail(NoiseError::message_too_short, message.size());
  }
  VIVIM_TRY(const auto key, symmetric_.decrypt_and_hash(message.first(size)));
  std::ranges::copy(key, remote_static_.begin());
  message = message.subspan(size);
  return {};
}

Result<Bytes> Xx::read(BytesView message) {
  VIVIM_ASSERT(!finished() && !my_turn());
  if (message_ < 2) {  // e
    VIVIM_TRYV(read_ephemeral(message));
  }
  if (message_ == 1) {  // ee, s, es
    VIVIM_TRYV(mix_dh(options_.ephemeral_key, remote_ephemeral_));
    VIVIM_TRYV(read_static(message));
    VIVIM_TRYV(mix_dh(options_.ephemeral_key, remote_static_));
  } else if (message_ == 2) {  // s, se
    VIVIM_TRYV(read_static(message));
    VIVIM_TRYV(mix_dh(options_.ephemeral_key, remote_static_));
  }
  VIVIM_TRY(auto payload, symmetric_.decrypt_and_hash(message));
  ++message_;
  return payload;
}

TransportKeys Xx::split() const {
  VIVIM_ASSERT(finished());
  return symmetric_.split(options_.role);
}

}  // namespace vivim::libp2p::noise
