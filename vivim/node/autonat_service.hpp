#pragma once

#include <memory>
#include <optional>

#include "vivim/libp2p/autonat/client.hpp"
#include "vivim/libp2p/autonat/server.hpp"
#include "vivim/node/transports.hpp"

namespace vivim::node {

/// Which addresses AutoNAT is about, and how many have to say the same.
struct AutonatPolicy {
  libp2p::autonat::Scope scope = libp2p::autonat::Scope::global;
  std::size_t confidence_min = libp2p::autonat::ReachabilityOptions().confidence_min;
};

/// Both sides of AutoNAT on a host: asks others whether they reach us, and tells them about
/// themselves, dialling from a second host with an identity of its own.
class AutonatService {
 public:
  struct Options {
    AutonatPolicy policy = {};
    const std::optional<libp2p::pnet::PreSharedKey>& private_network;
    /// What is known of an address changed. Must not await.
    std::function<void()> on_change;
  };

  /// All must outlive it.
  AutonatService(const SwarmContext& context, libp2p::Host& host, Options options);

  /// Error: HostError::too_many_protocols.
  Result<void> start();
  /// Before the host stops. Idempotent.
  rt::Co<void> stop();

  const libp2p::autonat::AutonatClient& client() const { return client_; }
  const libp2p::autonat::AutonatServer& server() const { return server_; }

 private:
  libp2p::Host dialer_;
  libp2p::autonat::AutonatServer server_;
  libp2p::autonat::AutonatClient client_;
};

}  // namespace vivim::node
