#include "vivim/gateway/websocket_codec.hpp"

#include <algorithm>

#include "vivim/gateway/error.hpp"
#include "vivim/gateway/utf8.hpp"

namespace vivim::gateway {

namespace {

constexpr std::size_t k_control_bytes_max = 125;
constexpr std::uint16_t k_no_close_code = 1005;

bool is_control(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode) >= 8;
}

bool is_known(std::uint8_t opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

/// Codes that may appear in a frame (RFC 6455 section 7.4 and the IANA registry).
bool valid_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

std::size_t WebSocketDecoder::header_size() const {
  if (header_.size() < 2) {
    return 2;
  }
  const std::uint8_t length = header_[1] & 0x7f;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  return 2 + extended + ((header_[1] & 0x80) != 0 ? 4 : 0);
}

Result<void> WebSocketDecoder::feed(BytesView in) {
  while (!in.empty()) {
    if (!frame_) {
      header_.push_back(in.front());
      in = in.subspan(1);
      if (header_.size() == header_size()) {
        VIVIM_TRYV(begin_frame());
      }
    } else {
      in = in.subspan(take_payload(in));
    }
    if (frame_ && frame_->remaining == 0) {
      VIVIM_TRYV(end_frame());
      frame_.reset();
    }
  }
  return {};
}

Result<void> WebSocketDecoder::begin_frame() {
  const BytesView header(header_);
  if ((header[0] & 0x70) != 0 || !is_known(header[0] & 0x0f)) {
    return fail(GatewayError::ws_bad_frame);
  }
  Frame frame;
  frame.final = (header[0] & 0x80) != 0;
  frame.opcode = static_cast<Opcode>(header[0] & 0x0f);
  frame.masked = (header[1] & 0x80) != 0;
  frame.remaining = header[1] & 0x7f;
  std::size_t at = 2;
  if (frame.remaining == 126) {
    frame.remaining = load_be16(header.subspan(2));
    at = 4;
  } else if (frame.remaining == 127) {
    frame.remaining = load_be64(header.subspan(2));
    at = 10;
  }
  if (frame.masked) {
    std::ranges::copy(header.subspan(at, 4), frame.mask.begin());
  }
  frame_ = frame;
  header_.clear();
  return check_frame();
}

Result<void> WebSocketDecoder::check_frame() const {
  const Frame& frame = *frame_;
  if (frame.masked != (masking_ == Masking::required)) {
    return fail(GatewayError::ws_bad_frame);
  }
  if (is_control(frame.opcode)) {
    const bool valid = frame.final && frame.remaining <= k_control_bytes_max;
    return valid ? Result<void>{} : fail(GatewayError::ws_bad_frame);
  }
  if ((frame.opcode == Opcode::continuation) != message_opcode_.has_value()) {
    return fail(GatewayError::ws_bad_frame);
  }
  if (frame.remaining > message_bytes_max_ - message_.size()) {
    return fail(GatewayError::ws_message_too_large, message_bytes_max_);
  }
  return {};
}

std::size_t WebSocketDecoder::take_payload(BytesView in) {
  Frame& frame = *frame_;
  Bytes& out = is_control(frame.opcode) ? control_ : message_;
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(frame.remaining, in.size()));
  const std::size_t start = out.size();
  append(out, in.first(n));
  if (frame.masked) {
    for (std::size_t i = 0; i < n; ++i) {
      out[start + i] ^= frame.mask[(frame.position + i) & 3];
    }
  }
  frame.position += n;
  frame.remaining -= n;
  return n;
}

Result<void> WebSocketDecoder::end_frame() {
  const Frame& frame = *frame_;
  if (frame.opcode == Opcode::close) {
    return end_close();
  }
  if (is_control(frame.opcode)) {
    events_.push_back({.opcode = frame.opcode, .data = std::exchange(control_, {})});
    return {};
  }
  if (frame.opcode != Opcode::continuation) {
    message_opcode_ = frame.opcode;
  }
  return frame.final ? end_message() : Result<void>{};
}

Result<void> WebSocketDecoder::end_close() {
  const Bytes payload = std::exchange(control_, {});
  WebSocketEvent event{.opcode = Opcode::close, .close_code = k_no_close_code};
  if (payload.size() == 1) {
    return fail(GatewayError::ws_bad_frame);
  }
  if (payload.size() >= 2) {
    event.close_code = load_be16(payload);
    event.data.assign(payload.begin() + 2, payload.end());
    if (!valid_close_code(event.close_code)) {
      return fail(GatewayError::ws_bad_frame);
    }
    if (!is_utf8(as_text(event.data))) {
      return fail(GatewayError::ws_bad_text);
    }
  }
  events_.push_back(std::move(event));
  return {};
}

Result<void> WebSocketDecoder::end_message() {
  const Opcode opcode = *std::exchange(message_opcode_, std::nullopt);
  Bytes message = std::exchange(message_, {});
  if (opcode == Opcode::text && !is_utf8(as_text(message))) {
    return fail(GatewayError::ws_bad_text);
  }
  events_.push_back({.opcode = opcode, .data = std::move(message)});
  return {};
}

std::optional<WebSocketEvent> WebSocketDecoder::poll() {
  if (events_.empty()) {
    return std::nullopt;
  }
  std::optional<WebSocketEvent> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

Bytes encode_frame(Opcode opcode, BytesView payload,
                   std::optional<std::array<std::uint8_t, 4>> mask) {
  Bytes frame;
  frame.reserve(payload.size() + 14);
  frame.push_back(static_cast<std::uint8_t>(0x80 | static_cast<std::uint8_t>(opcode)));
  const std::uint8_t mask_bit = mask ? 0x80 : 0;
  const std::size_t size = payload.size();
  if (size < 126) {
    frame.push_back(static_cast<std::uint8_t>(mask_bit | size));
  } else if (size <= 0xffff) {
    frame.push_back(mask_bit | 126);
    frame.resize(4);
    store_be16(MutableBytes(frame).subspan(2), static_cast<std::uint16_t>(size));
  } else {
    frame.push_back(mask_bit | 127);
    frame.resize(10);
    store_be64(MutableBytes(frame).subspan(2), size);
  }
  if (mask) {
    append(frame, *mask);
  }
  const std::size_t start = frame.size();
  append(frame, payload);
  for (std::size_t i = 0; mask && i < size; ++i) {
    frame[start + i] ^= (*mask)[i & 3];
  }
  return frame;
}

Bytes encode_close_payload(std::uint16_t code, std::string_view reason) {
  std::size_t size = std::min<std::size_t>(reason.size(), k_control_bytes_max - 2);
  while (size > 0 && size < reason.size() &&
         (static_cast<std::uint8_t>(reason[size]) & 0xc0) == 0x80) {
    --size;
  }
  Bytes payload(2);
  store_be16(payload, code);
  append(payload, as_bytes(reason.substr(0, size)));
  return payload;
}

}  // namespace vivim::gateway
