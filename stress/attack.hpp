#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "stress/node.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/host/watchdog.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::stress {

/// Whom an attack is against, and somebody else whom it may misuse.
struct Target {
  rt::IpAddress ip;
  Ports ports;
  PeerId peer;
  PeerId bystander;
};

/// What an attack works with. One identity; each connection of it is secured anew.
class Ground {
 public:
  Ground(rt::Loop& loop, rt::Network& network, rt::Rng& rng, Target target);
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  rt::Loop& loop() { return loop_; }
  rt::Network& network() { return network_; }
  rt::Rng& rng() { return rng_; }
  const Target& target() const { return target_; }
  bool over() const { return tasks_.stopping(); }

  /// Runs `shot` again and again, `parallel` at a time, until stop().
  void begin(rt::Co<void> (*shot)(Ground&), std::size_t parallel);
  /// Waits for the shots that are in the air.
  rt::Co<void> stop();
  std::uint64_t shots() const { return shots_; }

  /// A connection to one of the target's TCP ports; null when that fails.
  rt::Co<std::unique_ptr<rt::Stream>> dial(Way way);
  /// A secured connection whose muxer is still ours to speak; null when that fails.
  rt::Co<std::unique_ptr<rt::Stream>> secure();
  /// A host that is connected with the target, of a new identity; null when that fails. To be
  /// stopped.
  rt::Co<std::unique_ptr<libp2p::Host>> join();
  /// A deadline after which a stream that hangs is reset.
  libp2p::Watchdog::Guard fuse(rt::Stream& stream, rt::Duration time);
  /// Waits a while, or until the attack is over.
  rt::Co<void> linger(rt::Duration time);

 private:
  rt::Co<void> repeat(rt::Co<void> (*shot)(Ground&));

  rt::Loop& loop_;
  rt::Network& network_;
  rt::Rng& rng_;
  Target target_;
  crypto::KeyPair key_;
  libp2p::NoiseSecurity noise_;
  libp2p::Watchdog watchdog_;
  std::uint64_t shots_ = 0;
  rt::TaskGroup tasks_;
  rt::TaskGroup watching_;
};

/// Reads a stream to its end, and forgets what it reads.
rt::Co<void> drain(rt::Stream& stream);

/// How a node answers an attack.
enum class Answer : std::uint8_t {
  refused,  ///< and counts what it refused
  borne,    ///< it is what anybody may do, only more of it
};

/// One way to be hostile.
struct Attack {
  std::string_view name;
  rt::Co<void> (*shot)(Ground&);
  std::size_t parallel;  ///< shots at a time
  Answer answer = Answer::refused;
};

/// Against connections that are not secured: silence, dribbles, garbage, lengths that lie.
std::span<const Attack> raw_attacks();
/// Against secured connections: frames and streams.
std::span<const Attack> muxer_attacks();
/// Against services: identify, relay, AutoNAT, rendezvous.
std::span<const Attack> service_attacks();
/// All of them.
std::vector<Attack> all_attacks();

}  // namespace vivim::stress
