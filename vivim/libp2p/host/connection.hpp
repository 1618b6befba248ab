#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "vivim/libp2p/host/secure_stream.hpp"
#include "vivim/libp2p/host/upgrade.hpp"
#include "vivim/libp2p/transport/close_reason.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p {

class MuxedStream;

/// How long a closing connection may take to send what is queued and see the peer's end.
inline constexpr auto k_close_time_max = std::chrono::seconds(1);

/// Many streams over one secured connection: the driver of a yamux::Session. Its owner awaits run()
/// and destroys it then; streams that are still held can read what had arrived until that, and fail
/// from then on.
class Connection {
 public:
  Connection(rt::Loop& loop, Direction direction, Upgraded upgraded, yamux::Config config);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Moves bytes until the connection is closed by either side; returns when all its tasks ended.
  rt::Co<void> run();

  /// Begins the end: announces it, sends what is queued, and closes. The first reason counts.
  void close(CloseReason reason);
  bool closed() const { return reason_.has_value(); }
  /// Why it closed; only once closed().
  const CloseReason& reason() const { return *reason_; }
  /// Whether new streams can be opened: neither side has announced the end.
  bool open() const { return !closed() && !remote_leaves_; }

  /// Opens a stream, at once. Errors: yamux's of open_stream; RtError::closed.
  Result<std::unique_ptr<rt::Stream>> open_stream();
  /// The next stream that the peer opened; null once closed.
  rt::Co<std::unique_ptr<rt::Stream>> accept();

  /// Calls `action` once, when the connection is closed and nobody holds a stream of it.
  void when_idle(std::move_only_function<void()> action);
  std::size_t streams() const { return streams_.size(); }
  std::optional<rt::Duration> rtt() const { return session_.rtt(); }
  void set_rtt(rt::Duration rtt) { session_.set_rtt(rtt); }

 private:
  friend class MuxedStream;

  rt::Co<void> read_loop();
  rt::Co<Result<void>> read_frames();
  rt::Co<void> write_loop();
  rt::Co<void> keep_loop();
  void on_timer();

  /// Distributes the session's events and wakes the writer: after every call of the session.
  void settle();
  void on_event(const yamux::Event& event);
  MuxedStream* find(yamux::StreamId id);
  std::unique_ptr<MuxedStream> make_stream(yamux::StreamId id);
  void forget(yamux::StreamId id);
  void update_idle();
  yamux::Time now() const { return loop_.clock().now().time_since_epoch(); }

  rt::Loop& loop_;
  std::unique_ptr<SecureStream> secure_;
  Bytes early_;
  yamux::Session session_;
  std::map<yamux::StreamId, MuxedStream*> streams_;
  std::deque<std::unique_ptr<MuxedStream>> accepted_;
  std::unique_ptr<rt::Timer> timer_;
  rt::Event transmit_;
  rt::Event acceptable_;
  rt::Event closing_;
  rt::Event flushed_;
  rt::Event read_ended_;
  std::move_only_function<void()> on_idle_;
  Bytes transmit_buffer_;
  std::optional<CloseReason> reason_;
  rt::TimePoint close_deadline_{};
  bool remote_leaves_ = false;
  bool writing_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p
