#pragma once

#include <deque>
#include <memory>

#include "vivim/gateway/http.hpp"
#include "vivim/gateway/limits.hpp"
#include "vivim/gateway/websocket.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/websocket/message_decoder.hpp"

namespace vivim::gateway {

/// The server's side of a WebSocket over a stream whose upgrade response was already sent.
class StreamWebSocket final : public WebSocket {
 public:
  StreamWebSocket(rt::Loop& loop, rt::Stream& stream, const ServerLimits& limits);
  ~StreamWebSocket() override;

  /// Bytes that were read behind the upgrade request.
  void feed_early(BytesView bytes) { early_ = to_bytes(bytes); }
  /// Runs `session`, then the closing handshake; returns when nothing of this socket runs any more.
  Co<void> run(WebSocketSession session);
  /// Ends everything at once.
  void kill();

  Co<Result<Message>> receive() override;
  Co<Result<void>> send(Message message) override;
  bool try_send(Message message) override;
  void close(CloseCode code, std::string_view reason) override;
  void set_too_large_code(CloseCode code) override { too_large_code_ = code; }
  bool closing() const override { return closing_ || broken_; }
  std::size_t queued_bytes() const override { return queued_bytes_; }

 private:
  bool has_room(std::size_t bytes) const;
  void enqueue(websocket::Opcode opcode, BytesView payload);
  void drop_queue();
  void begin_close(std::uint16_t code, std::string_view reason);
  Co<Result<void>> read_more();
  std::optional<Result<Message>> on_event(websocket::MessageEvent event);
  std::unexpected<Error> broke(Error error);
  Co<void> write_queue();
  Co<void> watch();
  void on_deadline(rt::TimePoint now);
  rt::TimePoint next_deadline() const;
  Co<void> finish_close();
  Co<void> drain();
  Co<void> run_session(WebSocketSession& session);

  rt::Loop& loop_;
  rt::Stream& stream_;
  const ServerLimits& limits_;
  rt::TaskGroup tasks_;
  std::unique_ptr<rt::Timer> timer_;
  websocket::MessageDecoder decoder_;
  Bytes early_;
  Bytes buffer_;
  std::deque<Bytes> queue_;  ///< encoded frames
  std::size_t queued_bytes_ = 0;
  rt::Event queue_changed_;
  rt::Event queue_shrank_;
  rt::TimePoint last_read_;
  std::optional<rt::TimePoint> write_deadline_;
  std::optional<rt::TimePoint> close_deadline_;
  std::uint16_t close_code_ = 0;
  CloseCode too_large_code_ = CloseCode::message_too_large;
  bool ping_sent_ = false;
  bool closing_ = false;  ///< a close frame is queued or sent
  bool close_received_ = false;
  bool unreadable_ = false;  ///< what comes in makes no sense any more
  bool broken_ = false;      ///< the stream failed or was reset
  bool finished_ = false;    ///< run() is over: tasks end
};

}  // namespace vivim::gateway
