#pragma once

#include <memory>
#include <string>

#include "vivim/rt/co.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p::websocket {

/// TLS below a secure WebSocket: ordinary web TLS with names and certificates, which says nothing
/// about peer ids. No deadline here: the caller resets the transport, which it may keep a pointer
/// to.
class TlsLayer {
 public:
  virtual ~TlsLayer() = default;
  /// Whether there is a certificate to serve with.
  virtual bool can_serve() const = 0;
  /// The client's handshake with the server of that name (or address).
  virtual rt::Co<Result<std::unique_ptr<rt::Stream>>> connect(std::unique_ptr<rt::Stream> transport,
                                                              std::string server_name) = 0;
  /// The server's handshake.
  virtual rt::Co<Result<std::unique_ptr<rt::Stream>>> serve(
      std::unique_ptr<rt::Stream> transport) = 0;
};

}  // namespace vivim::libp2p::websocket
