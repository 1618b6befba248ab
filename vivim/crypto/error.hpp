#pragma once

#include "vivim/base/result.hpp"

namespace vivim::crypto {

enum class CryptoError {
  authentication_failed,  ///< peer: a sealed message was forged, damaged, or sealed with another
                          ///< key
  too_short,              ///< peer: a sealed message is shorter than its tag; detail: its size
  bad_signature,          ///< peer: the signature is not by this key over this message
  bad_key,                ///< peer: key bytes of the wrong length or form; detail: their size
  key_too_weak,           ///< peer: an RSA key below k_rsa_bits_min; detail: its bits
  key_too_large,  ///< peer: an RSA key above k_rsa_bits_max, or its exponent above 32 bits: dear to
                  ///< verify with; detail: its bits
  low_order_point,  ///< peer: the public key gives an all-zero shared secret (RFC 7748 section 6.1)
};
const ErrorDomain& error_domain(CryptoError);

}  // namespace vivim::crypto
