#pragma once

#include <memory>

#include "interop/peer/choice.hpp"
#include "vivim/libp2p/autonat/client.hpp"
#include "vivim/libp2p/autonat/server.hpp"
#include "vivim/libp2p/dcutr/hole_puncher.hpp"
#include "vivim/libp2p/kad/dht.hpp"
#include "vivim/libp2p/portmap/service.hpp"
#include "vivim/libp2p/rendezvous/client.hpp"
#include "vivim/libp2p/rendezvous/server.hpp"
#include "vivim/rt/asio/worker.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::interop {

/// Protocols of a node that only some choices have: AutoNAT, DCUtR, rendezvous.
class Services {
 public:
  /// `dialer` makes AutoNAT's dials. Both hosts and `rng` outlive this.
  Services(const Choice& choice, libp2p::Host& host, libp2p::Host& dialer,
           const crypto::KeyPair& key, rt::asio_::Loop& loop, rt::Rng& rng);

  libp2p::autonat::AutonatClient* autonat() { return autonat_.get(); }
  /// What AutoNAT asks about from now on, in place of the host's addresses.
  void ask_about(libp2p::Multiaddr address) { candidates_ = {std::move(address)}; }
  libp2p::rendezvous::Client& rendezvous() { return rendezvous_; }
  /// Keeps a port mapped at the router until stop(), for leases of this length. The first call says
  /// by which protocol ("nat-pmp", "upnp") and for how long. Errors: those of portmap::Service.
  Result<const libp2p::portmap::Service*> map_port(const libp2p::portmap::Port& port,
                                                   std::string_view protocol,
                                                   std::chrono::seconds lifetime);
  /// Null where it was not chosen.
  libp2p::kad::Dht* kad() { return kad_.get(); }
  /// Before the host stops.
  void quit();
  rt::Co<void> stop();

 private:
  rt::asio_::Loop& loop_;
  libp2p::rendezvous::Client rendezvous_;
  std::unique_ptr<libp2p::rendezvous::Server> point_;
  std::vector<libp2p::Multiaddr> candidates_;
  std::unique_ptr<libp2p::autonat::AutonatClient> autonat_;
  std::unique_ptr<libp2p::autonat::AutonatServer> autonat_server_;
  std::unique_ptr<libp2p::dcutr::HolePuncher> puncher_;
  std::unique_ptr<rt::asio_::ThreadWorker> router_;
  std::unique_ptr<libp2p::portmap::Service> mapper_;
  std::unique_ptr<libp2p::kad::Dht> kad_;
};

}  // namespace vivim::interop
