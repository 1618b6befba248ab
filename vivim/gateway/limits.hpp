#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace vivim::gateway {

/// Bounds of one HTTP server; each is in docs/limits.md with its test.
struct ServerLimits {
  std::size_t connections_max = 256;
  std::size_t header_bytes_max = 16 * 1024;  ///< request line and fields together
  std::size_t header_fields_max = 64;
  std::size_t target_bytes_max = 4 * 1024;
  std::size_t body_drain_bytes_max =
      256 * 1024;  ///< unread body that is skipped to keep a connection alive

  std::chrono::milliseconds header_timeout{
      10'000};  ///< first byte of a request to the end of its header
  std::chrono::milliseconds body_timeout{60'000};   ///< waiting for the next bytes of a body
  std::chrono::milliseconds write_timeout{60'000};  ///< one write of at most 64 KiB
  std::chrono::milliseconds idle_timeout{75'000};   ///< between requests
  std::chrono::milliseconds linger_timeout{
      2'000};  ///< after the last response, for the client to close
  std::chrono::milliseconds stop_timeout{3'000};  ///< what stop() gives running requests

  std::size_t ws_message_bytes_max = 16 * 1024 * 1024;
  std::size_t ws_queue_messages_max = 1024;              ///< unsent messages of one WebSocket
  std::size_t ws_queue_bytes_max = 32 * 1024 * 1024;     ///< their bytes
  std::chrono::milliseconds ws_ping_interval{20'000};    ///< silence after which we ping
  std::chrono::milliseconds ws_silence_timeout{60'000};  ///< silence after which we give up
  std::chrono::milliseconds ws_close_timeout{
      3'000};  ///< for the peer's half of the closing handshake
};

/// Largest JSON body that a route accepts unless it says otherwise.
inline constexpr std::uint64_t k_json_body_bytes_max = 1024 * 1024;
/// Deepest nesting of a JSON body.
inline constexpr std::size_t k_json_depth_max = 32;

}  // namespace vivim::gateway
