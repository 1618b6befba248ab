#include "vivim/base/log.hpp"
#include "vivim/gateway/error.hpp"
#include "vivim/gateway/http.hpp"
#include "vivim/gateway/websocket_session_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::gateway {

namespace {

using websocket::Masking;
using websocket::Opcode;
using websocket::WebSocketError;

constexpr std::size_t k_socket_read_bytes = 64 * 1024;
constexpr std::size_t k_control_frames_max = 64;

bool is_protocol_error(const Error& error) {
  return error.is(WebSocketError::bad_frame) || error.is(WebSocketError::bad_text) ||
         error.is(WebSocketError::message_too_large);
}

}  // namespace

StreamWebSocket::StreamWebSocket(rt::Loop& loop, rt::Stream& stream, const ServerLimits& limits)
    : loop_(loop),
      stream_(stream),
      limits_(limits),
      tasks_(loop),
      timer_(loop.make_timer()),
      decoder_(Masking::required, limits.ws_message_bytes_max),
      queue_changed_(loop),
      queue_shrank_(loop),
      last_read_(loop.clock().now()) {}

StreamWebSocket::~StreamWebSocket() = default;

Co<void> StreamWebSocket::run(WebSocketSession session) {
  tasks_.spawn("websocket writer", write_queue());
  tasks_.spawn("websocket watchdog", watch());
  co_await run_session(session);
  co_await finish_close();
  finished_ = true;
  timer_->cancel();
  kill();
  co_await tasks_.stop();
}

Co<void> StreamWebSocket::run_session(WebSocketSession& session) {
  try {
    co_await session(*this);
  } catch (const std::exception& exception) {
    log::write(log::Level::error, "gateway", "a WebSocket session threw",
               {{"what", std::string_view(exception.what())}});
    close(CloseCode::internal, "internal error");
  }
}

void StreamWebSocket::kill() {
  broken_ = true;
  stream_.reset();
  queue_changed_.set();
  queue_shrank_.set();
}

bool StreamWebSocket::has_room(std::size_t bytes) const {
  return queue_.size() < limits_.ws_queue_messages_max &&
         (queue_.empty() || queued_bytes_ + bytes <= limits_.ws_queue_bytes_max);
}

void StreamWebSocket::enqueue(Opcode opcode, BytesView payload) {
  queue_.push_back(websocket::encode_frame(opcode, payload));
  queued_bytes_ += queue_.back().size();
  queue_changed_.set();
}

void StreamWebSocket::drop_queue() {
  queue_.clear();
  queued_bytes_ = 0;
}

bool StreamWebSocket::try_send(Message message) {
  if (closing()) {
    return false;
  }
  if (!has_room(message.data.size())) {
    drop_queue();
    close(CloseCode::try_again_later, "reads too slowly");
    return false;
  }
  enqueue(message.kind == Message::Kind::text ? Opcode::text : Opcode::binary, message.data);
  return true;
}

Co<Result<void>> StreamWebSocket::send(Message message) {
  while (!closing() && !has_room(message.data.size())) {
    queue_shrank_.reset();
    co_await queue_shrank_.wait();
  }
  if (!try_send(std::move(message))) {
    co_return fail(GatewayError::ws_closed, close_code_);
  }
  co_return Result<void>{};
}

void StreamWebSocket::close(CloseCode code, std::string_view reason) {
  begin_close(static_cast<std::uint16_t>(code), reason);
}

void StreamWebSocket::begin_close(std::uint16_t code, std::string_view reason) {
  if (closing()) {
    return;
  }
  closing_ = true;
  close_code_ = code;
  enqueue(Opcode::close, code == websocket::k_no_close_code
                             ? Bytes{}
                             : websocket::encode_close_payload(code, reason));
  close_deadline_ = loop_.clock().now() + limits_.ws_close_timeout;
  timer_->expire_at(next_deadline());
  queue_shrank_.set();  // senders that wait learn that it is over
}

std::unexpected<Error> StreamWebSocket::broke(Error error) {
  if (is_protocol_error(error)) {
    const CloseCode code = error.is(WebSocketError::message_too_large) ? too_large_code_
                           : error.is(WebSocketError::bad_text)        ? CloseCode::bad_text
                                                                       : CloseCode::protocol_error;
    close(code, error.domain().describe(error.code()).message);
    unreadable_ = true;
  } else {
    broken_ = true;
    queue_changed_.set();
    queue_shrank_.set();
  }
  return fail(error);
}

