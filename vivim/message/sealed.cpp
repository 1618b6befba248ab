#include "vivim/message/sealed.hpp"

#include <algorithm>

#include "vivim/base/varint.hpp"
#include "vivim/crypto/hpke.hpp"
#include "vivim/message/envelope.hpp"

namespace vivim::message {

namespace {

constexpr std::string_view k_info = "vivim-mail-v1";

/// Nobody can put a sealed message under another label.
Bytes associated(const MailLabel& label) {
  Bytes out;
  append_varint(out, label.to.bytes().size());
  append(out, label.to.bytes());
  append(out, label.item.view());
  Bytes expires(8);
  store_be64(expires, static_cast<std::uint64_t>(label.expires_ms));
  append(out, expires);
  return out;
}

Result<crypto::X25519PublicKey> key_of(const PeerId& recipient) {
  const auto key = recipient.public_key();
  crypto::Ed25519PublicKey bytes{};
  if (!key || key->type() != multiformats::KeyType::ed25519 || key->data().size() != bytes.size()) {
    return fail(MessageError::unknown_recipient);
  }
  std::ranges::copy(key->data(), bytes.begin());
  return crypto::x25519_of(bytes);
}

}  // namespace

Result<Mail> seal_mail(const MailLabel& label, BytesView envelope,
                       const crypto::RandomSource& random) {
  if (envelope.size() > k_envelope_bytes_max) {
    return fail(MessageError::too_large, envelope.size());
  }
  VIVIM_TRY(const auto key, key_of(label.to));
  Bytes plain;
  append_varint(plain, envelope.size());
  append(plain, envelope);
  plain.resize((plain.size() + k_padding_bytes - 1) / k_padding_bytes * k_padding_bytes);
  const Bytes bound = associated(label);
  VIVIM_TRY(auto sealed, crypto::hpke_seal({}, key, {.info = as_bytes(k_info), .associated = bound},
                                           plain, random));
  return Mail{.to = label.to,
              .item = label.item,
              .expires_ms = label.expires_ms,
              .sealed = std::move(sealed)};
}

Result<Bytes> open_mail(const crypto::X25519KeyPair& own, const Mail& mail) {
  const Bytes bound = associated({.to = mail.to, .item = mail.item, .expires_ms = mail.expires_ms});
  VIVIM_TRY(
      const auto plain,
      crypto::hpke_open({}, own, {.info = as_bytes(k_info), .associated = bound}, mail.sealed));
  const auto size = decode_varint(plain);
  if (!size || size->value > plain.size() - size->size) {
    return fail(MessageError::malformed);
  }
  return to_bytes(BytesView(plain).subspan(size->size, size->value));
}

}  // namespace vivim::message
