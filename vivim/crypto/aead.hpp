#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/error.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

inline constexpr std::size_t k_aead_key_bytes = 32;
inline constexpr std::size_t k_aead_nonce_bytes = 12;
inline constexpr std::size_t k_aead_tag_bytes = 16;

using AeadKey = Secret<k_aead_key_bytes>;
using AeadNonce = std::array<std::uint8_t, k_aead_nonce_bytes>;

/// Authenticated encryption with a 32-byte key, 12-byte nonce and 16-byte tag.
enum class Aead : std::uint8_t {
  chacha20_poly1305,  ///< RFC 8439
  aes_256_gcm,        ///< NIST SP 800-38D
};

/// Seals messages under one key. Keeps the prepared cipher, so that a message costs no allocation;
/// one thread at a time.
class SealingKey {
 public:
  SealingKey(Aead algorithm, const AeadKey& key);
  SealingKey(SealingKey&&) noexcept;
  SealingKey& operator=(SealingKey&&) noexcept;
  ~SealingKey();

  /// Writes ciphertext and tag to `out`, whose size is exactly `plaintext.size() +
  /// k_aead_tag_bytes`. `out` begins where `plaintext` does (in place), or does not overlap it. A
  /// nonce must never be used twice with one key.
  void seal(const AeadNonce& nonce, BytesView associated, BytesView plaintext, MutableBytes out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Opens what a SealingKey with the same key sealed; one thread at a time.
class OpeningKey {
 public:
  OpeningKey(Aead algorithm, const AeadKey& key);
  OpeningKey(OpeningKey&&) noexcept;
  OpeningKey& operator=(OpeningKey&&) noexcept;
  ~OpeningKey();

  /// Writes the plaintext to `out`, whose size is exactly `sealed.size() - k_aead_tag_bytes`; in
  /// place when `out` begins where `sealed` does. Fails with too_short, or with
  /// authentication_failed, and then `out` is wiped.
  Result<void> open(const AeadNonce& nonce, BytesView associated, BytesView sealed,
                    MutableBytes out);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace vivim::crypto
