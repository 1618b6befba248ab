#pragma once

#include "vivim/libp2p/host/connection.hpp"
#include "vivim/libp2p/host/host.hpp"

namespace vivim::libp2p {

/// One connection of a host, with what its peer told.
struct Host::Peer {
  Peer(rt::Loop& loop, PeerId peer, Multiaddr remote_, Direction direction_, Upgraded upgraded,
       const yamux::Config& config)
      : id(peer),
        remote(std::move(remote_)),
        direction(direction_),
        since(loop.clock().now()),
        connection(loop, direction_, std::move(upgraded), config),
        released(loop),
        tasks(loop) {}

  PeerId id;
  Multiaddr remote;
  Direction direction;
  rt::TimePoint since;
  identify::Info info;
  Connection connection;
  rt::Event released;  ///< nobody holds its streams, or nobody waits for that any more
  rt::TaskGroup tasks;
};

}  // namespace vivim::libp2p
