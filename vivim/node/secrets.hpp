#pragma once

#include <memory>
#include <optional>
#include <string>

#include "vivim/base/problem.hpp"
#include "vivim/crypto/secret.hpp"
#include "vivim/libp2p/pnet/key.hpp"
#include "vivim/libp2p/websocket/web_tls.hpp"
#include "vivim/node/config.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::node {

/// Of secure WebSocket.
struct WssSecrets {
  std::string chain_pem;          ///< empty: only dials
  crypto::SecretBytes key_pem;    ///< the private key of the first certificate
  libp2p::tls::Trust trust = {};  ///< when dialling
};

/// What the files that a NetworkConfig names hold.
struct NetworkSecrets {
  std::optional<libp2p::pnet::PreSharedKey> private_network;
  WssSecrets wss;
};

/// Reads them; paths that are not absolute begin at `home`. A Problem names the setting and its
/// file.
Outcome<NetworkSecrets> read_secrets(const NetworkConfig& config, const std::string& home);

/// TLS for secure WebSocket; the authorities of this machine are read when they are first needed. A
/// Problem when certificate and key are none, or do not belong together.
Outcome<std::unique_ptr<libp2p::websocket::TlsLayer>> make_web_tls(const WssSecrets& secrets,
                                                                   rt::Clock& clock);

}  // namespace vivim::node
