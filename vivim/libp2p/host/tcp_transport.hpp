#pragma once

#include <optional>
#include <vector>

#include "vivim/libp2p/transport/transport.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::libp2p {

/// TCP: /ip4|ip6/<ip>/tcp/<port>.
class TcpTransport final : public Transport {
 public:
  /// `network` must outlive this.
  explicit TcpTransport(rt::Network& network) : network_(network) {}

  std::string_view name() const override { return "tcp"; }
  bool can_dial(const multiformats::Multiaddr& address) const override;
  bool can_listen(const multiformats::Multiaddr& address) const override;
  /// Errors: unsupported_address, the network's.
  Result<std::unique_ptr<TransportListener>> listen(
      const multiformats::Multiaddr& address) override;
  /// With `reuse_port` from the port of the first listener of the same family, if that can be had.
  /// Errors: unsupported_address, the network's.
  rt::Co<Result<TransportConnection>> dial(multiformats::Multiaddr address,
                                           DialOptions options) override;
  void cancel_dials() override { network_.cancel_dials(); }

 private:
  class Listener;

  std::optional<rt::Endpoint> port_like(const rt::Endpoint& to) const;

  rt::Network& network_;
  std::vector<const Listener*> listeners_;  ///< open, oldest first
};

}  // namespace vivim::libp2p
