#pragma once

#include "vivim/websocket/frame.hpp"

namespace vivim::websocket::test {

/// The masking key of the examples in RFC 6455, section 5.7.
inline constexpr Mask k_mask{0x37, 0xfa, 0x21, 0x3d};

}  // namespace vivim::websocket::test
