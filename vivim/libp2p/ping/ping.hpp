#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::libp2p::ping {

inline constexpr std::string_view k_protocol_id = "/ipfs/ping/1.0.0";

/// Every ping and its echo (libp2p/specs ping/ping.md).
inline constexpr std::size_t k_payload_bytes = 32;

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

using Payload = std::array<std::uint8_t, k_payload_bytes>;

enum class PingError {
  wrong_echo,   ///< peer: what came back is not what was sent
  unasked,      ///< peer: more bytes than were asked for
  in_progress,  ///< local: the last ping was not answered yet
  truncated,    ///< peer: the stream ended inside a payload
};
const ErrorDomain& error_domain(PingError);

/// The side that measures: one ping at a time, as many after each other as wanted on one stream.
/// Sans-IO.
class Pinger {
 public:
  /// Begins a ping with 32 random bytes that the caller draws, and then writes. Error: in_progress.
  Result<void> begin(const Payload& random, Time now);

  /// Takes what arrived. The round-trip time when the echo is complete, nothing before.
  /// Errors: wrong_echo, unasked.
  Result<std::optional<Time>> feed(BytesView in, Time now);

  bool in_progress() const { return in_progress_; }

 private:
  Payload sent_{};
  std::size_t received_ = 0;
  Time since_{};
  bool in_progress_ = false;
};

/// The side that answers: every whole payload comes back. Sans-IO.
class Responder {
 public:
  /// Takes bytes of `in` up to the end of the current payload and returns how many; when echo() has
  /// the payload, write it before feeding more.
  std::size_t feed(BytesView in);

  /// The payload to write back when it is complete; then the next one begins.
  std::optional<Payload> echo();

  /// The peer closed its writing side. Error: truncated, inside a payload.
  Result<void> finish() const;

 private:
  Payload payload_{};
  std::size_t received_ = 0;
};

}  // namespace vivim::libp2p::ping
