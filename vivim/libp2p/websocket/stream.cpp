#include "vivim/libp2p/websocket/stream.hpp"

#include <algorithm>

#include "vivim/rt/error.hpp"

namespace vivim::libp2p::websocket {

namespace {

using vivim::websocket::FrameReader;
using vivim::websocket::Mask;
using vivim::websocket::Masking;
using vivim::websocket::Opcode;
using vivim::websocket::Piece;

constexpr std::uint16_t k_close_normal = 1000;
constexpr std::uint16_t k_close_protocol_error = 1002;
/// A write buffer above this is given back by the next small write: connections rest often.
constexpr std::size_t k_kept_bytes = std::size_t{4} << 10;

}  // namespace

/// Who holds it writes; the next waits.
class WebSocketStream::WriteTurn {
 public:
  explicit WriteTurn(WebSocketStream& stream) : stream_(stream) { stream_.writing_ = true; }
  WriteTurn(const WriteTurn&) = delete;
  WriteTurn& operator=(const WriteTurn&) = delete;
  ~WriteTurn() {
    stream_.writing_ = false;
    stream_.write_free_.set();
  }

 private:
  WebSocketStream& stream_;
};

WebSocketStream::WebSocketStream(std::unique_ptr<rt::Stream> transport, Role role, rt::Loop& loop,
                                 rt::Rng& rng)
    : transport_(std::move(transport)),
      role_(role),
      rng_(rng),
      reader_(role == Role::server ? Masking::required : Masking::forbidden,
              {.frame_bytes_max = k_frame_bytes_max}),
      write_free_(loop) {}

WebSocketStream::~WebSocketStream() = default;

rt::Co<Result<std::size_t>> WebSocketStream::read_some(MutableBytes into) {
  for (;;) {
    if (failed_) {
      co_return fail(*failed_);
    }
    if (close_received_) {
      co_return co_await at_end();
    }
    VIVIM_CO_TRY(const auto count, co_await transport_->read_some(into));
    if (count == 0) {
      close_received_ = true;
      if (reader_.frame_bytes_left() > 0) {
        failed_ = Error(rt::RtError::end_of_stream, reader_.frame_bytes_left());
      }
      continue;
    }
    const std::size_t size = unpack(into, count);
    if (pong_ || failed_) {
      co_await answer();
    }
    if (size > 0) {
      co_return size;
    }
  }
}

/// Moves the payloads in the first `size` bytes of `buffer` to its front, and returns how many
/// bytes they are.
std::size_t WebSocketStream::unpack(MutableBytes buffer, std::size_t size) {
  BytesView in = buffer.first(size);
  std::size_t out = 0;
  while (!close_received_) {
    const auto piece = reader_.next(in);
    if (!piece) {
      failed_ = piece.error();
      break;
    }
    if (!*piece) {
      if (in.empty()) {
        break;
      }
      continue;
    }
    if (is_control((*piece)->opcode)) {
      if (const auto taken = take_control(**piece); !taken) {
        failed_ = taken.error();
        break;
      }
      continue;
    }
    if ((*piece)->opcode == Opcode::text) {
      failed_ = Error(WsError::text_message);
      break;
    }
    (*piece)->copy_to(buffer.subspan(out));
    out += (*piece)->data.size();
  }
  return out;
}

Result<void> WebSocketStream::take_control(const Piece& piece) {
  if (piece.opcode == Opcode::close) {
    close_received_ = true;
    VIVIM_TRYV(vivim::websocket::decode_close_payload(piece.data));
  } else if (piece.opcode == Opcode::ping) {
    pong_ = to_bytes(piece.data);  // RFC 6455 section 5.5.3: the last ping is answered
  }
  return {};
}

/// Both sides said the end, or only the other: then our own close_write() is still to come.
rt::Co<Result<std::size_t>> WebSocketStream::at_end() {
  if (close_sent_ && !writing_) {
    const WriteTurn turn(*this);
    (void)co_await transport_->close_write();
  }
  co_return std::size_t{0};
}

/// Answers what was read, unless somebody writes: who does so answers then.
rt::Co<void> WebSocketStream::answer() {
  if (writing_) {
    co_return;
  }
  const WriteTurn turn(*this);
  (void)co_await flush_control();
}

rt::Co<Result<void>> WebSocketStream::flush_control() {
  while (pong_ && !close_sent_) {
    const Bytes payload = *std::exchange(pong_, std::nullopt);
    VIVIM_CO_TRYV(co_await write_frame(Opcode::pong, payload));
  }
  if (failed_ && !close_sent_) {
    close_sent_ = true;
    const Bytes payload =
        vivim::websocket::encode_close_payload(k_close_protocol_error, "malformed");
    VIVIM_CO_TRYV(co_await write_frame(Opcode::close, payload));
  }
  co_return Result<void>{};
}

rt::Co<Result<void>> WebSocketStream::write(BytesView bytes) {
  while (writing_) {
    write_free_.reset();
    co_await write_free_.wait();
  }
  const WriteTurn turn(*this);
  while (!bytes.empty()) {
    if (close_sent_) {
      co_return fail(rt::RtError::closed);
    }
    const BytesView part = bytes.first(std::min(bytes.size(), k_sent_payload_bytes_max));
    bytes = bytes.subspan(part.size());
    VIVIM_CO_TRYV(co_await write_frame(Opcode::binary, part));
    VIVIM_CO_TRYV(co_await flush_control());
  }
  co_return Result<void>{};
}

rt::Co<Result<void>> WebSocketStream::write_frame(Opcode opcode, BytesView payload) {
  const std::size_t room = vivim::websocket::k_frame_header_bytes_max + payload.size();
  if (out_.size() < room || (out_.size() > k_kept_bytes && room < k_kept_bytes)) {
    out_ = Bytes(room);
  }
  const auto mask = next_mask();
  const std::size_t header =
      vivim::websocket::store_frame_header(out_, opcode, payload.size(), mask);
  const Piece whole{.data = payload, .mask = mask};
  whole.copy_to(MutableBytes(out_).subspan(header));
  co_return co_await transport_->write(BytesView(out_).first(header + payload.size()));
}

std::optional<Mask> WebSocketStream::next_mask() {
  if (role_ == Role::server) {
    return std::nullopt;
  }
  if (random_used_ == random_.size()) {
    rng_.fill(random_);
    random_used_ = 0;
  }
  Mask mask{};
  std::copy_n(random_.begin() + static_cast<std::ptrdiff_t>(random_used_), mask.size(),
              mask.begin());
  random_used_ += mask.size();
  return mask;
}

rt::Co<Result<void>> WebSocketStream::close_write() {
  while (writing_) {
    write_free_.reset();
    co_await write_free_.wait();
  }
  const WriteTurn turn(*this);
  if (!std::exchange(close_sent_, true)) {
    const Bytes payload = vivim::websocket::encode_close_payload(k_close_normal, "");
    VIVIM_CO_TRYV(co_await write_frame(Opcode::close, payload));
  }
  if (close_received_) {
    co_return co_await transport_->close_write();
  }
  co_return Result<void>{};
}

void WebSocketStream::reset(std::uint32_t reason) {
  transport_->reset(reason);
}

}  // namespace vivim::libp2p::websocket
