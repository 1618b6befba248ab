#pragma once

#include <memory>

#include "interop/peer/choice.hpp"
#include "vivim/libp2p/autonat/client.hpp"
#include "vivim/libp2p/autonat/server.hpp"
#include "vivim/libp2p/dcutr/hole_puncher.hpp"
#include "vivim/libp2p/rendezvous/client.hpp"
#include "vivim/libp2p/rendezvous/server.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::interop {

/// Protocols of a node that only some choices have: AutoNAT, DCUtR, rendezvous.
class Services {
 public:
  /// `dialer` makes AutoNAT's dials. Both hosts and `rng` outlive this.
  Services(const Choice& choice, libp2p::Host& host, libp2p::Host& dialer,
           const crypto::KeyPair& key, rt::Rng& rng);

  libp2p::autonat::AutonatClient* autonat() { return autonat_.get(); }
  /// What AutoNAT asks about from now on, in place of the host's addresses.
  void ask_about(libp2p::Multiaddr address) { candidates_ = {std::move(address)}; }
  libp2p::rendezvous::Client& rendezvous() { return rendezvous_; }
  rt::Co<void> stop();

 private:
  libp2p::rendezvous::Client rendezvous_;
  std::unique_ptr<libp2p::rendezvous::Server> point_;
  std::vector<libp2p::Multiaddr> candidates_;
  std::unique_ptr<libp2p::autonat::AutonatClient> autonat_;
  std::unique_ptr<libp2p::autonat::AutonatServer> autonat_server_;
  std::unique_ptr<libp2p::dcutr::HolePuncher> puncher_;
};

}  // namespace vivim::interop
