#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "vivim/base/problem.hpp"
#include "vivim/rt/co.hpp"

namespace vivim::gateway {

/// How a lookup in the DHT went.
struct DhtLookup {
  /// "complete": the nearest nodes have answered; "stopped": early, enough was found or the time
  /// was over; "exhausted": nobody answered; "running": it goes on, and the rest is not known yet.
  std::string end;
  std::uint64_t hops = 0;
  std::uint64_t asked = 0;
  std::uint64_t answers = 0;
  double ms = 0;
};

struct ContentProvider {
  std::string peer_id;
  std::vector<std::string> addresses;
  bool is_signed = false;     ///< by the provider itself
  std::uint64_t told_by = 0;  ///< nodes that told it
};

/// Who has something.
struct ContentProviders {
  std::string content;  ///< as it was asked for
  std::string key;      ///< the multihash, in hexadecimal
  std::vector<ContentProvider> providers;
  bool region = false;  ///< the whole region of the key was asked
  DhtLookup lookup;
};

/// Where something was stored.
struct DhtStored {
  std::string key;           ///< a multihash in hexadecimal, or the key of a value
  std::uint64_t stored = 0;  ///< nodes that took it
  std::uint64_t tried = 0;
  bool early = false;   ///< others are still being told
  bool region = false;  ///< the whole region of the key was told
  DhtLookup lookup;
};

struct DhtValue {
  std::string key;
  std::string publisher;  ///< who signed it; empty where the key says nothing of that
  std::uint64_t sequence = 0;
  std::string text;         ///< the value, if it is text
  std::string hex;          ///< else in hexadecimal
  std::uint64_t votes = 0;  ///< nodes that told it
  bool disagreed = false;   ///< others told other valid values
  DhtLookup lookup;
};

struct DhtPeer {
  std::string peer_id;
  std::vector<std::string> addresses;
  bool is_signed = false;  ///< by the peer itself
  DhtLookup lookup;
};

/// The DHT, as people use it. Problems of all: unavailable when it is switched off, or nobody is
/// known.
class DhtService {
 public:
  virtual ~DhtService() = default;
  /// `content`: a CID, or the id of a conversation. `enough`: ends the lookup when so many were
  /// found; 0: never. Problem: bad_input.
  virtual rt::Co<Outcome<ContentProviders>> providers(std::string content,
                                                      std::uint64_t enough) = 0;
  /// From now on, again and again while the node runs.
  virtual rt::Co<Outcome<DhtStored>> provide(std::string content) = 0;
  /// Problems: bad_input, not_found.
  virtual rt::Co<Outcome<DhtValue>> value(std::string key) = 0;
  /// Publishes a text under a name of ours. Problems: bad_input.
  virtual rt::Co<Outcome<DhtStored>> put(std::string name, std::string text) = 0;
  /// Problems: bad_input, not_found.
  virtual rt::Co<Outcome<DhtPeer>> find(std::string peer_id) = 0;
};

}  // namespace vivim::gateway
