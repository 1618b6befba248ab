#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <netinet/tcp.h>

#include "vivim/base/assert.hpp"
#include "vivim/rt/asio/awaitable_detail.hpp"
#include "vivim/rt/asio/tcp_stream_detail.hpp"

namespace vivim::rt::asio_ {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using SysError = boost::system::error_code;

// So many operations in a row return without a turn of the loop; then others have theirs.
constexpr int k_at_once_max = 8;
constexpr std::size_t k_short_read_bytes = 1024;

template <int Level, int Name>
using IntOption = asio::detail::socket_option::integer<Level, Name>;

class TcpStream final : public Stream {
 public:
  TcpStream(Loop& loop, tcp::socket socket) : loop_(loop), socket_(std::move(socket)) {}
  ~TcpStream() override {
    VIVIM_ASSERT(pending_ == 0);
    if (!write_closed_) {
      reset(0);
    }
  }

  Co<Result<std::size_t>> read_some(MutableBytes into) override {
    VIVIM_ASSERT(loop_.is_here() && !into.empty());
    if (reset_) {
      co_return fail(RtError::closed);
    }
    const Pending guard(pending_);
    if (!std::exchange(emptied_, false) && reads_at_once_++ < k_at_once_max) {
      const auto n = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
      if (n >= 0) {
        note_read(static_cast<std::size_t>(n), into.size());
        co_return static_cast<std::size_t>(n);
      }
    }
    reads_at_once_ = 0;
    const auto [error, n] =
        co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), k_tuple);
    if (reset_) {
      co_return fail(RtError::closed);
    }
    if (error == asio::error::eof) {
      co_return std::size_t{0};
    }
    if (error) {
      co_return fail(to_error(error));
    }
    note_read(n, into.size());
    co_return n;
  }

  Co<Result<void>> write(BytesView bytes) override {
    VIVIM_ASSERT(loop_.is_here());
    if (reset_ || write_closed_) {
      co_return fail(RtError::closed);
    }
    const Pending guard(pending_);
    if (writes_at_once_++ < k_at_once_max) {
      bytes = bytes.subspan(send_now(bytes));
    }
    while (!bytes.empty()) {
      writes_at_once_ = 0;
      const auto [error, n] =
          co_await socket_.async_write_some(asio::buffer(bytes.data(), bytes.size()), k_tuple);
      if (reset_) {
        co_return fail(RtError::closed);
      }
      if (error) {
        co_return fail(to_error(error));
      }
      bytes = bytes.subspan(n);
    }
    co_return Result<void>{};
  }

  Co<Result<void>> close_write() override {
    if (reset_) {
      co_return fail(RtError::closed);
    }
    if (std::exchange(write_closed_, true)) {
      co_return Result<void>{};
    }
    SysError error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    if (error) {
      co_return fail(to_error(error));
    }
    co_return Result<void>{};
  }

  void reset(std::uint32_t) override {
    VIVIM_ASSERT(loop_.is_here());
    if (std::exchange(reset_, true)) {
      return;
    }
    SysError ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);  // close sends a reset
    socket_.close(ignored);
  }

 private:
  // Behind a short message there is rarely another at once: no use to look before waiting.
  void note_read(std::size_t count, std::size_t room) {
    emptied_ = count < room && count < k_short_read_bytes;
  }

  // How many bytes left at once; an error shows itself when the rest is sent.
  std::size_t send_now(BytesView bytes) {
    const auto n =
        ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }

  struct Pending {
    explicit Pending(int& counter) : count(counter) { ++count; }
    ~Pending() { --count; }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;
    int& count;
  };

  Loop& loop_;
  tcp::socket socket_;
  int pending_ = 0;
  int reads_at_once_ = 0;  ///< in a row
  int writes_at_once_ = 0;
  bool emptied_ = false;  ///< the last read took all there was
  bool write_closed_ = false;
  bool reset_ = false;
};

}  // namespace

Error to_error(const SysError& error, std::source_location site) {
  const auto errno_value = static_cast<std::uint64_t>(error.value());
  switch (error.value()) {
    case asio::error::operation_aborted:
    case asio::error::bad_descriptor:
      return Error(RtError::closed, 0, site);
    case asio::error::connection_reset:
    case asio::error::broken_pipe:
    case asio::error::connection_aborted:
    case asio::error::not_connected:
      return Error(RtError::reset, 0, site);
    case asio::error::connection_refused:
      return Error(RtError::refused, 0, site);
    case asio::error::timed_out:
      return Error(RtError::timed_out, 0, site);
    case asio::error::host_unreachable:
    case asio::error::network_unreachable:
    case asio::error::network_down:
      return Error(RtError::unreachable, errno_value, site);
    case asio::error::address_in_use:
      return Error(RtError::address_in_use, errno_value, site);
    case EADDRNOTAVAIL:
    case asio::error::address_family_not_supported:
    case asio::error::invalid_argument:
    case asio::error::access_denied:
      return Error(RtError::bad_address, errno_value, site);
    case asio::error::no_descriptors:
    case ENFILE:
      return Error(RtError::limit, errno_value, site);
    default:
      return Error(RtError::io, errno_value, site);
  }
}

Endpoint to_endpoint(const tcp::endpoint& endpoint) {
  Endpoint result{.port = endpoint.port()};
  result.ip.is_v6 = endpoint.address().is_v6();
  if (result.ip.is_v6) {
    std::ranges::copy(endpoint.address().to_v6().to_bytes(), result.ip.bytes.begin());
  } else {
    std::ranges::copy(endpoint.address().to_v4().to_bytes(), result.ip.bytes.begin());
  }
  return result;
}

tcp::endpoint from_endpoint(const Endpoint& endpoint) {
  if (endpoint.ip.is_v6) {
    return {asio::ip::address_v6(endpoint.ip.bytes), endpoint.port};
  }
  asio::ip::address_v4::bytes_type bytes{};
  std::copy_n(endpoint.ip.bytes.begin(), bytes.size(), bytes.begin());
  return {asio::ip::address_v4(bytes), endpoint.port};
}

Result<Connection> adopt_socket(Loop& loop, tcp::socket socket) {
  SysError error;
  const auto local = socket.local_endpoint(error);
  const auto remote = error ? tcp::endpoint() : socket.remote_endpoint(error);
  if (error) {
    return fail(to_error(error));
  }
  socket.set_option(tcp::no_delay(true), error);
  socket.set_option(asio::socket_base::keep_alive(true), error);
  socket.set_option(IntOption<IPPROTO_TCP, TCP_KEEPIDLE>(60), error);
  socket.set_option(IntOption<IPPROTO_TCP, TCP_KEEPINTVL>(15), error);
  socket.set_option(IntOption<IPPROTO_TCP, TCP_KEEPCNT>(4), error);
  socket.non_blocking(true, error);
  return Connection{.stream = std::make_unique<TcpStream>(loop, std::move(socket)),
                    .local = to_endpoint(local),
                    .remote = to_endpoint(remote)};
}

}  // namespace vivim::rt::asio_
