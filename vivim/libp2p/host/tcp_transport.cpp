#include "vivim/libp2p/host/tcp_transport.hpp"

#include "vivim/libp2p/host/addresses.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

RawConnection to_raw(rt::Connection connection) {
  return {.stream = std::move(connection.stream),
          .local = to_multiaddr(connection.local),
          .remote = to_multiaddr(connection.remote)};
}

}  // namespace

class TcpTransport::Listener final : public TransportListener {
 public:
  Listener(TcpTransport& transport, std::unique_ptr<rt::Listener> listener)
      : transport_(transport), listener_(std::move(listener)) {
    transport_.listeners_.push_back(this);
  }
  ~Listener() override { std::erase(transport_.listeners_, this); }

  rt::Co<Result<TransportConnection>> accept() override {
    VIVIM_CO_TRY(auto connection, co_await listener_->accept());
    co_return to_raw(std::move(connection));
  }
  multiformats::Multiaddr local() const override { return to_multiaddr(listener_->local()); }
  rt::Endpoint endpoint() const { return listener_->local(); }
  void close() override {
    std::erase(transport_.listeners_, this);
    listener_->close();
  }

 private:
  TcpTransport& transport_;
  std::unique_ptr<rt::Listener> listener_;
};

bool TcpTransport::can_dial(const multiformats::Multiaddr& address) const {
  return to_endpoint(address).has_value();
}

bool TcpTransport::can_listen(const multiformats::Multiaddr& address) const {
  return to_endpoint(address).has_value();
}

Result<std::unique_ptr<TransportListener>> TcpTransport::listen(
    const multiformats::Multiaddr& address) {
  VIVIM_TRY(const auto endpoint, to_endpoint(address));
  VIVIM_TRY(auto listener, network_.listen(endpoint));
  return std::make_unique<Listener>(*this, std::move(listener));
}

std::optional<rt::Endpoint> TcpTransport::port_like(const rt::Endpoint& to) const {
  for (const Listener* const listener : listeners_) {
    const rt::Endpoint local = listener->endpoint();
    const bool reaches = local.ip.is_unspecified() || local.ip.is_loopback() == to.ip.is_loopback();
    if (local.ip.is_v6 == to.ip.is_v6 && reaches) {
      // The system picks the address by its routes: the listener's may be of another network.
      return rt::Endpoint{.ip = {.is_v6 = to.ip.is_v6}, .port = local.port};
    }
  }
  return std::nullopt;
}

rt::Co<Result<TransportConnection>> TcpTransport::dial(multiformats::Multiaddr address,
                                                       DialOptions options) {
  VIVIM_CO_TRY(const auto endpoint, to_endpoint(address));
  if (const auto from = port_like(endpoint); from && options.reuse_port) {
    auto shared = co_await network_.dial_from(*from, endpoint, options.timeout);
    if (shared) {
      co_return to_raw(std::move(*shared));
    }
    // In use between these two ends, if only by a connection that ended a moment ago (TIME_WAIT),
    // or not ours to use: any other port does.
    if (!shared.error().is(rt::RtError::address_in_use) &&
        !shared.error().is(rt::RtError::bad_address)) {
      co_return fail(shared.error());
    }
  }
  VIVIM_CO_TRY(auto connection, co_await network_.dial(endpoint, options.timeout));
  co_return to_raw(std::move(connection));
}

}  // namespace vivim::libp2p
