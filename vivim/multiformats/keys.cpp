#include "vivim/multiformats/keys.hpp"

#include <algorithm>

#include "crypto.pb.h"
#include "vivim/base/varint.hpp"

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
  if (bytes.size() > k_public_key_bytes_max) {
    return fail(MultiformatsError::too_long, bytes.size());
  }
  Message message;
  if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !message.has_type() || !message.has_data()) {
    return fail(MultiformatsError::bad_key, bytes.size());
  }
  return message;
}

/// Wipes a protobuf string that held a secret.
struct WipeGuard {
  std::string& text;
  ~WipeGuard() { crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); }
};

}  // namespace

PublicKey::PublicKey(const crypto::Ed25519PublicKey& key)
    : PublicKey(KeyType::ed25519, to_bytes(BytesView(key))) {}

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
  if (type_ != KeyType::ed25519) {
    return fail(MultiformatsError::unsupported_key_type, static_cast<std::uint64_t>(type_));
  }
  crypto::Ed25519PublicKey key;
  std::ranges::copy(data_, key.begin());
  return crypto::ed25519_verify(key, message, signature);
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

Result<crypto::Ed25519KeyPair> decode_private_key(BytesView bytes) {
  VIVIM_TRY(auto message, parse_key<pb::keys::PrivateKey>(bytes));
  const WipeGuard guard{*message.mutable_data()};
  if (message.type() != pb::keys::ED25519) {
    return fail(MultiformatsError::unsupported_key_type,
                static_cast<std::uint64_t>(message.type()));
  }
  const BytesView data = as_bytes(message.data());
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

}  // namespace vivim::multiformats
