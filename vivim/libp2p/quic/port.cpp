#include "vivim/base/log.hpp"
#include "vivim/libp2p/quic/connection_detail.hpp"
#include "vivim/libp2p/quic/port_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::quic {

namespace {

constexpr std::size_t k_buffer_bytes = std::size_t{64} * 1024;
// Batches sent in a row before others on the loop have their turn.
constexpr int k_sends_in_a_row = 8;

}  // namespace

Port::Port(rt::Loop& loop, std::unique_ptr<rt::DatagramSocket> socket,
           std::unique_ptr<Endpoint> endpoint, OnInbound on_inbound)
    : loop_(loop),
      socket_(std::move(socket)),
      endpoint_(std::move(endpoint)),
      on_inbound_(std::move(on_inbound)),
      local_(socket_->local()),
      timer_(loop.make_timer()),
      transmit_(loop),
      drained_(loop),
      tasks_(loop) {}

Port::~Port() = default;

void Port::start() {
  tasks_.on_stop([this] {
    die();
    transmit_.set();
    timer_->cancel();
  });
  tasks_.spawn("quic receiver", receive_loop());
  tasks_.spawn("quic sender", write_loop());
  tasks_.spawn("quic timer", timer_loop());
}

rt::Co<void> Port::stop() {
  stopping_ = true;
  transmit_.set();
  co_await drained_.wait();
  co_await tasks_.stop();
}

void Port::die() {
  if (!std::exchange(dead_, true)) {
    socket_->close();
    for (const auto& [id, connection] : connections_) {
      connection->on_port_dead();
    }
    if (on_dead_) {
      on_dead_();
    }
  }
}

void Port::set_listening(bool listening) {
  listening_ = listening;
  was_listening_ |= listening;
  endpoint_->set_listening(listening);
  close_if_unused();
}

void Port::close_if_unused() {
  if (was_listening_ && !listening_ && connections_.empty() && endpoint_->sessions() == 0) {
    die();
  }
}

void Port::attach(SessionId session, QuicConnection& connection) {
  connections_.emplace(session, &connection);
}

void Port::detach(SessionId session) {
  connections_.erase(session);
  endpoint_->release(session, now());
  settle();
}

void Port::touch(SessionId session) {
  endpoint_->touch(session);
  settle();
}

void Port::settle() {
  while (const auto event = endpoint_->poll_event()) {
    dispatch(*event);
  }
  transmit_.set();
}

void Port::dispatch(const EndpointEvent& event) {
  if (const auto found = connections_.find(event.session); found != connections_.end()) {
    found->second->on_event(event.event);
    return;
  }
  if (event.event.kind == EventKind::connected) {
    on_inbound_(*this, event.session);
  } else if (event.event.kind == EventKind::closed) {
    endpoint_->release(event.session, now());
  }
}

rt::Co<void> Port::receive_loop() {
  for (;;) {
    const auto batch = co_await socket_->receive();
    if (!batch) {
      if (!dead_ && !batch.error().is(rt::RtError::closed)) {
        log::write(log::Level::error, "quic", "a UDP socket failed",
                   {{"error", std::string_view(batch.error().message())}});
      }
      die();
      co_return;
    }
    const Time time = now();
    for (const rt::Datagram& datagram : *batch) {
      std::optional<rt::IpAddress> asked;
      if (local_.ip.is_unspecified()) {
        asked = datagram.local;
      }
      endpoint_->feed({.local = local_, .remote = datagram.remote}, asked, datagram.bytes, time);
    }
    settle();
  }
}

rt::Co<void> Port::pass_the_turn() {
  transmit_.reset();
  loop_.post([this] { transmit_.set(); });
  co_await transmit_.wait();
}

rt::Co<void> Port::write_loop() {
  Bytes buffer(k_buffer_bytes);
  int in_a_row = 0;
  while (!dead_) {
    const auto transmit = endpoint_->poll_transmit(buffer, now());
    while (const auto event = endpoint_->poll_event()) {
      dispatch(*event);
    }
    if (!transmit) {
      if (stopping_) {
        break;
      }
      arm();
      close_if_unused();
      in_a_row = 0;
      transmit_.reset();
      if (!dead_) {
        co_await transmit_.wait();
      }
      continue;
    }
    // What cannot be sent is lost, as on the way.
    (void)co_await socket_->send(
        transmit->path.remote, BytesView(buffer).first(transmit->bytes),
        {.segment_bytes = transmit->segment_bytes, .from = transmit->from});
    if (++in_a_row >= k_sends_in_a_row) {
      in_a_row = 0;
      co_await pass_the_turn();
    }
  }
  drained_.set();
}

void Port::arm() {
  const auto deadline = endpoint_->next_deadline();
  const rt::TimePoint when = deadline ? rt::TimePoint(*deadline) : rt::TimePoint::max();
  if (when < armed_for_) {
    armed_for_ = when;
    timer_->expire_at(when);
  }
}

rt::Co<void> Port::timer_loop() {
  while (!tasks_.stopping()) {
    if (!co_await timer_->wait()) {
      continue;
    }
    endpoint_->on_deadline(now());
    armed_for_ = rt::TimePoint::max();
    timer_->expire_at(armed_for_);
    arm();
    settle();
  }
}

}  // namespace vivim::libp2p::quic
