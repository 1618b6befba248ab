#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "vivim/libp2p/dcutr/message.hpp"

namespace vivim::libp2p::dcutr {

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

/// Most addresses of the peer that one attempt dials.
inline constexpr std::size_t k_dialled_addresses_max = 8;

/// Which addresses of a peer are dialled at its word.
enum class Scope : std::uint8_t {
  global,  ///< those of the public Internet: a peer cannot make us knock at our neighbours' doors
  any,     ///< private ones too: for tests and closed networks
};

/// Which end of the security handshake we are on a connection that is punched.
enum class Role : std::uint8_t { client, server };

/// What of `addresses` may be punched to: TCP or QUIC v1, nothing above it, at an IP address that
/// is not the unspecified one and in `scope`; without /p2p at their end and without repetition, at
/// most `max`.
std::vector<Multiaddr> punchable(const std::vector<Multiaddr>& addresses, Scope scope,
                                 std::size_t max);

struct InitiatorOptions {
  unsigned attempts_max = 3;
  Scope scope = Scope::global;
  /// In the last attempt we are the client: for peers with the roles of an earlier time.
  bool client_at_last = true;
};

/// The peer that starts a hole punch: the one to whom the relayed connection came ("B" in the
/// specification). Each attempt has a stream of its own: begin() and send, on_message() and send,
/// dial at dial_at(). Sans-IO.
class Initiator {
 public:
  explicit Initiator(InitiatorOptions options = {}) : options_(options) {}

  /// Whether another attempt is left.
  bool more() const { return attempt_ < options_.attempts_max; }
  /// Begins an exchange: the CONNECT to send at `now`. Error: no_own_addresses.
  Result<Message> begin(const std::vector<Multiaddr>& own, Time now);
  /// The peer's CONNECT. Errors: unexpected, no_addresses.
  Result<void> on_message(const Message& message, Time now);
  /// The SYNC to send at `now`, after on_message(): makes the exchange an attempt.
  Message sync(Time now);

  /// When to dial: half a round trip after the SYNC.
  Time dial_at() const { return dial_at_; }
  /// Where to.
  const std::vector<Multiaddr>& addresses() const { return addresses_; }
  Role role() const;
  Time rtt() const { return rtt_; }
  /// Counted from 1.
  unsigned attempt() const { return attempt_; }

 private:
  InitiatorOptions options_;
  unsigned attempt_ = 0;
  bool awaiting_ = false;
  Time began_{};
  Time rtt_{};
  Time dial_at_{};
  std::vector<Multiaddr> addresses_;
};

/// The peer that dialled through the relay ("A"): answers CONNECT with CONNECT, and dials at once
/// when SYNC comes, as the client. Sans-IO; one for each stream.
class Responder {
 public:
  explicit Responder(Scope scope = Scope::global) : scope_(scope) {}

  /// A message to send, or none. Errors: unexpected, no_addresses, no_own_addresses.
  Result<std::optional<Message>> on_message(const Message& message,
                                            const std::vector<Multiaddr>& own);
  /// SYNC came: dial now.
  bool synced() const { return state_ == State::synced; }
  const std::vector<Multiaddr>& addresses() const { return addresses_; }

 private:
  enum class State : std::uint8_t { awaiting_connect, awaiting_sync, synced };
  Scope scope_;
  State state_ = State::awaiting_connect;
  std::vector<Multiaddr> addresses_;
};

}  // namespace vivim::libp2p::dcutr
