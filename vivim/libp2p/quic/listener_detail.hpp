#pragma once

#include <deque>
#include <memory>

#include "vivim/libp2p/quic/connection_detail.hpp"
#include "vivim/libp2p/quic/transport.hpp"

namespace vivim::libp2p::quic {

/// The inbound side of a Port.
class QuicListener final : public TransportListener {
 public:
  QuicListener(QuicTransport& transport, Port& port);
  ~QuicListener() override;

  rt::Co<Result<TransportConnection>> accept() override;
  multiformats::Multiaddr local() const override;
  void close() override;

  Port& port() { return port_; }
  /// Takes the connection, unless too many wait or it is closed.
  bool offer(std::unique_ptr<QuicConnection>& connection);

 private:
  QuicTransport& transport_;
  Port& port_;
  rt::Event acceptable_;
  std::deque<std::unique_ptr<QuicConnection>> backlog_;
  bool closed_ = false;
};

}  // namespace vivim::libp2p::quic
