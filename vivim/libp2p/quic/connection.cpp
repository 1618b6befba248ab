#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/addresses.hpp"
#include "vivim/libp2p/quic/connection_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::quic {

namespace {

// A stream that somebody holds, and its place in the table.
constexpr std::size_t k_muxed_stream_bytes = sizeof(QuicStream) + 48;

CloseReason reason_of(const Error& error) {
  if (error.is(QuicError::closed_by_peer)) {
    return {.cause = CloseCause::remote,
            .code = CloseCode{static_cast<std::uint32_t>(error.detail())}};
  }
  if (error.is(QuicError::closed)) {
    return {.cause = CloseCause::local};
  }
  return CloseReason::from(error);
}

}  // namespace

QuicConnection::QuicConnection(Port& port, SessionId session)
    : port_(port),
      id_(session),
      session_(port.endpoint().find(session)),
      timer_(port.loop().make_timer()),
      acceptable_(port.loop()),
      closing_(port.loop()) {
  VIVIM_ASSERT(session_ != nullptr);
  port_.attach(id_, *this);
}

QuicConnection::~QuicConnection() {
  accepted_.clear();
  for (const auto& [id, stream] : streams_) {
    stream->orphan();
  }
  session_->close(close_code(), port_.now());  // if that was not done
  port_.detach(id_);
}

rt::Co<Result<void>> QuicConnection::handshake(rt::Duration timeout) {
  timer_->expire_at(port_.loop().clock().now() + timeout);
  while (!session_->connected() && !closed()) {
    if (co_await timer_->wait()) {
      co_return fail(rt::RtError::timed_out);
    }
  }
  if (closed()) {
    co_return fail(reason_->error.value_or(Error(rt::RtError::closed)));
  }
  co_return Result<void>{};
}

void QuicConnection::cancel() {
  close({.cause = CloseCause::local});
  timer_->cancel();
}

rt::Co<void> QuicConnection::run() {
  co_await closing_.wait();
  if (reason_->cause == CloseCause::local && !session_->closed() && !session_->flush()) {
    timer_->expire_at(port_.loop().clock().now() + k_flush_time_max);
    (void)co_await timer_->wait();
  }
  session_->close(close_code(), port_.now());
  if (abandoned_) {
    session_->drop_received();
  }
  touch();
}

std::uint64_t QuicConnection::close_code() const {
  return to_value(reason_ ? reason_->told() : CloseCode::none);
}

void QuicConnection::close(CloseReason reason) {
  if (closed()) {
    return;
  }
  reason_ = reason;
  accepted_.clear();
  for (const auto& [id, stream] : streams_) {
    stream->wake_reader();
    stream->wake_writer();
  }
  acceptable_.set();
  closing_.set();
  update_idle();
}

void QuicConnection::on_closed(const Error& error) {
  close(reason_of(error));
  timer_->cancel();
}

void QuicConnection::on_port_dead() {
  on_closed(rt::RtError::closed);
}

void QuicConnection::on_event(const Event& event) {
  switch (event.kind) {
    case EventKind::connected:
    case EventKind::flushed:
      timer_->cancel();
      break;
    case EventKind::opened:
      if (!closed()) {
        accepted_.push_back(make_stream(event.stream));
        acceptable_.set();
      } else {
        session_->reset(event.stream, to_value(ResetCode::none));
        session_->release(event.stream);
      }
      break;
    case EventKind::readable:
    case EventKind::writable:
      if (const auto found = streams_.find(event.stream); found != streams_.end()) {
        event.kind == EventKind::readable ? found->second->wake_reader()
                                          : found->second->wake_writer();
      }
      break;
    case EventKind::can_open:
      break;
    case EventKind::memory:
      account();
      break;
    case EventKind::closed:
      on_closed(session_->error());
      break;
  }
}

Result<std::unique_ptr<rt::Stream>> QuicConnection::open_stream() {
  if (closed()) {
    return fail(rt::RtError::closed);
  }
  VIVIM_TRY(const auto id, session_->open_stream());
  return make_stream(id);
}

rt::Co<std::unique_ptr<rt::Stream>> QuicConnection::accept() {
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

std::uint64_t QuicConnection::held_bytes() const {
  return session_->held_bytes() + streams_.size() * k_muxed_stream_bytes;
}

void QuicConnection::count_memory(MemoryAccount::Report report) {
  memory_.open(std::move(report));
  account();
}

void QuicConnection::account() {
  if (const auto accounted = memory_.update(held_bytes()); !accounted) {
    memory_.close();
    abandoned_ = true;
    close({.cause = CloseCause::limit, .error = accounted.error()});
  }
}

std::optional<rt::Duration> QuicConnection::rtt() const {
  return session_->rtt();
}

std::unique_ptr<QuicStream> QuicConnection::make_stream(StreamId id) {
  auto stream = std::make_unique<QuicStream>(*this, port_.loop(), id);
  streams_.emplace(id, stream.get());
  return stream;
}

void QuicConnection::forget(StreamId id) {
  streams_.erase(id);
  touch();
  update_idle();
}

void QuicConnection::when_idle(std::move_only_function<void()> action) {
  on_idle_ = std::move(action);
  update_idle();
}

void QuicConnection::update_idle() {
  if (on_idle_ && closed() && streams_.empty()) {
    std::exchange(on_idle_, nullptr)();
  }
}

SecuredConnection QuicConnection::secured(std::unique_ptr<QuicConnection> connection) {
  const Session& session = connection->session();
  rt::Endpoint local = connection->port_.local();
  local.ip = session.asked().value_or(local.ip);
  const PeerId peer = session.peer();
  auto remote = to_multiaddr(session.path().remote);
  return {.peer = peer,
          .connection = std::move(connection),
          .local = to_multiaddr(local),
          .remote = std::move(remote),
          .security = "tls",
          .muxer = "quic",
          .held_bytes = k_resting_bytes};
}

}  // namespace vivim::libp2p::quic
