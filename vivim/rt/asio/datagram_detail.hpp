#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "vivim/rt/datagram.hpp"

namespace vivim::rt::asio_ {

/// Messages of one system call.
inline constexpr std::size_t k_receive_batch = 16;
inline constexpr std::size_t k_send_batch = 32;
/// Datagrams that the system cuts one message into, at most.
inline constexpr std::size_t k_segments_max = 64;
/// Receive buffer of one message that may hold many datagrams.
inline constexpr std::size_t k_joined_bytes_max = 65'536;

/// Room for the control messages that we use.
struct alignas(cmsghdr) Control {
  std::array<char, 128> bytes;
};

/// An address as system calls take it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  static SocketAddress from(const Endpoint& endpoint);
  static Endpoint to_endpoint(const sockaddr_storage& storage);
};

/// Joins a multicast group on an interface; false with errno.
bool join_group(int socket, const IpAddress& group, const IpAddress& interface);

/// The receiving side of a socket: buffers, and what is in them.
class Inbox {
 public:
  Inbox(const Endpoint& local, const DatagramOptions& options);

  /// Takes what has arrived, without waiting; empty with error().
  std::span<const Datagram> take(int socket);
  /// Why the last take() was empty: errno, or 0 when all it found was dropped.
  int error() const { return error_; }

 private:
  void prepare();
  void split(const msghdr& header, std::size_t length);

  Endpoint local_;
  std::size_t slot_bytes_;
  std::size_t slots_;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::vector<mmsghdr> headers_;
  std::vector<iovec> vectors_;
  std::vector<sockaddr_storage> addresses_;
  std::vector<Control> controls_;
  std::vector<Datagram> datagrams_;
  int error_ = 0;
};

/// One send() under way: what is left of its datagrams.
class Outgoing {
 public:
  Outgoing(const Endpoint& to, BytesView bytes, const SendOptions& options, bool segmentation);

  /// Sends as much as one system call takes: 0, or errno.
  int send_some(int socket);
  bool done() const { return bytes_.empty(); }
  bool segmented() const { return segmentation_ && bytes_.size() > segment_bytes_; }
  void stop_segmenting() { segmentation_ = false; }
  std::size_t segment_bytes() const { return segment_bytes_; }

 private:
  int send_joined(int socket);
  int send_apart(int socket);
  void add_source(msghdr& header, Control& control) const;

  SocketAddress to_;
  BytesView bytes_;
  std::size_t segment_bytes_;
  std::optional<IpAddress> from_;
  unsigned from_interface_;  ///< of an IPv6 multicast; 0: the routes'
  bool segmentation_;
};

}  // namespace vivim::rt::asio_
