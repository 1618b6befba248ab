#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "vivim/libp2p/transport/connection.hpp"
#include "vivim/libp2p/transport/muxer_session.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p {

class SessionStream;

/// How long a closing connection may take to send what is queued and see the peer's end.
inline constexpr auto k_close_time_max = std::chrono::seconds(1);

/// A connection that was busy gives its buffers back when it rested so long.
inline constexpr auto k_trim_interval = std::chrono::seconds(5);

/// The driver of a muxer's session over one secured stream: the same for every muxer.
class SessionConnection final : public MuxedConnection, private FrameSource {
 public:
  /// `early` is what arrived of the muxer's bytes already.
  SessionConnection(rt::Loop& loop, std::unique_ptr<MuxerSession> session,
                    std::unique_ptr<FrameStream> stream, Bytes early);
  ~SessionConnection() override;

  rt::Co<void> run() override;
  void close(CloseReason reason) override;
  bool closed() const override { return reason_.has_value(); }
  const CloseReason& reason() const override { return *reason_; }
  bool open() const override { return !closed() && !remote_leaves_; }

  /// Errors: the session's of open_stream; RtError::closed.
  Result<std::unique_ptr<rt::Stream>> open_stream() override;
  rt::Co<std::unique_ptr<rt::Stream>> accept() override;

  void when_idle(std::move_only_function<void()> action) override;
  std::size_t streams() const override { return streams_.size(); }
  std::uint64_t refused_streams() const override { return session_->refused_streams(); }
  std::uint64_t held_bytes() const override;
  void count_memory(MemoryAccount::Report report) override;
  std::optional<rt::Duration> rtt() const override { return session_->rtt(); }
  void set_rtt(rt::Duration rtt) override { session_->set_rtt(rtt); }

 private:
  friend class SessionStream;
  using StreamKey = MuxerSession::StreamKey;

  rt::Co<void> read_loop();
  rt::Co<Result<void>> read_frames();
  rt::Co<void> write_loop();
  std::size_t take(MutableBytes out) override;
  rt::Co<void> keep_loop();
  void on_timer();
  void trim_if_resting(rt::TimePoint time);
  void set_timer();

  /// Distributes the session's events and wakes reader and writer: after every call of the session.
  void settle();
  void on_event(const MuxerSession::Event& event);
  void account();
  void note_activity();
  std::unique_ptr<SessionStream> make_stream(StreamKey key);
  void forget(StreamKey key);
  void update_idle();
  MuxerSession::Time now() const { return loop_.clock().now().time_since_epoch(); }

  rt::Loop& loop_;
  std::unique_ptr<FrameStream> secure_;
  Bytes early_;
  std::unique_ptr<MuxerSession> session_;
  MemoryAccount memory_;
  std::map<StreamKey, SessionStream*> streams_;
  std::list<std::unique_ptr<SessionStream>> accepted_;  ///< a list takes no memory when empty
  std::unique_ptr<rt::Timer> timer_;
  rt::Event transmit_;
  rt::Event input_wanted_;
  rt::Event acceptable_;
  rt::Event closing_;
  rt::Event flushed_;
  rt::Event read_ended_;
  std::move_only_function<void()> on_idle_;
  std::optional<CloseReason> reason_;
  rt::TimePoint deadline_ = rt::TimePoint::max();  ///< what timer_ is set to
  rt::TimePoint close_deadline_{};
  rt::TimePoint trim_at_ = rt::TimePoint::max();
  bool active_ = false;  ///< since trim_at_ was set
  bool abandoned_ = false;
  bool remote_leaves_ = false;
  bool writing_ = false;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p