Co<Result<void>> StreamWebSocket::read_more() {
  if (!early_.empty()) {
    const Bytes early = std::exchange(early_, {});
    co_return decoder_.feed(early);
  }
  buffer_.resize(k_socket_read_bytes);
  VIVIM_CO_TRY(const std::size_t n, co_await stream_.read_some(buffer_));
  if (n == 0) {
    co_return fail(rt::RtError::end_of_stream);
  }
  last_read_ = loop_.clock().now();
  ping_sent_ = false;
  co_return decoder_.feed(BytesView(buffer_).first(n));
}

std::optional<Result<Message>> StreamWebSocket::on_event(websocket::MessageEvent event) {
  switch (event.opcode) {
    case Opcode::ping:
      // A flood of pings that is not read back is answered as far as the bound allows.
      if (!closing() && queue_.size() < limits_.ws_queue_messages_max + k_control_frames_max) {
        enqueue(Opcode::pong, event.data);
      }
      return std::nullopt;
    case Opcode::pong:
    case Opcode::continuation:
      return std::nullopt;
    case Opcode::close:
      close_received_ = true;
      begin_close(event.close_code, "");
      return fail(GatewayError::ws_closed, event.close_code);
    case Opcode::text:
      return Message{.kind = Message::Kind::text, .data = std::move(event.data)};
    case Opcode::binary:
      return Message{.kind = Message::Kind::binary, .data = std::move(event.data)};
  }
  return std::nullopt;
}

Co<Result<Message>> StreamWebSocket::receive() {
  for (;;) {
    if (closing()) {
      co_return fail(GatewayError::ws_closed, close_code_);
    }
    if (auto event = decoder_.poll()) {
      if (auto outcome = on_event(std::move(*event))) {
        co_return std::move(*outcome);
      }
      continue;
    }
    if (const auto read = co_await read_more(); !read) {
      co_return broke(read.error());
    }
  }
}

Co<void> StreamWebSocket::write_queue() {
  while (!finished_ && !broken_) {
    if (queue_.empty()) {
      if (closing_) {
        co_return;  // the close frame is out: nothing may follow it
      }
      queue_changed_.reset();
      co_await queue_changed_.wait();
      continue;
    }
    const Bytes frame = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= frame.size();
    write_deadline_ = loop_.clock().now() + limits_.write_timeout;
    timer_->expire_at(next_deadline());
    const auto written = co_await stream_.write(frame);
    write_deadline_.reset();
    queue_shrank_.set();
    if (!written) {
      kill();
      co_return;
    }
  }
}

rt::TimePoint StreamWebSocket::next_deadline() const {
  auto next =
      last_read_ + (ping_sent_ || closing_ ? limits_.ws_silence_timeout : limits_.ws_ping_interval);
  if (write_deadline_) {
    next = std::min<rt::TimePoint>(next, *write_deadline_);
  }
  if (close_deadline_) {
    next = std::min<rt::TimePoint>(next, *close_deadline_);
  }
  return next;
}

Co<void> StreamWebSocket::watch() {
  while (!finished_ && !broken_) {
    timer_->expire_at(next_deadline());
    co_await timer_->wait();
    if (!finished_ && !broken_) {
      on_deadline(loop_.clock().now());
    }
  }
}

void StreamWebSocket::on_deadline(rt::TimePoint now) {
  const bool silent = now >= last_read_ + limits_.ws_silence_timeout;
  const bool write_stuck = write_deadline_ && now >= *write_deadline_;
  const bool close_stuck = close_deadline_ && now >= *close_deadline_;
  if (silent || write_stuck || close_stuck) {
    kill();
    return;
  }
  if (!ping_sent_ && !closing_ && now >= last_read_ + limits_.ws_ping_interval) {
    ping_sent_ = true;
    enqueue(Opcode::ping, {});
  }
}

Co<void> StreamWebSocket::finish_close() {
  close(CloseCode::normal, "");
  // The watchdog ends these waits by resetting the stream.
  while (!close_received_ && !unreadable_ && !broken_) {
    if (auto event = decoder_.poll()) {
      close_received_ = event->opcode == Opcode::close;
    } else if (const auto read = co_await read_more(); !read) {
      unreadable_ = true;
    }
  }
  while ((!queue_.empty() || write_deadline_) && !broken_) {
    queue_shrank_.reset();
    co_await queue_shrank_.wait();
  }
  if (!broken_) {
    // RFC 6455 section 7.1.1: the server closes the TCP connection first.
    (void)co_await stream_.close_write();
    co_await drain();
  }
}

Co<void> StreamWebSocket::drain() {
  buffer_.resize(k_socket_read_bytes);
  for (;;) {
    const auto n = co_await stream_.read_some(buffer_);
    if (!n || *n == 0) {
      co_return;
    }
  }
}

}  // namespace vivim::gateway
