#pragma once

#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/libp2p/yamux/session.hpp"

/// Frames made by hand, to feed sessions with.
namespace vivim::libp2p::yamux::test {

inline Bytes frame(FrameType type, std::uint16_t flags, std::uint32_t stream, std::uint32_t length,
                   const Bytes& payload = {}) {
  Bytes out(k_header_bytes);
  encode_header(out, {.type = type, .flags = flags, .stream = stream, .length = length});
  append(out, payload);
  return out;
}

inline Bytes data(std::uint16_t flags, std::uint32_t stream, const Bytes& payload) {
  return frame(FrameType::data, flags, stream, static_cast<std::uint32_t>(payload.size()), payload);
}

inline Bytes window(std::uint16_t flags, std::uint32_t stream, std::uint32_t length = 0) {
  return frame(FrameType::window_update, flags, stream, length);
}

/// A session that sends nothing of its own accord.
inline Config quiet() {
  Config config;
  config.keep_alive_interval = Time::zero();
  return config;
}

}  // namespace vivim::libp2p::yamux::test
