#pragma once

#include "vivim/crdt/state_vector.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt::detail {

/// What a series of updates holds, told without a document: what a document would have integrated,
/// as long as nothing in it waits for something else.
class Known {
 public:
  /// Whether some part of `update` would have to wait in a document that holds this. A struct that
  /// depends on itself through another client's is not seen.
  bool lacks(const DecodedUpdate& update) const;
  /// Whether `update` says nothing new.
  bool covers(const DecodedUpdate& update) const;
  /// Adds what `update` holds. It must not lack anything.
  void add(const DecodedUpdate& update);

  const StateVector& state() const { return state_; }

 private:
  std::uint64_t state_of(std::uint64_t client) const {
    const auto it = state_.find(ClientId{client});
    return it == state_.end() ? 0 : it->second;
  }

  StateVector state_;
  WireDeletes deletes_;
};

}  // namespace vivim::crdt::detail
