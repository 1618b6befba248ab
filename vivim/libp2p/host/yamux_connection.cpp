#include "vivim/libp2p/host/yamux_connection.hpp"

#include <algorithm>
#include <array>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/muxed_stream_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

// What one turn of the writer gathers: little while there is little to send.
constexpr std::array<std::size_t, 3> k_transmit_bytes{2048, std::size_t{16} * 1024,
                                                      std::size_t{128} * 1024};

std::size_t next_transmit_bytes(std::size_t size) {
  const auto larger = std::ranges::upper_bound(k_transmit_bytes, size);
  return larger == k_transmit_bytes.end() ? size : *larger;
}

yamux::Role role_of(Direction direction) {
  return direction == Direction::outbound ? yamux::Role::dialer : yamux::Role::listener;
}

}  // namespace

YamuxConnection::YamuxConnection(rt::Loop& loop, Direction direction,
                                 std::unique_ptr<FrameStream> stream, Bytes early,
                                 const yamux::Config& config)
    : loop_(loop),
      secure_(std::move(stream)),
      early_(std::move(early)),
      session_(role_of(direction), config, loop.clock().now().time_since_epoch()),
      timer_(loop.make_timer()),
      transmit_(loop),
      acceptable_(loop),
      closing_(loop),
      flushed_(loop),
      read_ended_(loop),
      tasks_(loop) {
  tasks_.on_stop([this] {
    timer_->cancel();
    transmit_.set();
    secure_->reset(0);
  });
}

YamuxConnection::~YamuxConnection() {
  for (const auto& [id, stream] : streams_) {
    stream->orphan();
  }
}

rt::Co<void> YamuxConnection::run() {
  tasks_.spawn("connection reader", read_loop());
  tasks_.spawn("connection writer", write_loop());
  tasks_.spawn("connection keeper", keep_loop());
  co_await closing_.wait();
  co_await flushed_.wait();
  (void)co_await secure_->close_write();
  co_await read_ended_.wait();
  co_await tasks_.stop();
  secure_->reset(0);
}

void YamuxConnection::close(CloseReason reason) {
  if (closed()) {
    return;
  }
  reason_ = reason;
  session_.go_away(reason.cause == CloseCause::protocol ? yamux::GoAwayCode::protocol_error
                                                        : yamux::GoAwayCode::normal);
  close_deadline_ = loop_.clock().now() + k_close_time_max;
  timer_->expire_at(close_deadline_);
  accepted_.clear();
  for (const auto& [id, stream] : streams_) {
    stream->wake_reader();
    stream->wake_writer();
  }
  transmit_.set();
  acceptable_.set();
  closing_.set();
  update_idle();
}

Result<std::unique_ptr<rt::Stream>> YamuxConnection::open_stream() {
  if (closed()) {
    return fail(rt::RtError::closed);
  }
  VIVIM_TRY(const auto id, session_.open_stream());
  auto stream = make_stream(id);
  settle();
  return stream;
}

rt::Co<std::unique_ptr<rt::Stream>> YamuxConnection::accept() {
  while (accepted_.empty() && !closed()) {
    acceptable_.reset();
    co_await acceptable_.wait();
  }
  if (accepted_.empty()) {
    co_return nullptr;
  }
  auto stream = std::move(accepted_.front());
  accepted_.pop_front();
  co_return stream;
}

rt::Co<void> YamuxConnection::read_loop() {
  const auto result = co_await read_frames();
  if (result) {
    close({.cause = CloseCause::remote});
  } else {
    close(CloseReason::from(result.error()));
  }
  read_ended_.set();
}

rt::Co<Result<void>> YamuxConnection::read_frames() {
  if (const auto fed = session_.feed(std::exchange(early_, Bytes()), now()); !fed) {
    co_return fed;
  }
  settle();
  for (;;) {
    VIVIM_CO_TRY(const auto frame, co_await secure_->read_frame());
    if (frame.empty()) {
      co_return Result<void>{};
    }
    const auto fed = session_.feed(frame, now());
    settle();
    if (!fed) {
      co_return fed;
    }
  }
}

