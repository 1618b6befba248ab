#pragma once

#include <memory>
#include <set>

#include "vivim/libp2p/kad/dht.hpp"

namespace vivim::libp2p::kad {

/// A lookup under way; requests that outlive it share it.
struct Dht::Lookup {
  Query query;
  Message request;
  OnAnswer on_answer;
  std::unique_ptr<rt::Timer> timer;
  rt::TimePoint deadline{};
  std::map<PeerId, Bytes> records = {};  ///< signed peer records that were told, unchecked
  bool ended = false;
};

/// One question to several nodes.
struct Dht::Asking {
  Message request;
  std::function<void(const Contact&, const Message&)> on_answer;
  std::unique_ptr<rt::Event> changed;
  std::size_t left = 0;
};

/// Something that is being stored with several nodes.
struct Dht::Storing {
  Message message;
  std::unique_ptr<rt::Event> changed;
  std::set<PeerId> tried = {};
  std::size_t stored = 0;
  std::size_t done = 0;
};

}  // namespace vivim::libp2p::kad
