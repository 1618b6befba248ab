#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "vivim/libp2p/mplex/session.hpp"
#include "vivim/libp2p/transport/muxer.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::mplex {

class MplexStream;

/// How long a closing connection may take to send what is queued and see the peer's end.
inline constexpr auto k_close_time_max = std::chrono::seconds(1);

/// A connection that was busy gives its buffers back when it rested so long.
inline constexpr auto k_trim_interval = std::chrono::seconds(30);

/// The driver of a mplex::Session over one secured stream. mplex has no pings and announces no end:
/// a silent peer is found by the ping protocol, and the end of the stream is the end.
class MplexConnection final : public MuxedConnection {
 public:
  /// `early` is what arrived of the muxer's bytes already.
  MplexConnection(rt::Loop& loop, std::unique_ptr<FrameStream> stream, Bytes early,
                  const Config& config);
  ~MplexConnection() override;

  rt::Co<void> run() override;
  void close(CloseReason reason) override;
  bool closed() const override { return reason_.has_value(); }
  const CloseReason& reason() const override { return *reason_; }
  bool open() const override { return !closed(); }

  /// Errors: too_many_streams; RtError::closed.
  Result<std::unique_ptr<rt::Stream>> open_stream() override;
  rt::Co<std::unique_ptr<rt::Stream>> accept() override;

  void when_idle(std::move_only_function<void()> action) override;
  std::size_t streams() const override { return streams_.size(); }
  std::uint64_t refused_streams() const override { return session_.refused_streams(); }
  std::optional<rt::Duration> rtt() const override { return rtt_; }
  void set_rtt(rt::Duration rtt) override { rtt_ = rtt; }

 private:
  friend class MplexStream;

  rt::Co<void> read_loop();
  rt::Co<Result<void>> read_frames();
  rt::Co<void> write_loop();
  rt::Co<void> keep_loop();
  void on_timer();
  void set_timer();

  /// Distributes the session's events and wakes reader and writer: after every call of the session.
  void settle();
  void on_event(const Event& event);
  MplexStream* find(StreamId id);
  std::unique_ptr<MplexStream> make_stream(StreamId id);
  void forget(StreamId id);
  void update_idle();
  Time now() const { return loop_.clock().now().time_since_epoch(); }

  rt::Loop& loop_;
  std::unique_ptr<FrameStream> secure_;
  Bytes early_;
  Session session_;
  std::map<StreamId, MplexStream*> streams_;
  std::deque<std::unique_ptr<MplexStream>> accepted_;
  std::unique_ptr<rt::Timer> timer_;
  rt::Event transmit_;
  rt::Event input_wanted_;
  rt::Event acceptable_;
  rt::Event closing_;
  rt::Event flushed_;
  rt::Event read_ended_;
  std::move_only_function<void()> on_idle_;
  Bytes transmit_buffer_;
  std::optional<CloseReason> reason_;
  std::optional<rt::Duration> rtt_;
  rt::TimePoint deadline_ = rt::TimePoint::max();  ///< what timer_ is set to
  rt::TimePoint close_deadline_{};
  rt::TimePoint trim_at_ = rt::TimePoint::max();
  bool writing_ = false;
  rt::TaskGroup tasks_;
};

/// Makes MplexConnections.
class MplexMuxer final : public Muxer {
 public:
  explicit MplexMuxer(const Config& config = {}) : config_(config) {}
  std::string_view protocol_id() const override { return k_protocol_id; }
  std::unique_ptr<MuxedConnection> make(rt::Loop& loop, Direction direction,
                                        std::unique_ptr<FrameStream> stream, Bytes early) override;

 private:
  Config config_;
};

}  // namespace vivim::libp2p::mplex
