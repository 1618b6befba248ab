#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "vivim/libp2p/transport/muxer.hpp"
#include "vivim/libp2p/yamux/session.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p {

class MuxedStream;

/// How long a closing connection may take to send what is queued and see the peer's end.
inline constexpr auto k_close_time_max = std::chrono::seconds(1);

/// The driver of a yamux::Session over one secured stream.
class YamuxConnection final : public MuxedConnection {
 public:
  /// `early` is what arrived of the muxer's bytes already.
  YamuxConnection(rt::Loop& loop, Direction direction, std::unique_ptr<FrameStream> stream,
                  Bytes early, const yamux::Config& config);
  ~YamuxConnection() override;

  rt::Co<void> run() override;
  void close(CloseReason reason) override;
  bool closed() const override { return reason_.has_value(); }
  const CloseReason& reason() const override { return *reason_; }
  bool open() const override { return !closed() && !remote_leaves_; }

  /// Errors: yamux's of open_stream; RtError::closed.
  Result<std::unique_ptr<rt::Stream>> open_stream() override;
  rt::Co<std::unique_ptr<rt::Stream>> accept() override;

  void when_idle(std::move_only_function<void()> action) override;
  std::size_t streams() const override { return streams_.size(); }
  std::uint64_t refused_streams() const override { return session_.refused_streams(); }
  std::optional<rt::Duration> rtt() const override { return session_.rtt(); }
  void set_rtt(rt::Duration rtt) override { session_.set_rtt(rtt); }

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
  std::unique_ptr<FrameStream> secure_;
  Bytes early_;
  yamux::Session session_;
  std::map<yamux::StreamId, MuxedStream*> streams_;
  std::list<std::unique_ptr<MuxedStream>> accepted_;  ///< a list takes no memory when empty
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

/// Makes YamuxConnections.
class YamuxMuxer final : public Muxer {
 public:
  explicit YamuxMuxer(const yamux::Config& config) : config_(config) {}
  std::string_view protocol_id() const override { return yamux::k_protocol_id; }
  std::unique_ptr<MuxedConnection> make(rt::Loop& loop, Direction direction,
                                        std::unique_ptr<FrameStream> stream, Bytes early) override;

 private:
  yamux::Config config_;
};

}  // namespace vivim::libp2p
