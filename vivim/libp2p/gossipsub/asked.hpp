#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "vivim/libp2p/gossipsub/key_table.hpp"
#include "vivim/libp2p/gossipsub/protocol.hpp"

namespace vivim::libp2p::gossipsub {

/// Which peers messages were asked of lately: forgotten after one to two turns.
class Asked {
 public:
  /// Most peers that are remembered of one message.
  static constexpr std::size_t k_peers_max = 4;

  struct Ask {
    PeerIndex peer{};
    std::uint32_t moment = 0;  ///< of asking, as the router counts them; 0: none
  };
  using Asks = std::array<Ask, k_peers_max>;

  /// Null: of nobody.
  const Asks* find(const MessageKey& key) const {
    const Asks* now = current_.find(key);
    return now != nullptr ? now : previous_.find(key);
  }
  /// Those of a message, to change; valid until the next call.
  Asks& at(const MessageKey& key) {
    const auto [asks, made] = current_.insert(key);
    const Asks* before = made ? previous_.find(key) : nullptr;
    if (before != nullptr) {
      *asks = *before;
    }
    return *asks;
  }
  void turn() {
    previous_ = std::move(current_);
    current_.clear();
  }

 private:
  KeyTable<Asks> current_;
  KeyTable<Asks> previous_;
};

}  // namespace vivim::libp2p::gossipsub
