#include "vivim/libp2p/host/yamux_muxer.hpp"

#include "vivim/libp2p/transport/session_connection.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

yamux::StreamId id_of(MuxerSession::StreamKey key) {
  return static_cast<yamux::StreamId>(key);
}

MuxerSession::StreamKey key_of(yamux::StreamId id) {
  return static_cast<MuxerSession::StreamKey>(id);
}

/// yamux has a code of its own for this one.
CloseCode code_of(std::uint32_t go_away) {
  return go_away == static_cast<std::uint32_t>(yamux::GoAwayCode::protocol_error)
             ? CloseCode::protocol_violation
             : CloseCode{go_away};
}

class YamuxSession final : public MuxerSession {
 public:
  YamuxSession(yamux::Role role, const yamux::Config& config, Time now)
      : core_(role, config, now) {}

  Result<void> feed(BytesView in, Time now) override { return core_.feed(in, now); }
  std::size_t poll_transmit(MutableBytes out, Time now) override {
    return core_.poll_transmit(out, now);
  }
  bool wants_transmit() const override { return core_.wants_transmit(); }
  std::optional<Event> poll_event() override;
  std::optional<Time> next_deadline() const override { return core_.next_deadline(); }
  Result<void> on_deadline(Time now) override { return core_.on_deadline(now); }
  void leave(CloseCode code) override {
    core_.go_away(code == CloseCode::protocol_violation ? yamux::GoAwayCode::protocol_error
                                                        : yamux::GoAwayCode{to_value(code)});
  }
  void abandon() override { core_.abandon(); }
  void trim() override { core_.trim(); }
  std::size_t held_bytes() const override { return core_.held_bytes(); }

  Result<StreamKey> open_stream() override {
    VIVIM_TRY(const auto id, core_.open_stream());
    return key_of(id);
  }
  Result<ReadOutcome> read(StreamKey stream, MutableBytes into) override {
    VIVIM_TRY(const auto found, core_.read(id_of(stream), into));
    return ReadOutcome{.count = found.count, .at_end = found.at_end};
  }
  void expect(StreamKey stream, MutableBytes into) override { core_.expect(id_of(stream), into); }
  Result<std::size_t> write(StreamKey stream, BytesView bytes) override {
    return core_.write(id_of(stream), bytes);
  }
  bool lend(StreamKey stream, BytesView bytes) override { return core_.lend(id_of(stream), bytes); }
  Result<std::size_t> lent(StreamKey stream) override { return core_.lent(id_of(stream)); }
  void take_back(StreamKey stream) override { core_.take_back(id_of(stream)); }
  Result<void> close_write(StreamKey stream) override { return core_.close_write(id_of(stream)); }
  void reset(StreamKey stream, std::uint32_t code) override { core_.reset(id_of(stream), code); }
  void release(StreamKey stream) override { core_.release(id_of(stream)); }
  Error translate(const Error& error) const override {
    if (error.is(yamux::YamuxError::stream_closed)) {
      return rt::RtError::closed;
    }
    return Error(rt::RtError::reset,
                 error.is(yamux::YamuxError::stream_reset) ? error.detail() : 0);
  }

  std::uint64_t refused_streams() const override { return core_.refused_streams(); }
  std::optional<Time> rtt() const override { return core_.rtt(); }
  void set_rtt(Time rtt) override { core_.set_rtt(rtt); }

 private:
  yamux::Session core_;
};

std::optional<MuxerSession::Event> YamuxSession::poll_event() {
  while (const auto event = core_.poll_event()) {
    switch (event->kind) {
      case yamux::EventKind::opened:
        return Event{.kind = EventKind::opened, .stream = key_of(event->stream)};
      case yamux::EventKind::readable:
      case yamux::EventKind::writable:
      case yamux::EventKind::closed:
      case yamux::EventKind::reset:
        return Event{.kind = EventKind::changed, .stream = key_of(event->stream)};
      case yamux::EventKind::go_away:
        return Event{.kind = EventKind::leaving, .code = code_of(event->code)};
      case yamux::EventKind::can_open:
      case yamux::EventKind::pong:
        break;
    }
  }
  return std::nullopt;
}

}  // namespace

YamuxMuxer::YamuxMuxer(const yamux::Config& config, std::uint64_t windows_growth_bytes_max)
    : budget_(windows_growth_bytes_max), config_(config) {
  config_.windows = &budget_;
}

std::unique_ptr<MuxedConnection> YamuxMuxer::make(rt::Loop& loop, Direction direction,
                                                  std::unique_ptr<FrameStream> stream,
                                                  Bytes early) {
  const auto role = direction == Direction::outbound ? yamux::Role::dialer : yamux::Role::listener;
  return std::make_unique<SessionConnection>(
      loop, std::make_unique<YamuxSession>(role, config_, loop.clock().now().time_since_epoch()),
      std::move(stream), std::move(early));
}

}  // namespace vivim::libp2p
