#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "vivim/libp2p/transport/transport.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/pipe.hpp"

namespace vivim::libp2p::memory {

/// Connections that wait for accept(), per listener; those above that are refused.
inline constexpr std::size_t k_backlog_max = 64;

class MemoryListener;

/// Where the hosts of one process find each other: who listens at which number. Outlives the
/// transports; one loop.
class MemoryHub {
 public:
  /// `pipe_bytes_max`: what each direction of a connection holds before its writer waits.
  explicit MemoryHub(rt::Loop& loop, std::size_t pipe_bytes_max = rt::k_pipe_bytes_max)
      : loop_(loop), pipe_bytes_max_(pipe_bytes_max) {}
  ~MemoryHub();
  MemoryHub(const MemoryHub&) = delete;
  MemoryHub& operator=(const MemoryHub&) = delete;

 private:
  friend class MemoryListener;
  friend class MemoryTransport;

  /// A number that nobody listens at.
  std::uint64_t free_number();

  rt::Loop& loop_;
  std::size_t pipe_bytes_max_;
  std::map<std::uint64_t, MemoryListener*> listeners_;
  std::uint64_t next_ = 1;
};

/// /memory/<number>: raw connections, still to be secured and multiplexed.
class MemoryTransport final : public Transport {
 public:
  explicit MemoryTransport(MemoryHub& hub) : hub_(hub) {}

  std::string_view name() const override { return "memory"; }
  bool can_dial(const multiformats::Multiaddr& address) const override;
  bool can_listen(const multiformats::Multiaddr& address) const override;
  /// Number 0 picks one. Errors: bad_address, address_in_use.
  Result<std::unique_ptr<TransportListener>> listen(
      const multiformats::Multiaddr& address) override;
  /// Connects at once. Errors: bad_address; refused: nobody listens there, or its backlog is full.
  rt::Co<Result<TransportConnection>> dial(multiformats::Multiaddr address,
                                           DialOptions options) override;
  void cancel_dials() override {}

 private:
  MemoryHub& hub_;
};

}  // namespace vivim::libp2p::memory
