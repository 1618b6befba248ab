#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "interop/bulk.hpp"
#include "interop/peer/choice.hpp"
#include "interop/peer/pubsub.hpp"
#include "interop/peer/services.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/mdns/service.hpp"
#include "vivim/libp2p/perf/service.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/relay/server.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"

namespace vivim::interop {

enum class PeerError {
  bad_request,      ///< local: a field is missing or of another type
  no_such_command,  ///< local
  not_identified,   ///< peer: nothing came in time
  not_found,        ///< peer: what was waited for did not happen in time
};
const ErrorDomain& error_domain(PeerError);

/// One libp2p host made from a choice, with the services of the interop tests.
class Node {
 public:
  Node(const Choice& choice, rt::asio_::Loop& loop);

  libp2p::Host& host() { return host_; }
  rt::asio_::Loop& loop() { return loop_; }
  const Choice& choice() const { return choice_; }

  /// Dials an address and tells what the connection is made of.
  rt::Co<Result<boost::json::object>> dial(boost::json::object asked);
  /// The newest connection with a peer.
  boost::json::object connection(const libp2p::PeerId& peer) const;
  /// Whether a relay holds a reservation of ours.
  bool reserved(const libp2p::PeerId& relay) const { return circuits_->reserved(relay); }
  Services& services() { return services_; }
  const crypto::KeyPair& key() const { return key_; }
  /// Null without --pubsub.
  Pubsub* pubsub() { return pubsub_.get(); }
  /// Looks for peers on the local network, and is found. Errors: those of mdns::Service::start.
  Result<void> start_mdns();
  /// Addresses of a peer that mDNS found; null before.
  const std::vector<libp2p::Multiaddr>* discovered(const libp2p::PeerId& peer) const;
  /// Another host of the same choice, with an identity of its own and without services.
  std::unique_ptr<libp2p::Host> make_host();
  /// Stops the services, then the host.
  rt::Co<void> stop();

 private:
  libp2p::HostOptions options(const crypto::KeyPair& key);
  libp2p::HostOptions dialer_options();
  void add_relaying();
  rt::Co<void> answer_bulk(libp2p::InboundStream inbound);

  Choice choice_;
  rt::asio_::Loop& loop_;
  rt::asio_::TcpNetwork network_;
  rt::asio_::SystemRng rng_;
  crypto::KeyPair key_;
  libp2p::Host host_;
  crypto::KeyPair dialer_key_;
  libp2p::Host dialer_;  ///< makes AutoNAT's dials
  libp2p::perf::Server perf_;
  Services services_;
  std::unique_ptr<Pubsub> pubsub_;
  libp2p::relay::RelayTransport* circuits_ = nullptr;  ///< the host's
  std::unique_ptr<libp2p::relay::RelayServer> relay_;
  std::unique_ptr<libp2p::mdns::Service> mdns_;
  std::map<libp2p::PeerId, std::vector<libp2p::Multiaddr>> discovered_;
};

/// A connection, as answers describe it.
boost::json::object tell(const libp2p::PeerInfo& info);

/// A field of a request. Error: bad_request.
Result<std::string> text_of(const boost::json::object& asked, std::string_view key);
Result<libp2p::PeerId> peer_of(const boost::json::object& asked);
Result<libp2p::Multiaddr> address_of(const boost::json::object& asked);
/// A whole number; `otherwise` when it is absent or not one.
std::uint64_t number_of(const boost::json::object& asked, std::string_view key,
                        std::uint64_t otherwise);

}  // namespace vivim::interop
