#pragma once

#include <memory>
#include <vector>

#include "stage.hpp"
#include "vivim/libp2p/kad/dht.hpp"

namespace vivim::sim {

/// A node of one DHT, or of several over the same host, which then have protocols of their own.
class Finder {
 public:
  Finder(Stage& stage, rt::sim::Node& node) : swimmer_(stage, node) {}

  /// Starts the host, and a DHT for each of these. False: something does not start.
  bool start(std::vector<libp2p::kad::DhtOptions> dhts);
  rt::Co<void> stop();
  bool running() const { return !dhts_.empty(); }
  Swimmer& swimmer() { return swimmer_; }
  /// Counted from 0, as they were started.
  libp2p::kad::Dht& dht(std::size_t index = 0) { return *dhts_.at(index); }

 private:
  Swimmer swimmer_;
  std::vector<std::unique_ptr<libp2p::kad::Dht>> dhts_;
};

}  // namespace vivim::sim
