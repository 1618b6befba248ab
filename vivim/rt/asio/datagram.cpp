#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "vivim/base/assert.hpp"
#include "vivim/rt/asio/awaitable_detail.hpp"
#include "vivim/rt/asio/datagram_detail.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/tcp_stream_detail.hpp"

namespace vivim::rt::asio_ {

namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using SysError = boost::system::error_code;

Error last_network_error(std::source_location site = std::source_location::current()) {
  return to_error(SysError(errno, boost::system::system_category()), site);
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

/// Errors of an earlier datagram that the system tells on the next call: not ours to report.
bool is_late_report(int error) {
  return error == EINTR || error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
         error == EMSGSIZE;
}

class UdpSocket final : public DatagramSocket {
 public:
  UdpSocket(Loop& loop, udp::socket socket, Endpoint local, const DatagramOptions& options)
      : loop_(loop), socket_(std::move(socket)), local_(local), inbox_(local, options) {
    segmentation_ = options.batches;
  }
  ~UdpSocket() override {
    VIVIM_ASSERT(pending_ == 0);
    close();
  }

  Co<Result<std::span<const Datagram>>> receive() override {
    VIVIM_ASSERT(loop_.is_here());
    const Pending guard(pending_);
    if (std::exchange(received_at_once_, false)) {
      // A flood does not keep the loop's other coroutines from running.
      co_await asio::post(loop_.executor(), asio::use_awaitable);
    }
    for (bool waited = false; !closed_; waited = true) {
      const auto datagrams = inbox_.take(socket_.native_handle());
      if (!datagrams.empty()) {
        received_at_once_ = !waited;
        co_return datagrams;
      }
      if (const int error = inbox_.error();
          error != 0 && !would_block(error) && !is_late_report(error)) {
        errno = error;
        co_return fail(last_network_error());
      }
      (void)co_await socket_.async_wait(udp::socket::wait_read, k_tuple);
    }
    co_return fail(RtError::closed);
  }

  Co<Result<void>> send(Endpoint to, BytesView bytes, SendOptions options) override {
    VIVIM_ASSERT(loop_.is_here() && !bytes.empty());
    const Pending guard(pending_);
    Outgoing outgoing(to, bytes, options, segmentation_);
    while (!closed_) {
      const int error = outgoing.send_some(socket_.native_handle());
      if (error == 0) {
        if (outgoing.done()) {
          co_return Result<void>{};
        }
      } else if (would_block(error)) {
        (void)co_await socket_.async_wait(udp::socket::wait_write, k_tuple);
      } else if (error == ENOBUFS) {
        co_return Result<void>{};  // lost, as on any crowded link
      } else if (outgoing.segmented() && (error == EIO || error == EINVAL)) {
        segmentation_ = false;  // this system, or this interface, cannot
        outgoing.stop_segmenting();
      } else if (error == EMSGSIZE) {
        co_return fail(RtError::limit, outgoing.segment_bytes());
      } else if (error != EINTR && error != ECONNREFUSED) {
        errno = error;
        co_return fail(last_network_error());
      }
    }
    co_return fail(RtError::closed);
  }

  Result<void> join(IpAddress group, IpAddress interface) override {
    if (!group.is_multicast() || group.is_v6 != local_.ip.is_v6) {
      return fail(RtError::bad_address);
    }
    return join_group(socket_.native_handle(), group, interface) ? Result<void>{}
                                                                 : fail(last_network_error());
  }

  Endpoint local() const override { return local_; }

  void close() override {
    if (!std::exchange(closed_, true)) {
      SysError ignored;
      socket_.close(ignored);
    }
  }

 private:
  struct Pending {
    explicit Pending(int& counter) : count(counter) { ++count; }
    ~Pending() { --count; }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    int& count;
  };

  Loop& loop_;
  udp::socket socket_;
  Endpoint local_;
  Inbox inbox_;
  int pending_ = 0;
  bool segmentation_ = false;
  bool received_at_once_ = false;
  bool closed_ = false;
};

bool set_int(int socket, int level, int name, int value) {
  return ::setsockopt(socket, level, name, &value, sizeof(value)) == 0;
}

/// What must hold; false with errno otherwise.
bool set_needed(int socket, const Endpoint& at, const DatagramOptions& options) {
  if (options.shared && (!set_int(socket, SOL_SOCKET, SO_REUSEADDR, 1) ||
                         !set_int(socket, SOL_SOCKET, SO_REUSEPORT, 1))) {
    return false;
  }
  const int hops = static_cast<int>(options.multicast_hops);
  if (at.ip.is_v6) {
    return set_int(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           set_int(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           set_int(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops) &&
           set_int(socket, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) &&
           (!options.never_fragment ||
            set_int(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE));
  }
  return set_int(socket, IPPROTO_IP, IP_PKTINFO, 1) &&
         set_int(socket, IPPROTO_IP, IP_MULTICAST_TTL, hops) &&
         set_int(socket, IPPROTO_IP, IP_MULTICAST_LOOP, 1) &&
         (!options.never_fragment ||
          set_int(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE));
}

/// What is good to have.
void set_wanted(int socket, const DatagramOptions& options) {
  if (options.buffer_bytes > 0) {
    const int bytes = static_cast<int>(options.buffer_bytes);
    for (const auto [forced, polite] :
         {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, std::pair{SO_SNDBUFFORCE, SO_SNDBUF}}) {
      if (!set_int(socket, SOL_SOCKET, forced, bytes)) {
        (void)set_int(socket, SOL_SOCKET, polite, bytes);
      }
    }
  }
  if (options.batches) {
    (void)set_int(socket, IPPROTO_UDP, UDP_GRO, 1);
  }
}

}  // namespace

Result<std::unique_ptr<DatagramSocket>> TcpNetwork::open_datagram(Endpoint at,
                                                                  DatagramOptions options) {
  VIVIM_ASSERT(loop_.is_here());
  const auto tcp = from_endpoint(at);
  const udp::endpoint endpoint(tcp.address(), tcp.port());
  udp::socket socket(loop_.context());
  SysError error;
  socket.open(endpoint.protocol(), error);
  if (error) {
    return fail(to_error(error));
  }
  if (!set_needed(socket.native_handle(), at, options)) {
    return fail(last_network_error());
  }
  set_wanted(socket.native_handle(), options);
  socket.bind(endpoint, error);
  if (!error) {
    socket.non_blocking(true, error);
  }
  const auto bound = error ? endpoint : socket.local_endpoint(error);
  if (error) {
    return fail(to_error(error));
  }
  return std::make_unique<UdpSocket>(loop_, std::move(socket),
                                     to_endpoint({bound.address(), bound.port()}), options);
}

}  // namespace vivim::rt::asio_
