#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "interop/peer/choice.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"

namespace vivim::interop {

class Node;

/// Gossip of a node, and what came of it.
class Pubsub {
 public:
  /// As the choice says. What is given outlives this.
  Pubsub(libp2p::Host& host, rt::Rng& rng, const crypto::KeyPair& key, const Choice& choice);

  libp2p::gossipsub::Service& service() { return service_; }
  /// Of each message what comes before its filling, in the order of their coming.
  const std::vector<std::string>& texts() const { return texts_; }
  rt::Co<void> stop() { return service_.stop(); }

 private:
  std::vector<std::string> texts_;
  libp2p::gossipsub::Service service_;
  libp2p::Subscription observed_;
};

/// Commands that begin with "pubsub-".
Result<boost::json::object> run_pubsub(Node& node, std::string_view command,
                                       const boost::json::object& asked);

}  // namespace vivim::interop
