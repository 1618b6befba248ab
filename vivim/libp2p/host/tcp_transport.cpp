#include "vivim/libp2p/host/tcp_transport.hpp"

#include "vivim/libp2p/host/addresses.hpp"

namespace vivim::libp2p {

namespace {

RawConnection to_raw(rt::Connection connection) {
  return {.stream = std::move(connection.stream),
          .local = to_multiaddr(connection.local),
          .remote = to_multiaddr(connection.remote)};
}

class TcpListener final : public TransportListener {
 public:
  explicit TcpListener(std::unique_ptr<rt::Listener> listener) : listener_(std::move(listener)) {}

  rt::Co<Result<TransportConnection>> accept() override {
    VIVIM_CO_TRY(auto connection, co_await listener_->accept());
    co_return to_raw(std::move(connection));
  }
  multiformats::Multiaddr local() const override { return to_multiaddr(listener_->local()); }
  void close() override { listener_->close(); }

 private:
  std::unique_ptr<rt::Listener> listener_;
};

}  // namespace

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
  return std::make_unique<TcpListener>(std::move(listener));
}

rt::Co<Result<TransportConnection>> TcpTransport::dial(multiformats::Multiaddr address,
                                                       DialOptions options) {
  VIVIM_CO_TRY(const auto endpoint, to_endpoint(address));
  VIVIM_CO_TRY(auto connection, co_await network_.dial(endpoint, options.timeout));
  co_return to_raw(std::move(connection));
}

}  // namespace vivim::libp2p
