#pragma once

#include <array>
#include <functional>
#include <memory>
#include <vector>

#include "vivim/libp2p/mdns/discovery.hpp"
#include "vivim/rt/datagram.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::mdns {

struct ServiceOptions {
  PeerId self;
  /// Where we can be dialled now; asked before each question and answer.
  std::function<std::vector<Multiaddr>()> addresses;
  /// Called for every event, from the loop: it must not await.
  std::function<void(const Event&)> observer;
  /// Addresses of the interfaces to use, IPv4 and IPv6; empty: of each family all but loopback, or
  /// loopback if there is no other.
  std::vector<rt::IpAddress> interfaces;
  rt::Duration query_interval_max = std::chrono::minutes(5);
};

/// Finds peers on the local network, and is found, over IPv4 and IPv6 multicast: over one of them
/// where the other is not there.
class Service {
 public:
  Service(rt::Loop& loop, rt::Network& network, rt::Rng& rng, ServiceOptions options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Begins. Errors: no_interface, those of Network::open_datagram.
  Result<void> start();
  /// Says goodbye and ends. Awaited before it goes, if it was started.
  rt::Co<void> stop();

  const Refusals& refusals() const { return discovery_.refusals(); }
  std::size_t peers() const { return discovery_.peers(); }

 private:
  /// One family's group, and the interfaces of ours that are in it.
  struct Group {
    rt::IpAddress ip;
    std::unique_ptr<rt::DatagramSocket> socket = nullptr;
    std::vector<rt::IpAddress> joined = {};
  };

  bool join_interfaces();
  std::vector<rt::IpAddress> wanted_interfaces(const Group& group) const;
  void refresh();
  rt::Co<void> receive_loop(const Group& group);
  rt::Co<void> time_loop();
  rt::Co<void> transmit();
  void settle();

  rt::Loop& loop_;
  rt::Network& network_;
  ServiceOptions options_;
  Discovery discovery_;
  std::array<Group, 2> groups_;
  std::unique_ptr<rt::Timer> timer_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::mdns
