#include "vivim/websocket/frame.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/utf8.hpp"

namespace vivim::websocket {

namespace {

constexpr std::uint8_t k_final_bit = 0x80;
constexpr std::uint8_t k_mask_bit = 0x80;
constexpr std::uint8_t k_reserved_bits = 0x70;

bool is_known(std::uint8_t opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

/// Codes that may appear in a frame (RFC 6455 section 7.4 and the IANA registry).
bool valid_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

void Piece::copy_to(MutableBytes out) const {
  if (mask) {
    copy_masked(out, data, *mask, position);
  } else if (!data.empty()) {
    std::memmove(out.data(), data.data(), data.size());
  }
}

std::size_t FrameReader::header_size() const {
  if (header_bytes_ < 2) {
    return 2;
  }
  const std::uint8_t length = header_[1] & 0x7f;
  const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  return 2 + extended + ((header_[1] & k_mask_bit) != 0 ? 4 : 0);
}

/// True when the header is whole.
Result<bool> FrameReader::take_header(BytesView& in) {
  while (header_bytes_ < header_size()) {
    if (in.empty()) {
      return false;
    }
    const std::size_t n = std::min(header_size() - header_bytes_, in.size());
    std::copy_n(in.begin(), n, header_.begin() + static_cast<std::ptrdiff_t>(header_bytes_));
    header_bytes_ += n;
    in = in.subspan(n);
  }
  VIVIM_TRYV(begin_frame());
  return true;
}

Result<void> FrameReader::begin_frame() {
  const BytesView header = BytesView(header_).first(header_bytes_);
  if ((header[0] & k_reserved_bits) != 0 || !is_known(header[0] & 0x0f)) {
    return fail(WebSocketError::bad_frame);
  }
  Frame frame;
  frame.final = (header[0] & k_final_bit) != 0;
  frame.opcode = static_cast<Opcode>(header[0] & 0x0f);
  frame.remaining = header[1] & 0x7f;
  if (frame.remaining == 126) {
    frame.remaining = load_be16(header.subspan(2));
  } else if (frame.remaining == 127) {
    frame.remaining = load_be64(header.subspan(2));
  }
  if ((header[1] & k_mask_bit) != 0) {
    frame.mask.emplace();
    std::ranges::copy(header.last(4), frame.mask->begin());
  }
  header_bytes_ = 0;
  frame_ = frame;
  return check_frame();
}

Result<void> FrameReader::check_frame() {
  Frame& frame = *frame_;
  if (frame.mask.has_value() != (masking_ == Masking::required)) {
    return fail(WebSocketError::bad_frame);
  }
  if (is_control(frame.opcode)) {
    const bool valid = frame.final && frame.remaining <= k_control_bytes_max;
    control_.clear();
    return valid ? Result<void>{} : fail(WebSocketError::bad_frame);
  }
  if ((frame.opcode == Opcode::continuation) != message_opcode_.has_value()) {
    return fail(WebSocketError::bad_frame);
  }
  if (frame.remaining > limits_.frame_bytes_max) {
    return fail(WebSocketError::message_too_large, limits_.frame_bytes_max);
  }
  if (frame.remaining > limits_.message_bytes_max - message_bytes_) {
    return fail(WebSocketError::message_too_large, limits_.message_bytes_max);
  }
  message_opcode_ = message_opcode_.value_or(frame.opcode);
  message_bytes_ += frame.remaining;
  return {};
}

Result<std::optional<Piece>> FrameReader::next(BytesView& in) {
  for (;;) {
    if (!frame_) {
      VIVIM_TRY(const bool whole, take_header(in));
      if (!whole) {
        return std::nullopt;
      }
    }
    if (!is_control(frame_->opcode)) {
      if (in.empty() && frame_->remaining > 0) {
        return std::nullopt;
      }
      return take_data(in);
    }
    return take_control(in);
  }
}

Piece FrameReader::take_data(BytesView& in) {
  Frame& frame = *frame_;
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(frame.remaining, in.size()));
  Piece piece = describe(in.first(n));
  in = in.subspan(n);
  frame.position += n;
  frame.remaining -= n;
  piece.last = frame.final && frame.remaining == 0;
  if (frame.remaining == 0) {
    end_data_frame();
  }
  return piece;
}

std::optional<Piece> FrameReader::take_control(BytesView& in) {
  Frame& frame = *frame_;
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(frame.remaining, in.size()));
  const std::size_t start = control_.size();
  control_.resize(start + n);
  const Piece part{.data = in.first(n), .mask = frame.mask, .position = frame.position};
  part.copy_to(MutableBytes(control_).subspan(start));
  in = in.subspan(n);
  frame.position += n;
  frame.remaining -= n;
  if (frame.remaining > 0) {
    return std::nullopt;
  }
  const Piece piece{.opcode = frame.opcode, .data = control_, .last = true};
  frame_.reset();
  return piece;
}

void FrameReader::end_data_frame() {
  if (frame_->final) {
    message_opcode_.reset();
    message_bytes_ = 0;
  }
  frame_.reset();
}

std::uint64_t FrameReader::frame_bytes_left() const {
  return frame_ && !is_control(frame_->opcode) ? frame_->remaining : 0;
}

Piece FrameReader::describe(BytesView data) const {
  return {
      .opcode = *message_opcode_, .data = data, .mask = frame_->mask, .position = frame_->position};
}

std::size_t store_frame_header(MutableBytes out, Opcode opcode, std::size_t payload_bytes,
                               std::optional<Mask> mask) {
  const std::uint8_t mask_bit = mask ? k_mask_bit : 0;
  std::size_t size = 2;
  out[0] = static_cast<std::uint8_t>(k_final_bit | static_cast<std::uint8_t>(opcode));
  if (payload_bytes < 126) {
    out[1] = static_cast<std::uint8_t>(mask_bit | payload_bytes);
  } else if (payload_bytes <= 0xffff) {
    out[1] = mask_bit | 126;
    store_be16(out.subspan(size), static_cast<std::uint16_t>(payload_bytes));
    size += 2;
  } else {
    out[1] = mask_bit | 127;
    store_be64(out.subspan(size), payload_bytes);
    size += 8;
  }
  if (mask) {
    std::ranges::copy(*mask, out.subspan(size).begin());
    size += mask->size();
  }
  return size;
}

void append_frame(Bytes& out, Opcode opcode, BytesView payload, std::optional<Mask> mask) {
  std::array<std::uint8_t, k_frame_header_bytes_max> header{};
  const std::size_t size = store_frame_header(header, opcode, payload.size(), mask);
  append(out, BytesView(header).first(size));
  if (!mask) {
    append(out, payload);
    return;
  }
  const std::size_t start = out.size();
  out.resize(start + payload.size());
  copy_masked(MutableBytes(out).subspan(start), payload, *mask);
}

Bytes encode_frame(Opcode opcode, BytesView payload, std::optional<Mask> mask) {
  Bytes frame;
  frame.reserve(payload.size() + k_frame_header_bytes_max);
  append_frame(frame, opcode, payload, mask);
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

Result<Close> decode_close_payload(BytesView payload) {
  if (payload.empty()) {
    return Close{};
  }
  if (payload.size() == 1) {
    return fail(WebSocketError::bad_frame);
  }
  const Close close{.code = load_be16(payload), .reason = as_text(payload.subspan(2))};
  if (!valid_close_code(close.code)) {
    return fail(WebSocketError::bad_frame);
  }
  if (!is_utf8(close.reason)) {
    return fail(WebSocketError::bad_text);
  }
  return close;
}

}  // namespace vivim::websocket
