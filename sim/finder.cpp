#include "finder.hpp"

namespace vivim::sim {

bool Finder::start(std::vector<libp2p::kad::DhtOptions> dhts) {
  if (!swimmer_.start()) {
    return false;
  }
  bool started = true;
  for (auto& options : dhts) {
    dhts_.push_back(std::make_unique<libp2p::kad::Dht>(swimmer_.host(), swimmer_.node().rng(),
                                                       libp2p::record::Signer::of(swimmer_.key()),
                                                       std::move(options)));
    started = dhts_.back()->start().has_value() && started;
  }
  return started;
}

rt::Co<void> Finder::stop() {
  if (running()) {
    for (const auto& dht : dhts_) {
      dht->quit();
    }
    co_await swimmer_.host().stop();
    for (const auto& dht : dhts_) {
      co_await dht->stop();
    }
    dhts_.clear();
  }
  co_await swimmer_.stop();
}

}  // namespace vivim::sim
