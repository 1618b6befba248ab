#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/node/relay_choice.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::node {

/// A relay that we listen through, or try to.
struct RelayUse {
  multiformats::Multiaddr address;  ///< ending in /p2p/<id>
  bool configured = false;          ///< else found among the connected peers
  bool reserved = false;
};

/// Lets a host listen through the relays that a RelayChoice chooses.
class RelaySeeker {
 public:
  using Reachability = libp2p::autonat::Reachability;

  /// All must outlive it; `relays` is the host's transport.
  RelaySeeker(libp2p::Host& host, const libp2p::relay::RelayTransport& relays,
              std::vector<multiformats::Multiaddr> configured,
              std::function<Reachability()> reachability);
  ~RelaySeeker();
  RelaySeeker(const RelaySeeker&) = delete;
  RelaySeeker& operator=(const RelaySeeker&) = delete;

  void start();
  /// Looks again, soon: something changed.
  void wake();
  rt::Co<void> stop();

  std::vector<RelayUse> relays() const;

 private:
  rt::Co<void> run();
  void apply();
  void listen(const multiformats::Multiaddr& relay);
  std::vector<multiformats::Multiaddr> candidates() const;

  libp2p::Host& host_;
  const libp2p::relay::RelayTransport& relays_;
  std::function<Reachability()> reachability_;
  RelayChoice choice_;
  /// Relays, and where the host listens for each.
  std::map<multiformats::Multiaddr, multiformats::Multiaddr> listening_;
  std::unique_ptr<rt::Timer> timer_;
  libp2p::Subscription subscription_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::node
