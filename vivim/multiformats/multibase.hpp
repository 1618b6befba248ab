#pragma once

#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/error.hpp"

namespace vivim::multiformats {

/// The bases in use; each value is its multibase prefix.
enum class Base : char {
  base16 = 'f',     ///< lower case
  base32 = 'b',     ///< RFC 4648, lower case, no padding
  base58btc = 'z',  ///< Bitcoin's alphabet; quadratic, so limited to k_base58_bytes_max
  base64url = 'u',  ///< RFC 4648 section 5, no padding
};

/// Longest value that base58 may carry here: its conversion takes quadratic time.
inline constexpr std::size_t k_base58_bytes_max = 256;
/// Longest text that `decode` accepts.
inline constexpr std::size_t k_multibase_text_max = 64 * 1024;

/// `bytes` in `base`, without a prefix. At most k_base58_bytes_max for base58btc.
std::string encode(Base base, BytesView bytes);

/// Reads `text`, which has no prefix. Strict: exact alphabet, no padding, unused bits zero. Fails
/// with too_long, bad_character or not_canonical.
Result<Bytes> decode(Base base, std::string_view text);

/// Multibase: the prefix, then `encode`.
std::string encode_multibase(Base base, BytesView bytes);

/// Reads multibase text; also fails with empty or unknown_base.
Result<Bytes> decode_multibase(std::string_view text);

}  // namespace vivim::multiformats
