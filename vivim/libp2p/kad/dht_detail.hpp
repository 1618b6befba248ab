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
  rt::TimePoint again_at{};  ///< nobody is asked before, as there was no room
  unsigned waits = 0;        ///< for room, so far
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
  Bytes key;
  Message message;
  std::unique_ptr<rt::Event> changed;
  std::optional<double> size = {};  ///< of the network; none: it is small, or not known
  std::set<PeerId> tried = {};
  std::size_t stored = 0;
  std::size_t done = 0;
  std::size_t sure = 0;  ///< of those tried, practically sure to be among the nearest
  bool crowded = false;  ///< as far as the lookup has come
  bool region = false;
  std::optional<Result<LookupReport>> lookup = {};
  bool all_tried = false;
};

}  // namespace vivim::libp2p::kad
