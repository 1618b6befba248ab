#pragma once

#include <memory>

#include "vivim/libp2p/websocket/address.hpp"
#include "vivim/libp2p/websocket/tls_layer.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p::websocket {

/// What both handshakes need; the references outlive the streams that come of them.
struct UpgradeContext {
  rt::Loop& loop;
  rt::Rng& rng;
  TlsLayer* tls = nullptr;  ///< for secure addresses
};

/// Makes a WebSocket of a TCP connection to `address`, as its client: TLS first if the address says
/// so. No deadline here: the caller resets the transport. Errors: the transport's, TLS', no_tls,
/// closed_in_handshake, those of websocket::ClientHandshake.
rt::Co<Result<std::unique_ptr<rt::Stream>>> upgrade_client(std::unique_ptr<rt::Stream> transport,
                                                           Address address, UpgradeContext context);

/// The same as its server. A request that is none is answered as such before the error.
rt::Co<Result<std::unique_ptr<rt::Stream>>> upgrade_server(std::unique_ptr<rt::Stream> transport,
                                                           Secure secure, UpgradeContext context);

}  // namespace vivim::libp2p::websocket
