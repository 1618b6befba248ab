#include "vivim/multiformats/keys.hpp"

#include <algorithm>
#include <type_traits>

#include "crypto.pb.h"
#include "vivim/base/varint.hpp"
#include "vivim/multiformats/private_key.hpp"

namespace vivim::multiformats {
namespace {

constexpr std::uint8_t k_type_tag = 0x08;
constexpr std::uint8_t k_data_tag = 0x12;
constexpr std::size_t k_ed25519_bytes = crypto::k_ed25519_public_key_bytes;

/// Both key messages look the same. Written by hand because the encoding must be the one canonical
/// form.
void append_key(Bytes& out, KeyType type, BytesView data) {
  out.push_back(k_type_tag);
  out.push_back(static_cast<std::uint8_t>(type));
  out.push_back(k_data_tag);
  append_varint(out, data.size());
  append(out, data);
}

/// Parses a key message; both fields are required, which is checked here: protobuf would write a
/// line about a missing one to stderr.
template <class Message>
Result<Message> parse_key(BytesView bytes) {
  constexpr bool is_private = std::is_same_v<Message, pb::keys::PrivateKey>;
  if (bytes.size() > (is_private ? k_private_key_bytes_max : k_public_key_bytes_max)) {
    return fail(MultiformatsError::too_long, bytes.size());
  }
  Message message;
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !message.has_type() || !message.has_data()) {
    return fail(MultiformatsError::bad_key, bytes.size());
  }
  return message;
}

Result<crypto::EcdsaPublicKey> parse_ecdsa(KeyType type, BytesView data) {
  if (type == KeyType::secp256k1) {
    if (data.size() != crypto::k_ec_compressed_bytes) {
      return fail(crypto::CryptoError::bad_key, data.size());
    }
    return crypto::EcdsaPublicKey::from_point(crypto::Curve::secp256k1, data);
  }
  VIVIM_TRY(auto key, crypto::EcdsaPublicKey::from_spki(data));
  if (key.curve() != crypto::Curve::p256) {
    return fail(crypto::CryptoError::bad_key, data.size());
  }
  return key;
}

/// Wipes a protobuf string that held a secret.
struct WipeGuard {
  std::string& text;
  ~WipeGuard() { crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }
};

}  // namespace

PublicKey::PublicKey(const crypto::Ed25519PublicKey& key)
    : PublicKey(KeyType::ed25519, to_bytes(BytesView(key))) {}

PublicKey::PublicKey(const crypto::EcdsaPublicKey& key)
    : PublicKey(key.curve() == crypto::Curve::p256 ? KeyType::ecdsa : KeyType::secp256k1,
                key.curve() == crypto::Curve::p256 ? key.spki()
                                                   : to_bytes(BytesView(key.compressed()))) {}

PublicKey::PublicKey(const crypto::RsaPublicKey& key) : PublicKey(KeyType::rsa, key.spki()) {}

Result<PublicKey> PublicKey::decode(BytesView bytes) {
  VIVIM_TRY(const auto message, parse_key<pb::keys::PublicKey>(bytes));
  PublicKey key(static_cast<KeyType>(message.type()), to_bytes(std::string_view(message.data())));
  const bool bad =
      key.type_ == KeyType::ed25519 ? key.data_.size() != k_ed25519_bytes : key.data_.empty();
  if (bad) {
    return fail(MultiformatsError::bad_key, key.data_.size());
  }
  return key;
}

Bytes PublicKey::encode() const {
  Bytes out;
  append_key(out, type_, data_);
  return out;
}

Result<void> PublicKey::verify(BytesView message, BytesView signature) const {
  switch (type_) {
    case KeyType::ed25519: {
      crypto::Ed25519PublicKey key;
      std::ranges::copy(data_, key.begin());
      return crypto::ed25519_verify(key, message, signature);
    }
    case KeyType::secp256k1:
    case KeyType::ecdsa: {
      VIVIM_TRY(const auto key, parse_ecdsa(type_, data_));
      return key.verify(message, signature);
    }
    case KeyType::rsa: {
      VIVIM_TRY(const auto key, crypto::RsaPublicKey::from_spki(data_));
      return key.verify(message, signature);
    }
  }
  return fail(MultiformatsError::unsupported_key_type, static_cast<std::uint64_t>(type_));
}

crypto::SecretBytes encode_private_key(const crypto::Ed25519KeyPair& pair) {
  const auto seed = pair.seed();
  Bytes out;
  out.reserve(80);  // so that no copy of the seed stays behind in a freed buffer
  crypto::SecretBytes data(seed.view().size() + k_ed25519_bytes);
  std::ranges::copy(seed.view(), data.writable().begin());
  std::ranges::copy(pair.public_key(), data.writable().subspan(seed.view().size()).begin());
  append_key(out, KeyType::ed25519, data.view());
  crypto::SecretBytes secret{BytesView(out)};
  crypto::wipe(out);
  return secret;
}

namespace {

Result<crypto::Ed25519KeyPair> parse_ed25519(BytesView data) {
  if (data.size() != 64 && data.size() != 96) {
    return fail(MultiformatsError::bad_key, data.size());
  }
  auto pair = crypto::Ed25519KeyPair::from_seed(crypto::Ed25519Seed(data.first(32)));
  if (!same_bytes(data.subspan(32, 32), pair.public_key()) ||
      !same_bytes(data.last(32), pair.public_key())) {
    return fail(MultiformatsError::bad_key, data.size());
  }
  return pair;
}

}  // namespace

Result<crypto::Ed25519KeyPair> decode_private_key(BytesView bytes) {
  VIVIM_TRY(auto message, parse_key<pb::keys::PrivateKey>(bytes));
  const WipeGuard guard{*message.mutable_data()};
  if (message.type() != pb::keys::ED25519) {
    return fail(MultiformatsError::unsupported_key_type,
                static_cast<std::uint64_t>(message.type()));
  }
  return parse_ed25519(as_bytes(message.data()));
}

Result<PrivateKey> PrivateKey::decode(BytesView bytes) {
  VIVIM_TRY(auto message, parse_key<pb::keys::PrivateKey>(bytes));
  const WipeGuard guard{*message.mutable_data()};
  const BytesView data = as_bytes(message.data());
  if (message.type() == pb::keys::ED25519) {
    VIVIM_TRY(auto pair, parse_ed25519(data));
    return PrivateKey(std::move(pair));
  }
  return parse_data(static_cast<KeyType>(message.type()), data);
}

crypto::SecretBytes PrivateKey::encode() const {
  if (const auto* pair = std::get_if<crypto::Ed25519KeyPair>(&pair_)) {
    return encode_private_key(*pair);
  }
  const auto inner = data();
  Bytes out;
  out.reserve(inner.size() + 16);  // so that no copy stays behind in a freed buffer
  append_key(out, public_key_.type(), inner.view());
  crypto::SecretBytes secret{BytesView(out)};
  crypto::wipe(out);
  return secret;
}

}  // namespace vivim::multiformats
