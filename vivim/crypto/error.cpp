#include "vivim/crypto/error.hpp"

namespace vivim::crypto {

const ErrorDomain& error_domain(CryptoError) {
  static constexpr ErrorDomain k_domain{
      "crypto", [](int code) -> ErrorInfo {
        switch (static_cast<CryptoError>(code)) {
          case CryptoError::authentication_failed:
            return {"authentication_failed", "a sealed message does not authenticate", Blame::peer};
          case CryptoError::too_short:
            return {"too_short", "a sealed message is shorter than its tag", Blame::peer};
          case CryptoError::bad_signature:
            return {"bad_signature", "the signature does not verify", Blame::peer};
          case CryptoError::bad_key:
            return {"bad_key", "not a valid key (size)", Blame::peer};
          case CryptoError::key_too_weak:
            return {"key_too_weak", "the RSA key is too short (bits)", Blame::peer};
          case CryptoError::key_too_large:
            return {"key_too_large", "the RSA key or its exponent is too large (bits)",
                    Blame::peer};
          case CryptoError::low_order_point:
            return {"low_order_point", "the public key is a low-order point", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::crypto
