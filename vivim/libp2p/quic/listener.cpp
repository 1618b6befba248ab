#include "vivim/libp2p/quic/addresses.hpp"
#include "vivim/libp2p/quic/listener_detail.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::quic {

QuicListener::QuicListener(QuicTransport& transport, Port& port)
    : transport_(transport), port_(port), acceptable_(port.loop()) {
  transport_.listeners_.push_back(this);
  port_.when_dead([this] { acceptable_.set(); });
}

QuicListener::~QuicListener() {
  close();
}

rt::Co<Result<TransportConnection>> QuicListener::accept() {
  for (;;) {
    while (backlog_.empty() && !closed_ && !port_.dead()) {
      acceptable_.reset();
      co_await acceptable_.wait();
    }
    if (closed_ || backlog_.empty()) {
      co_return fail(rt::RtError::closed);
    }
    auto connection = std::move(backlog_.front());
    backlog_.pop_front();
    if (!connection->closed()) {
      co_return QuicConnection::secured(std::move(connection));
    }
  }
}

multiformats::Multiaddr QuicListener::local() const {
  return to_multiaddr(port_.local());
}

void QuicListener::close() {
  if (!std::exchange(closed_, true)) {
    std::erase(transport_.listeners_, this);
    backlog_.clear();
    port_.when_dead(nullptr);
    port_.set_listening(false);
    acceptable_.set();
  }
}

bool QuicListener::offer(std::unique_ptr<QuicConnection>& connection) {
  if (closed_ || backlog_.size() >= k_accept_backlog_max) {
    return false;
  }
  backlog_.push_back(std::move(connection));
  acceptable_.set();
  return true;
}

}  // namespace vivim::libp2p::quic
