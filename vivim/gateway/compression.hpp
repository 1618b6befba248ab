#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/base/bytes.hpp"

namespace vivim::gateway {

/// Content codings that are sent, best first.
enum class Coding : std::uint8_t { brotli, gzip, identity };

/// "br", "gzip" or "".
std::string_view coding_name(Coding coding);

/// The best coding that an Accept-Encoding value allows (RFC 9110 section 12.5.3); identity when
/// there is no field.
Coding choose_coding(std::string_view accept_encoding);

/// Compresses whole contents; blocking, for a Worker. Empty if the library refuses.
Bytes compress(Coding coding, BytesView content);

}  // namespace vivim::gateway
