#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/kad/message.hpp"

namespace vivim::libp2p::kad {

/// What liars answer, whatever they are asked.
class Lie {
 public:
  /// They tell of nobody but their friends.
  void add_friend(PeerInfo info);
  /// Who is said to have everything that is looked for, and has nothing.
  void add_provider(PeerInfo info) { providers_.push_back(std::move(info)); }

  /// The answer to a request; of friends the nearest to its key. None to add_provider, which has
  /// none: what is to be stored is forgotten.
  std::optional<Message> answer(const Message& request) const;

 private:
  std::vector<std::pair<Key, PeerInfo>> friends_;
  std::vector<PeerInfo> providers_;
};

/// An attacker's node of a DHT, for tests and simulations: it speaks the protocol, and lies. Ends
/// when its host, which outlives it, stops.
class Liar {
 public:
  /// `lie` outlives it.
  Liar(Host& host, const Lie& lie) : host_(host), lie_(lie) {}

  /// Begins to serve the protocols of these names. Error: that of Host::handle.
  Result<void> start(const std::vector<std::string>& protocols);
  /// How others are told of it.
  PeerInfo info() const;

 private:
  rt::Co<void> serve(InboundStream inbound) const;

  Host& host_;
  const Lie& lie_;
};

/// An identity whose place in the DHT shares at least `bits` bits with a key: what an attacker
/// looks for, and finds in 2^bits tries of `make`.
crypto::KeyPair key_pair_near(const Key& target, unsigned bits,
                              const std::function<crypto::KeyPair()>& make);

}  // namespace vivim::libp2p::kad
