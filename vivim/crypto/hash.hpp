#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

inline constexpr std::size_t k_sha256_bytes = 32;
/// SHA-256 works on blocks of this many bytes.
inline constexpr std::size_t k_sha256_block_bytes = 64;

using Sha256Digest = std::array<std::uint8_t, k_sha256_bytes>;

/// SHA-256 (FIPS 180-4) of bytes that arrive in pieces. Reusable: `finish` starts anew.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(BytesView bytes);
  /// The digest of everything since construction or the last `finish`.
  Sha256Digest finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-256 of `bytes`.
Sha256Digest sha256(BytesView bytes);

/// SHA-256 of the concatenation of `parts`.
Sha256Digest sha256(std::initializer_list<BytesView> parts);

/// SHAKE128 (FIPS 202) of `bytes`, as long as `out`.
void shake128(BytesView bytes, MutableBytes out);

/// HMAC-SHA256 (RFC 2104) of the concatenation of `parts`, with a key of any length.
Secret<k_sha256_bytes> hmac_sha256(BytesView key, std::initializer_list<BytesView> parts);

/// HKDF-Extract with SHA-256 (RFC 5869 section 2.2).
Secret<k_sha256_bytes> hkdf_extract(BytesView salt, BytesView input_key_material);

/// The most that one HKDF-Expand can give (RFC 5869 section 2.3: 255 blocks).
inline constexpr std::size_t k_hkdf_bytes_max = 255 * k_sha256_bytes;

/// HKDF-Expand with SHA-256 (RFC 5869 section 2.3): fills `out`, at most k_hkdf_bytes_max.
void hkdf_expand(BytesView pseudo_random_key, BytesView info, MutableBytes out);

/// Both steps of HKDF-SHA256.
void hkdf(BytesView salt, BytesView input_key_material, BytesView info, MutableBytes out);

}  // namespace vivim::crypto
