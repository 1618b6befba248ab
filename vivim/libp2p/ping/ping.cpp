#include "vivim/libp2p/ping/ping.hpp"

#include <algorithm>
#include <cstring>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::ping {

const ErrorDomain& error_domain(PingError) {
  static constexpr ErrorDomain k_domain{
      "ping", [](int code) -> ErrorInfo {
        switch (static_cast<PingError>(code)) {
          case PingError::wrong_echo:
            return {"wrong_echo", "the echo differs from what was sent", Blame::peer};
          case PingError::unasked:
            return {"unasked", "an echo that was not asked for", Blame::peer};
          case PingError::in_progress:
            return {"in_progress", "the last ping was not answered yet", Blame::local};
          case PingError::truncated:
            return {"truncated", "the stream ended inside a ping", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

Result<void> Pinger::begin(const Payload& random, Time now) {
  if (in_progress_) {
    return fail(PingError::in_progress);
  }
  sent_ = random;
  received_ = 0;
  since_ = now;
  in_progress_ = true;
  return {};
}

Result<std::optional<Time>> Pinger::feed(BytesView in, Time now) {
  if (in.empty()) {
    return std::nullopt;
  }
  if (!in_progress_ || in.size() > k_payload_bytes - received_) {
    return fail(PingError::unasked, in.size());
  }
  if (std::memcmp(sent_.data() + received_, in.data(), in.size()) != 0) {
    return fail(PingError::wrong_echo, received_);
  }
  received_ += in.size();
  if (received_ < k_payload_bytes) {
    return std::nullopt;
  }
  in_progress_ = false;
  return now - since_;
}

std::size_t Responder::feed(BytesView in) {
  const auto count = std::min(in.size(), k_payload_bytes - received_);
  std::ranges::copy(in.first(count), payload_.begin() + static_cast<std::ptrdiff_t>(received_));
  received_ += count;
  return count;
}

std::optional<Payload> Responder::echo() {
  if (received_ < k_payload_bytes) {
    return std::nullopt;
  }
  received_ = 0;
  return payload_;
}

Result<void> Responder::finish() const {
  if (received_ != 0) {
    return fail(PingError::truncated, received_);
  }
  return {};
}

}  // namespace vivim::libp2p::ping
