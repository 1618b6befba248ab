#include "vivim/libp2p/transport/session_connection.hpp"

#include <algorithm>
#include <utility>

#include "vivim/libp2p/transport/session_stream_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

// A stream that somebody holds, and its place in the table.
constexpr std::size_t k_stream_bytes = sizeof(SessionStream) + 48;

}  // namespace

SessionConnection::SessionConnection(rt::Loop& loop, std::unique_ptr<MuxerSession> session,
                                     std::unique_ptr<FrameStream> stream, Bytes early)
    : loop_(loop),
      secure_(std::move(stream)),
      early_(std::move(early)),
      session_(std::move(session)),
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

SessionConnection::~SessionConnection() {
  for (const auto& [key, stream] : streams_) {
    stream->orphan();
  }
}

rt::Co<void> SessionConnection::run() {
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

void SessionConnection::close(CloseReason reason) {
  if (closed()) {
    return;
  }
  reason_ = reason;
  session_->leave(reason.told());
  close_deadline_ = loop_.clock().now() + k_close_time_max;
  set_timer();
  accepted_.clear();
  for (const auto& [key, stream] : streams_) {
    stream->wake();
  }
  transmit_.set();
  input_wanted_.set();
  acceptable_.set();
  closing_.set();
  update_idle();
}

Result<std::unique_ptr<rt::Stream>> SessionConnection::open_stream() {
  if (closed()) {
    return fail(rt::RtError::closed);
  }
  VIVIM_TRY(const auto key, session_->open_stream());
  auto stream = make_stream(key);
  settle();
  return stream;
}

rt::Co<std::unique_ptr<rt::Stream>> SessionConnection::accept() {
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

rt::Co<void> SessionConnection::read_loop() {
  const auto result = co_await read_frames();
  if (result) {
    close({.cause = CloseCause::remote});
  } else {
    close(CloseReason::from(result.error()));
  }
  read_ended_.set();
}

rt::Co<Result<void>> SessionConnection::read_frames() {
  if (const auto fed = session_->feed(std::exchange(early_, Bytes()), now()); !fed) {
    co_return fed;
  }
  settle();
  for (;;) {
    while (!session_->wants_input() && !closed()) {
      input_wanted_.reset();
      co_await input_wanted_.wait();
    }
    VIVIM_CO_TRY(const auto frame, co_await secure_->read_frame());
    if (frame.empty()) {
      co_return Result<void>{};
    }
    if (abandoned_) {
      continue;  // dropped, so that the peer gets to read what we told it
    }
    const auto fed = session_->feed(frame, now());
    settle();
    if (!fed) {
      co_return fed;
    }
  }
}

std::size_t SessionConnection::take(MutableBytes out) {
  const std::size_t count = session_->poll_transmit(out, now());
  settle();
  return count;
}

rt::Co<void> SessionConnection::write_loop() {
  for (;;) {
    writing_ = true;
    const auto written = co_await secure_->write_frames(*this);
    writing_ = false;
    if (!written) {
      close(CloseReason::from(written.error()));
      break;
    }
    if (*written == 0) {
      if (closed()) {
        break;
      }
      transmit_.reset();
      co_await transmit_.wait();
    }
  }
  flushed_.set();
}

rt::Co<void> SessionConnection::keep_loop() {
  set_timer();
  while (!tasks_.stopping()) {
    if (co_await timer_->wait()) {
      on_timer();
    }
  }
}

/// The timer follows the nearest deadline; moved only when that changes.
void SessionConnection::set_timer() {
  rt::TimePoint next = trim_at_;
  if (closed()) {
    next = close_deadline_;
  } else if (const auto deadline = session_->next_deadline()) {
    next = std::min(next, rt::TimePoint(*deadline));
  }
  if (next != deadline_ && !tasks_.stopping()) {
    deadline_ = next;
    timer_->expire_at(next);
  }
}

void SessionConnection::on_timer() {
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
  trim_if_resting(time);
  if (const auto result = session_->on_deadline(now()); !result) {
    close(CloseReason::from(result.error()));
  }
  settle();
  set_timer();
}

void SessionConnection::trim_if_resting(rt::TimePoint time) {
  if (time < trim_at_) {
    return;
  }
  if (std::exchange(active_, false) || writing_ || session_->wants_transmit()) {
    trim_at_ = time + k_trim_interval;
    return;
  }
  trim_at_ = rt::TimePoint::max();
  session_->trim();
  secure_->trim();
}

void SessionConnection::settle() {
  while (const auto event = session_->poll_event()) {
    on_event(*event);
  }
  if (session_->wants_transmit()) {
    transmit_.set();
  }
  if (session_->wants_input()) {
    input_wanted_.set();
  }
  account();
  set_timer();
}

std::uint64_t SessionConnection::held_bytes() const {
  return session_->held_bytes() + secure_->held_bytes() + streams_.size() * k_stream_bytes;
}

void SessionConnection::count_memory(MemoryAccount::Report report) {
  memory_.open(std::move(report));
  account();
}

void SessionConnection::account() {
  auto accounted = memory_.update(held_bytes());
  if (!accounted) {
    session_->trim();
    accounted = memory_.update(held_bytes());
  }
  if (!accounted) {
    memory_.close();
    close({.cause = CloseCause::limit, .error = accounted.error()});
    abandoned_ = true;
    session_->abandon();
    account();
  }
}

void SessionConnection::on_event(const MuxerSession::Event& event) {
  using Kind = MuxerSession::EventKind;
  switch (event.kind) {
    case Kind::opened:
      if (!closed()) {
        accepted_.push_back(make_stream(event.stream));
        acceptable_.set();
      }
      break;
    case Kind::changed:
      note_activity();
      if (const auto found = streams_.find(event.stream); found != streams_.end()) {
        found->second->wake();
      }
      break;
    case Kind::leaving:
      remote_leaves_ = true;
      if (event.code != CloseCode::none) {
        close({.cause = CloseCause::remote, .code = event.code});
      }
      break;
  }
}

void SessionConnection::note_activity() {
  active_ = true;
  if (trim_at_ == rt::TimePoint::max()) {
    trim_at_ = loop_.clock().now() + k_trim_interval;
  }
}

std::unique_ptr<SessionStream> SessionConnection::make_stream(StreamKey key) {
  note_activity();
  auto stream = std::make_unique<SessionStream>(*this, loop_, key);
  streams_.emplace(key, stream.get());
  return stream;
}

void SessionConnection::forget(StreamKey key) {
  streams_.erase(key);
  settle();
  update_idle();
}

void SessionConnection::when_idle(std::move_only_function<void()> action) {
  on_idle_ = std::move(action);
  update_idle();
}

void SessionConnection::update_idle() {
  if (on_idle_ && closed() && streams_.empty()) {
    std::exchange(on_idle_, nullptr)();
  }
}

}  // namespace vivim::libp2p
