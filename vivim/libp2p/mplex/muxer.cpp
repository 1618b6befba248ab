#include "vivim/libp2p/mplex/muxer.hpp"

#include "vivim/libp2p/transport/session_connection.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::mplex {

namespace {

// Numbers have at most 61 bits.
StreamId id_of(MuxerSession::StreamKey key) {
  return {.number = key >> 1, .ours = (key & 1) != 0};
}

MuxerSession::StreamKey key_of(StreamId id) {
  return id.number << 1 | (id.ours ? 1 : 0);
}

class MplexSession final : public MuxerSession {
 public:
  explicit MplexSession(const Config& config) : core_(config) {}

  Result<void> feed(BytesView in, Time now) override {
    return leaving_ ? Result<void>{} : core_.feed(in, now);
  }
  bool wants_input() const override { return core_.wants_input(); }
  std::size_t poll_transmit(MutableBytes out, Time) override { return core_.poll_transmit(out); }
  bool wants_transmit() const override { return core_.wants_transmit(); }
  std::optional<MuxerSession::Event> poll_event() override;
  std::optional<Time> next_deadline() const override { return core_.next_deadline(); }
  Result<void> on_deadline(Time now) override {
    core_.on_deadline(now);
    return {};
  }
  void leave(CloseCode) override { leaving_ = true; }
  void abandon() override { core_.abandon(); }
  void trim() override {}
  std::size_t held_bytes() const override { return core_.held_bytes(); }

  Result<StreamKey> open_stream() override {
    VIVIM_TRY(const auto id, core_.open_stream());
    return key_of(id);
  }
  Result<MuxerSession::ReadOutcome> read(StreamKey stream, MutableBytes into) override {
    VIVIM_TRY(const auto found, core_.read(id_of(stream), into));
    return MuxerSession::ReadOutcome{.count = found.count, .at_end = found.at_end};
  }
  void expect(StreamKey, MutableBytes) override {}
  Result<std::size_t> write(StreamKey stream, BytesView bytes) override {
    return core_.write(id_of(stream), bytes);
  }
  bool lend(StreamKey, BytesView) override { return false; }
  Result<std::size_t> lent(StreamKey) override { return std::size_t{0}; }
  void take_back(StreamKey) override {}
  Result<void> close_write(StreamKey stream) override { return core_.close_write(id_of(stream)); }
  void reset(StreamKey stream, std::uint32_t) override { core_.reset(id_of(stream)); }
  void release(StreamKey stream) override { core_.release(id_of(stream)); }
  Error translate(const Error& error) const override {
    return error.is(MplexError::stream_closed) ? Error(rt::RtError::closed)
                                               : Error(rt::RtError::reset);
  }

  std::uint64_t refused_streams() const override { return core_.refused_streams(); }
  std::optional<Time> rtt() const override { return rtt_; }
  void set_rtt(Time rtt) override { rtt_ = rtt; }

 private:
  Session core_;
  std::optional<Time> rtt_;
  bool leaving_ = false;
};

std::optional<MuxerSession::Event> MplexSession::poll_event() {
  while (const auto event = core_.poll_event()) {
    if (event->kind != mplex::EventKind::can_open) {
      const bool opened = event->kind == mplex::EventKind::opened;
      return MuxerSession::Event{
          .kind = opened ? MuxerSession::EventKind::opened : MuxerSession::EventKind::changed,
          .stream = key_of(event->stream)};
    }
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<MuxedConnection> MplexMuxer::make(rt::Loop& loop, Direction,
                                                  std::unique_ptr<FrameStream> stream,
                                                  Bytes early) {
  return std::make_unique<SessionConnection>(loop, std::make_unique<MplexSession>(config_),
                                             std::move(stream), std::move(early));
}

}  // namespace vivim::libp2p::mplex
