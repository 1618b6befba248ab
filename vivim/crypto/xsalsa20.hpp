#pragma once

#include <array>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/crypto/secret.hpp"

namespace vivim::crypto {

inline constexpr std::size_t k_xsalsa20_key_bytes = 32;
inline constexpr std::size_t k_xsalsa20_nonce_bytes = 24;

using XSalsa20Key = Secret<k_xsalsa20_key_bytes>;
using XSalsa20Nonce = std::array<std::uint8_t, k_xsalsa20_nonce_bytes>;

/// The XSalsa20 stream cipher (Bernstein, "Extending the Salsa20 nonce") over a stream of bytes
/// that comes in pieces of any size. Only for what other layers authenticate.
class XSalsa20 {
 public:
  /// A nonce must never be used twice with one key.
  XSalsa20(const XSalsa20Key& key, const XSalsa20Nonce& nonce) : key_(key.clone()), nonce_(nonce) {}

  /// Enciphers or deciphers the next bytes of the stream, in place.
  void apply(MutableBytes bytes);

 private:
  XSalsa20Key key_;
  XSalsa20Nonce nonce_;
  std::uint64_t position_ = 0;
};

/// The first bytes of the Salsa20 key stream for an 8-byte nonce, which fills `out`.
void salsa20_keystream(const XSalsa20Key& key, const std::array<std::uint8_t, 8>& nonce,
                       MutableBytes out);

}  // namespace vivim::crypto
