#include "vivim/message/circle.hpp"

#include <algorithm>

#include "vivim/crypto/aead.hpp"
#include "vivim/crypto/hash.hpp"

namespace vivim::message {

namespace {

constexpr std::string_view k_prefix = "/vivim/circles/";
constexpr std::string_view k_id_info = "vivim-circle-id-v1";
constexpr std::string_view k_key_info = "vivim-circle-key-v1";

static_assert(k_circle_overhead_bytes == crypto::k_aead_nonce_bytes + crypto::k_aead_tag_bytes);

}  // namespace

Result<CircleId> CircleId::from_bytes(BytesView bytes) {
  VIVIM_TRY(const auto id, MessageId::from_bytes(bytes));
  return CircleId{.bytes = id.bytes};
}

Result<CircleId> CircleId::parse(std::string_view text) {
  VIVIM_TRY(const auto id, MessageId::parse(text));
  return CircleId{.bytes = id.bytes};
}

std::string CircleTopic::to_text() const {
  return std::string(k_prefix) + circle.to_text() + (subtopic.empty() ? "" : "/" + subtopic);
}

Result<CircleTopic> CircleTopic::parse(std::string_view text) {
  constexpr std::size_t k_id_characters = 32;
  if (!is_topic(text) || !text.starts_with(k_prefix)) {
    return fail(MessageError::malformed);
  }
  text.remove_prefix(k_prefix.size());
  VIVIM_TRY(const auto id, CircleId::parse(text.substr(0, k_id_characters)));
  text.remove_prefix(k_id_characters);
  if (text.empty()) {
    return CircleTopic{.circle = id, .subtopic = {}};
  }
  if (text.front() != '/' || text.size() == 1 || text.size() > k_subtopic_bytes_max + 1) {
    return fail(MessageError::malformed);
  }
  return CircleTopic{.circle = id, .subtopic = std::string(text.substr(1))};
}

Circle::Circle(CircleSecret secret) : secret_(std::move(secret)) {
  crypto::hkdf_expand(secret_.view(), as_bytes(k_id_info), id_.bytes);
}

crypto::Secret<32> Circle::key_of(const PeerId& sender) const {
  Bytes info = to_bytes(k_key_info);
  append(info, sender.bytes());
  crypto::Secret<32> key;
  crypto::hkdf_expand(secret_.view(), info, key.writable());
  return key;
}

Bytes Circle::seal(const PeerId& sender, std::string_view topic, BytesView plaintext,
                   const crypto::RandomSource& random) const {
  crypto::AeadNonce nonce{};
  random(nonce);
  Bytes sealed(plaintext.size() + k_circle_overhead_bytes);
  std::ranges::copy(nonce, sealed.begin());
  crypto::SealingKey(crypto::Aead::aes_256_gcm, key_of(sender))
      .seal(nonce, as_bytes(topic), plaintext,
            MutableBytes(sealed).subspan(crypto::k_aead_nonce_bytes));
  return sealed;
}

Result<Bytes> Circle::open(const PeerId& sender, std::string_view topic, BytesView sealed) const {
  if (sealed.size() < k_circle_overhead_bytes) {
    return fail(crypto::CryptoError::too_short, sealed.size());
  }
  crypto::AeadNonce nonce{};
  std::ranges::copy(sealed.first(nonce.size()), nonce.begin());
  Bytes plaintext(sealed.size() - k_circle_overhead_bytes);
  VIVIM_TRYV(crypto::OpeningKey(crypto::Aead::aes_256_gcm, key_of(sender))
                 .open(nonce, as_bytes(topic), sealed.subspan(nonce.size()), plaintext));
  return plaintext;
}

}  // namespace vivim::message
