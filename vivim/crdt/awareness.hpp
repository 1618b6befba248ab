#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/error.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/subscription.hpp"

namespace vivim::crdt {

/// After this long without news a remote client counts as gone (y-protocols: outdatedTimeout).
inline constexpr std::uint64_t k_awareness_timeout_ms = 30'000;
/// The local state must be sent again after this long (half of the timeout).
inline constexpr std::uint64_t k_awareness_renew_ms = 15'000;
/// Most clients whose awareness is remembered for one document; an update that would add more is
/// refused.
inline constexpr std::size_t k_awareness_clients_max = 1024;
/// Longest state of one client, bytes of JSON.
inline constexpr std::size_t k_awareness_state_bytes_max = 64 * 1024;

/// What an update changed. A renewal that says nothing new is in `renewed` only.
struct AwarenessChange {
  std::vector<ClientId> added;
  std::vector<ClientId> updated;
  std::vector<ClientId> removed;
  std::vector<ClientId> renewed;  ///< clock moved, same state: relay it, tell nobody

  bool empty() const {
    return added.empty() && updated.empty() && removed.empty() && renewed.empty();
  }
  /// All of them: what a relay encodes and sends on.
  std::vector<ClientId> all() const;
};

/// Who is here and where their cursors are (y-protocols awareness.js). States are JSON texts that
/// we do not look into. No clock inside: `now_ms` is any monotonic time in milliseconds.
class Awareness {
 public:
  /// `own` is the client id whose state others cannot remove; a relay that has no state of its own
  /// passes nothing.
  explicit Awareness(std::optional<ClientId> own = std::nullopt);

  /// Sets the own state (JSON text), or removes it with nothing. Needs an own id. Returns what
  /// changed.
  AwarenessChange set_local_state(std::optional<std::string> json, std::uint64_t now_ms);

  /// Applies an update of another client. Errors: truncated, number_too_large, bad_utf8,
  /// trailing_bytes, too_many; then nothing has changed.
  Result<AwarenessChange> apply(BytesView update, Origin origin, std::uint64_t now_ms);

  /// Removes `clients` because their connection ended; own state stays.
  AwarenessChange remove(const std::vector<ClientId>& clients, std::uint64_t now_ms);

  /// Removes remote clients that were silent for k_awareness_timeout_ms, renews the own state when
  /// it is due. Call it about every 3 seconds.
  AwarenessChange expire(std::uint64_t now_ms);

  /// The awareness update of `clients` (unknown ones are left out).
  Bytes encode(const std::vector<ClientId>& clients) const;
  /// Of everyone who has a state.
  Bytes encode_all() const;

  /// The JSON of everyone who has a state.
  std::map<ClientId, std::string> states() const;

  /// Calls `observer` after every change that is not empty; `origin` is 0 for local ones.
  Subscription on_change(std::function<void(const AwarenessChange&, Origin)> observer);

 private:
  struct Entry {
    std::uint64_t clock = 0;
    std::uint64_t updated_ms = 0;
    std::optional<std::string> json;  ///< nothing: gone, but its clock is remembered
  };
  struct Incoming {
    ClientId client{};
    std::uint64_t clock = 0;
    std::optional<std::string> json;
  };
  struct Observers;

  static Result<std::vector<Incoming>> decode(BytesView update);
  void apply_one(Incoming incoming, std::uint64_t now_ms, AwarenessChange& change);
  void forget_gone(std::size_t needed);
  void notify(const AwarenessChange& change, Origin origin);

  std::optional<ClientId> own_;
  std::map<ClientId, Entry> entries_;
  std::shared_ptr<Observers> observers_;
};

}  // namespace vivim::crdt
