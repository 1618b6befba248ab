#include "vivim/websocket/message_decoder.hpp"

#include <utility>

#include "vivim/base/utf8.hpp"

namespace vivim::websocket {

Result<void> MessageDecoder::feed(BytesView in) {
  for (;;) {
    VIVIM_TRY(const auto piece, reader_.next(in));
    if (piece) {
      VIVIM_TRYV(take(*piece));
    } else if (in.empty()) {
      return {};
    }
  }
}

Result<void> MessageDecoder::take(const Piece& piece) {
  if (piece.opcode == Opcode::close) {
    return take_close(piece.data);
  }
  if (is_control(piece.opcode)) {
    events_.push_back({.opcode = piece.opcode, .data = to_bytes(piece.data)});
    return {};
  }
  const std::size_t start = message_.size();
  message_.resize(start + piece.data.size());
  piece.copy_to(MutableBytes(message_).subspan(start));
  if (!piece.last) {
    return {};
  }
  Bytes message = std::exchange(message_, {});
  if (piece.opcode == Opcode::text && !is_utf8(as_text(message))) {
    return fail(WebSocketError::bad_text);
  }
  events_.push_back({.opcode = piece.opcode, .data = std::move(message)});
  return {};
}

Result<void> MessageDecoder::take_close(BytesView payload) {
  VIVIM_TRY(const auto close, decode_close_payload(payload));
  events_.push_back(
      {.opcode = Opcode::close, .data = to_bytes(close.reason), .close_code = close.code});
  return {};
}

std::optional<MessageEvent> MessageDecoder::poll() {
  if (events_.empty()) {
    return std::nullopt;
  }
  std::optional<MessageEvent> event(std::move(events_.front()));
  events_.pop_front();
  return event;
}

}  // namespace vivim::websocket
