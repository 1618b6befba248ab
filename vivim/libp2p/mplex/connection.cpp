#include "vivim/libp2p/mplex/connection.hpp"

#include <algorithm>
#include <utility>

#include "vivim/libp2p/mplex/muxed_stream_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::mplex {

namespace {

// What one turn of the writer gathers: small while there is little to send.
constexpr std::size_t k_transmit_bytes_min = std::size_t{16} * 1024;
constexpr std::size_t k_transmit_bytes_max = std::size_t{128} * 1024;

}  // namespace

MplexConnection::MplexConnection(rt::Loop& loop, std::unique_ptr<FrameStream> stream, Bytes early,
                                 const Config& config)
    : loop_(loop),
      secure_(std::move(stream)),
      early_(std::move(early)),
      session_(config),
      timer_(loop.make_timer()),
      transmit_(loop),
      input_wanted_(loop),
      acceptable_(loop),
      closing_(loop),
      flushed_(loop),
      read_ended_(loop),
      tasks_(loop) {
  tasks_.on_stop([this] {
    timer_->cancel();
    transmit_.set();
    input_wanted_.set();
    secure_->reset(0);
  });
}

MplexConnection::~MplexConnection() {
  for (const auto& [id, stream] : streams_) {
    stream->orphan();
  }
}

rt::Co<void> MplexConnection::run() {
  tasks_.spawn("mplex reader", read_loop());
  tasks_.spawn("mplex writer", write_loop());
  tasks_.spawn("mplex keeper", keep_loop());
  co_await closing_.wait();
  co_await flushed_.wait();
  (void)co_await secure_->close_write();
  co_await read_ended_.wait();
  co_await tasks_.stop();
  secure_->reset(0);
}

void MplexConnection::close(CloseReason reason) {
  if (closed()) {
    return;
  }
  reason_ = reason;
  close_deadline_ = loop_.clock().now() + k_close_time_max;
  set_timer();
  accepted_.clear();
  for (const auto& [id, stream] : streams_) {
    stream->wake_reader();
    stream->wake_writer();
  }
  transmit_.set();
  input_wanted_.set();
  acceptable_.set();
  closing_.set();
  update_idle();
}

Result<std::unique_ptr<rt::Stream>> MplexConnection::open_stream() {
  if (closed()) {
    return fail(rt::RtError::closed);
  }
  VIVIM_TRY(const auto id, session_.open_stream());
  auto stream = make_stream(id);
  settle();
  return stream;
}

rt::Co<std::unique_ptr<rt::Stream>> MplexConnection::accept() {
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

rt::Co<void> MplexConnection::read_loop() {
  const auto result = co_await read_frames();
  if (result) {
    close({.cause = CloseCause::remote});
  } else {
    close(CloseReason::from(result.error()));
  }
  read_ended_.set();
}

rt::Co<Result<void>> MplexConnection::read_frames() {
  if (const auto fed = session_.feed(std::exchange(early_, Bytes()), now()); !fed) {
    co_return fed;
  }
  settle();
  for (;;) {
    while (!session_.wants_input() && !closed()) {
      input_wanted_.reset();
      co_await input_wanted_.wait();
    }
    VIVIM_CO_TRY(const auto frame, co_await secure_->read_frame());
    if (frame.empty()) {
      co_return Result<void>{};
    }
    const auto fed = closed() ? Result<void>{} : session_.feed(frame, now());
    settle();
    if (!fed) {
      co_return fed;
    }
  }
}

rt::Co<void> MplexConnection::write_loop() {
  for (;;) {
    if (transmit_buffer_.empty()) {
      transmit_buffer_.resize(k_transmit_bytes_min);
    }
    const std::size_t count = session_.poll_transmit(transmit_buffer_);
    settle();
    if (count == 0) {
      if (closed()) {
        break;
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
    if (count > transmit_buffer_.size() / 2 && transmit_buffer_.size() < k_transmit_bytes_max) {
      transmit_buffer_.resize(k_transmit_bytes_max);
    }
  }
  flushed_.set();
}

rt::Co<void> MplexConnection::keep_loop() {
  timer_->expire_at(deadline_);
  while (!tasks_.stopping()) {
    if (co_await timer_->wait()) {
      on_timer();
    }
  }
}

/// The timer follows the nearest deadline; moved only when that changes.
void MplexConnection::set_timer() {
  rt::TimePoint next = trim_at_;
  if (closed()) {
    next = close_deadline_;
  } else if (const auto deadline = session_.next_deadline()) {
    next = std::min(next, rt::TimePoint(*deadline));
  }
  if (next != deadline_ && !tasks_.stopping()) {
    deadline_ = next;
    timer_->expire_at(next);
  }
}

void MplexConnection::on_timer() {
  const rt::TimePoint time = loop_.clock().now();
  deadline_ = rt::TimePoint{};  // has passed: to be set anew
  if (closed()) {
    if (time >= close_deadline_) {
      close_deadline_ = rt::TimePoint::max();
      secure_->reset(0);
    }
    set_timer();
    return;
  }
  session_.on_deadline(now());
  if (time >= trim_at_) {
    trim_at_ = rt::TimePoint::max();
    if (!writing_ && !session_.wants_transmit()) {
      transmit_buffer_ = Bytes();
      secure_->trim();
    }
  }
  settle();
  set_timer();
}

void MplexConnection::settle() {
  bool any = false;
  while (const auto event = session_.poll_event()) {
    on_event(*event);
    any = true;
  }
  if (session_.wants_transmit()) {
    transmit_.set();
    any = true;
  }
  if (session_.wants_input()) {
    input_wanted_.set();
  }
  if (any && trim_at_ == rt::TimePoint::max()) {
    trim_at_ = loop_.clock().now() + k_trim_interval;
  }
  set_timer();
}

void MplexConnection::on_event(const Event& event) {
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
      if (MplexStream* const stream = find(event.stream)) {
        stream->wake_reader();
        stream->wake_writer();
      }
      break;
    case EventKind::can_open:
      break;
  }
}

MplexStream* MplexConnection::find(StreamId id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

std::unique_ptr<MplexStream> MplexConnection::make_stream(StreamId id) {
  auto stream = std::make_unique<MplexStream>(*this, loop_, id);
  streams_.emplace(id, stream.get());
  return stream;
}

void MplexConnection::forget(StreamId id) {
  streams_.erase(id);
  settle();
  update_idle();
}

void MplexConnection::when_idle(std::move_only_function<void()> action) {
  on_idle_ = std::move(action);
  update_idle();
}

void MplexConnection::update_idle() {
  if (on_idle_ && closed() && streams_.empty()) {
    std::exchange(on_idle_, nullptr)();
  }
}

std::unique_ptr<MuxedConnection> MplexMuxer::make(rt::Loop& loop, Direction,
                                                  std::unique_ptr<FrameStream> stream,
                                                  Bytes early) {
  return std::make_unique<MplexConnection>(loop, std::move(stream), std::move(early), config_);
}

}  // namespace vivim::libp2p::mplex
