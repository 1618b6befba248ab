#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::rt::asio_ {

/// Pending connections that the system keeps for a listener.
inline constexpr int k_listen_backlog = 128;
/// How long a listener pauses when the process is out of descriptors or memory.
inline constexpr auto k_accept_pause = std::chrono::milliseconds(100);

/// TCP over the system's sockets: non-blocking, TCP_NODELAY, keep-alive (60 s idle, then 4 probes
/// of 15 s). And UDP.
class TcpNetwork final : public Network {
 public:
  explicit TcpNetwork(Loop& loop);
  ~TcpNetwork() override;

  /// SO_REUSEADDR; an IPv6 listener takes IPv6 only.
  Result<std::unique_ptr<Listener>> listen(Endpoint at) override;
  Co<Result<Connection>> dial(Endpoint to, std::chrono::nanoseconds timeout) override;
  Co<Result<Connection>> dial_from(Endpoint from, Endpoint to,
                                   std::chrono::nanoseconds timeout) override;
  void cancel_dials() override;
  /// An IPv6 socket takes IPv6 only. Batches use recvmmsg with UDP_GRO and UDP_SEGMENT, or sendmmsg
  /// where the system refuses those.
  Result<std::unique_ptr<DatagramSocket>> open_datagram(Endpoint at,
                                                        DatagramOptions options) override;
  Result<std::vector<IpAddress>> interfaces() override;

 private:
  struct Dial;

  Co<Result<Connection>> connect(std::shared_ptr<Dial> dial, Endpoint to,
                                 std::chrono::nanoseconds timeout);

  Loop& loop_;
  std::map<std::uint64_t, std::shared_ptr<Dial>> dials_;
  std::uint64_t next_dial_ = 0;
};

}  // namespace vivim::rt::asio_
