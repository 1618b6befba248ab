#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "vivim/libp2p/gossipsub/message.hpp"
#include "vivim/libp2p/host/host.hpp"

namespace vivim::interop {

class Node;

/// Peers in the mesh of one router, for benchmarks: the first sends, the others count what comes.
/// They speak 1.1, so that each message goes to each of them.
class PubsubLoad {
 public:
  /// Makes `peers` identities that connect with `addr` and join its mesh of `topic`.
  static rt::Co<Result<std::unique_ptr<PubsubLoad>>> join(Node& node, boost::json::object asked);

  /// Sends `messages` of `bytes`, `burst` at a time: the next when all others have got the last.
  rt::Co<Result<boost::json::object>> run(boost::json::object asked);
  rt::Co<void> stop();

 private:
  struct Peer {
    std::unique_ptr<libp2p::Host> host;
    std::unique_ptr<rt::Stream> out;
    bool heard = false;  ///< the router has opened its stream
  };

  explicit PubsubLoad(Node& node) : node_(node) {}
  rt::Co<Result<void>> add(libp2p::Multiaddr at);
  rt::Co<void> count(Peer& peer, libp2p::InboundStream inbound);
  Bytes next_frame(std::size_t bytes);

  Node& node_;
  std::string topic_;
  bool signed_ = false;
  std::vector<std::unique_ptr<Peer>> peers_;
  crypto::KeyPair author_ = crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, 42)));
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace vivim::interop