rt::Co<void> YamuxConnection::write_loop() {
  for (;;) {
    if (transmit_buffer_.empty()) {
      transmit_buffer_.resize(k_transmit_bytes.front());
    }
    const std::size_t count = session_.poll_transmit(transmit_buffer_, now());
    settle();
    if (count == 0) {
      if (closed()) {
        break;
      }
      if (transmit_buffer_.size() == k_transmit_bytes.front()) {
        transmit_buffer_ = Bytes();  // a ping was answered
      }
      transmit_.reset();
      co_await transmit_.wait();
      continue;
    }
    writing_ = true;
    const auto written = co_await secure_->write(BytesView(transmit_buffer_).first(count));
    writing_ = false;
    if (!written) {
      close(CloseReason::from(written.error()));
      break;
    }
    if (count > transmit_buffer_.size() / 2) {
      transmit_buffer_.resize(next_transmit_bytes(transmit_buffer_.size()));
    }
  }
  flushed_.set();
}

rt::Co<void> YamuxConnection::keep_loop() {
  while (!tasks_.stopping()) {
    if (closed()) {
      timer_->expire_at(close_deadline_);
    } else if (const auto deadline = session_.next_deadline()) {
      timer_->expire_at(rt::TimePoint(*deadline));
    } else {
      timer_->expire_at(rt::TimePoint::max());
    }
    if (co_await timer_->wait()) {
      on_timer();
    }
  }
}

void YamuxConnection::on_timer() {
  if (closed()) {
    if (loop_.clock().now() >= close_deadline_) {
      close_deadline_ = rt::TimePoint::max();
      secure_->reset(0);
    }
    return;
  }
  if (!writing_ && !session_.wants_transmit()) {
    transmit_buffer_ = Bytes();
    session_.trim();
    secure_->trim();
  }
  if (const auto result = session_.on_deadline(now()); !result) {
    close(CloseReason::from(result.error()));
  }
  settle();
}

void YamuxConnection::settle() {
  while (const auto event = session_.poll_event()) {
    on_event(*event);
  }
  if (session_.wants_transmit()) {
    transmit_.set();
  }
}

void YamuxConnection::on_event(const yamux::Event& event) {
  using yamux::EventKind;
  switch (event.kind) {
    case EventKind::opened:
      if (!closed()) {
        accepted_.push_back(make_stream(event.stream));
        acceptable_.set();
      }
      break;
    case EventKind::readable:
    case EventKind::writable:
    case EventKind::closed:
    case EventKind::reset:
      if (MuxedStream* stream = find(event.stream)) {
        stream->wake_reader();
        stream->wake_writer();
      }
      break;
    case EventKind::go_away:
      remote_leaves_ = true;
      break;
    case EventKind::can_open:
    case EventKind::pong:
      break;
  }
}

MuxedStream* YamuxConnection::find(yamux::StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

std::unique_ptr<MuxedStream> YamuxConnection::make_stream(yamux::StreamId id) {
  auto stream = std::make_unique<MuxedStream>(*this, loop_, id);
  streams_.emplace(id, stream.get());
  return stream;
}

void YamuxConnection::forget(yamux::StreamId id) {
  streams_.erase(id);
  settle();
  update_idle();
}

void YamuxConnection::when_idle(std::move_only_function<void()> action) {
  on_idle_ = std::move(action);
  update_idle();
}

void YamuxConnection::update_idle() {
  if (on_idle_ && closed() && streams_.empty()) {
    std::exchange(on_idle_, nullptr)();
  }
}

std::unique_ptr<MuxedConnection> YamuxMuxer::make(rt::Loop& loop, Direction direction,
                                                  std::unique_ptr<FrameStream> stream,
                                                  Bytes early) {
  return std::make_unique<YamuxConnection>(loop, direction, std::move(stream), std::move(early),
                                           config_);
}

}  // namespace vivim::libp2p
