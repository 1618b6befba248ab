#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "interop/node_worker.hpp"
#include "vivim/base/bytes.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/update_format.hpp"

namespace vivim::interop::conformance {

/// Peers of other engines, in a Node worker (interop/js/conformance-peers.mjs). They edit as they
/// like. After a failure nothing happens any more until reset().
class Peers {
 public:
  enum class Engine : std::uint8_t { yjs14, yrs };

  Peers() : worker_("interop/js/conformance-peers.mjs") {}

  void reset();
  /// `client` has 32 bits at most.
  void make(Engine engine, std::uint64_t client, bool collects);
  /// Edits at random; the updates (v1) that came of it.
  std::vector<Bytes> edit(std::size_t peer, std::uint64_t seed);
  /// Applies an update; what was emitted then, this update first.
  std::vector<Bytes> apply(std::size_t peer, BytesView update, crdt::UpdateFormat format);
  Bytes state(std::size_t peer);
  /// Whether the peer shows what Yjs 13 shows of `state`: if not, it is a failure.
  void compare(std::size_t peer, BytesView state);

  const std::optional<std::string>& failure() const { return failure_; }

 private:
  std::optional<Bytes> ask(const crdt::lib0::Encoder& request);
  std::vector<Bytes> updates(const crdt::lib0::Encoder& request);

  NodeWorker worker_;
  std::optional<std::string> failure_;
};

}  // namespace vivim::interop::conformance
