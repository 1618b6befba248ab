#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>

#include "vivim/base/bytes.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::sim {

/// What a peer of a crowd tells of.
struct CrowdFact {
  enum class Kind : std::uint32_t { connected, failed, delivered };
  Kind kind = Kind::connected;
  std::uint32_t took_us = 0;  ///< delivered: since it was published
};

/// Who published a message.
enum class CrowdOrigin : std::uint8_t {
  other,  ///< those who made the crowd: all of it shall get it
  crowd,  ///< one of a crowd
};
/// What messages have in front: when they were published, by the monotonic clock that all processes
/// share, and by whom.
inline constexpr std::size_t k_crowd_header_bytes = 9;
void stamp(MutableBytes message, CrowdOrigin origin, rt::TimePoint now);

/// Peers in a process of their own: whole hosts with gossipsub on real sockets, that connect with
/// one address, stay, and are in a topic. The process ends with this.
class Crowd {
 public:
  /// Forks, so before this process has anything that must not be there twice. Null: the system does
  /// not let us.
  static std::unique_ptr<Crowd> start(std::size_t peers, const std::string& topic);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// All of them connect with this address, which ends in the peer's id.
  void connect(const std::string& address);
  /// One of them publishes a message of so many bytes, below 64 KiB.
  void publish(std::uint16_t bytes);
  /// What they told of since; never waits.
  std::vector<CrowdFact> take();

 private:
  Crowd(pid_t process, int in, int out) : process_(process), in_(in), out_(out) {}

  pid_t process_;
  int in_;   ///< what it tells
  int out_;  ///< what it shall do: a line each
  std::string rest_;
};

}  // namespace vivim::sim
