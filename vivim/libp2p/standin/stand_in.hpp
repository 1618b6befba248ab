#pragma once

#include <memory>
#include <string_view>

#include "vivim/crypto/secret.hpp"
#include "vivim/libp2p/standin/hello.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::libp2p::standin {

inline constexpr std::string_view k_protocol_id = "/vivim/stand-in/1.0.0";

/// Who vouches for the peers of one simulated world: it makes a Security for each, which proves its
/// identity with a secret that only this object knows. The bytes that follow travel as they are.
/// Outlives what it made.
class StandInAuthority {
 public:
  /// Only a simulated world has one.
  explicit StandInAuthority(rt::sim::World& world);
  StandInAuthority(const StandInAuthority&) = delete;
  StandInAuthority& operator=(const StandInAuthority&) = delete;

  /// For the host with this key; `rng` is its own, and outlives it.
  std::unique_ptr<Security> security_for(const crypto::KeyPair& key, rt::Rng& rng);

 private:
  friend class StandIn;
  /// Binds who says it, in which role, to both nonces.
  Proof proof(const multiformats::PeerId& peer, Direction direction, const Nonce& dialer,
              const Nonce& listener) const;

  static constexpr std::size_t k_secret_bytes = 32;
  std::array<std::uint8_t, k_secret_bytes> secret_{};
};

}  // namespace vivim::libp2p::standin
