#include "vivim/rt/asio/network.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ifaddrs.h>
#include <sys/socket.h>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/rt/asio/awaitable_detail.hpp"
#include "vivim/rt/asio/tcp_stream_detail.hpp"

namespace vivim::rt::asio_ {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using SysError = boost::system::error_code;

bool out_of_resources(const SysError& error) {
  return error.value() == EMFILE || error.value() == ENFILE || error.value() == ENOBUFS ||
         error.value() == ENOMEM;
}

class TcpListener final : public Listener {
 public:
  TcpListener(Loop& loop, tcp::acceptor acceptor, Endpoint local)
      : loop_(loop), acceptor_(std::move(acceptor)), pause_(loop.make_timer()), local_(local) {}
  ~TcpListener() override { close(); }

  Co<Result<Connection>> accept() override {
    VIVIM_ASSERT(loop_.is_here());
    while (!closed_) {
      auto [error, socket] = co_await acceptor_.async_accept(k_tuple);
      if (closed_) {
        break;
      }
      if (!error) {
        if (auto connection = adopt_socket(loop_, std::move(socket))) {
          co_return connection;
        }
      } else if (out_of_resources(error)) {
        log::write(log::Level::warning, "rt", "out of descriptors or memory: accepting pauses");
        pause_->expire_at(loop_.clock().now() + k_accept_pause);
        co_await pause_->wait();
      } else if (error != asio::error::connection_aborted) {
        co_return fail(to_error(error));
      }
    }
    co_return fail(RtError::closed);
  }

  Endpoint local() const override { return local_; }

  void close() override {
    if (!std::exchange(closed_, true)) {
      SysError ignored;
      acceptor_.close(ignored);
      pause_->cancel();
    }
  }

 private:
  Loop& loop_;
  tcp::acceptor acceptor_;
  std::unique_ptr<Timer> pause_;
  Endpoint local_;
  bool closed_ = false;
};

}  // namespace

namespace {

/// Lets a listener and the dials of this user's programs have one port (SO_REUSEPORT).
void share_port(int socket) {
  const int on = 1;
  (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
}

}  // namespace

/// Shared by a dial and its deadline, which may fire while the connect's completion is on its way.
struct TcpNetwork::Dial {
  explicit Dial(asio::io_context& io) : socket(io), deadline(io) {}

  void end(RtError why) {
    ended = ended.value_or(why);
    SysError ignored;
    socket.close(ignored);
  }

  tcp::socket socket;
  asio::steady_timer deadline;
  std::optional<RtError> ended;
};

TcpNetwork::TcpNetwork(Loop& loop) : loop_(loop) {}
TcpNetwork::~TcpNetwork() = default;

Result<std::unique_ptr<Listener>> TcpNetwork::listen(Endpoint at) {
  VIVIM_ASSERT(loop_.is_here());
  const tcp::endpoint endpoint = from_endpoint(at);
  tcp::acceptor acceptor(loop_.context());
  SysError error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) {
    acceptor.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error && at.ip.is_v6) {
    acceptor.set_option(asio::ip::v6_only(true), error);
  }
  if (!error) {
    acceptor.bind(endpoint, error);
  }
  if (!error) {
    acceptor.listen(k_listen_backlog, error);
  }
  // After bind(), so that another program's listener is still noticed: for dial_from().
  share_port(acceptor.native_handle());
  const Endpoint local = error ? at : to_endpoint(acceptor.local_endpoint(error));
  if (error) {
    return fail(to_error(error));
  }
  return std::make_unique<TcpListener>(loop_, std::move(acceptor), local);
}

Co<Result<Connection>> TcpNetwork::dial(Endpoint to, std::chrono::nanoseconds timeout) {
  VIVIM_ASSERT(loop_.is_here());
  return connect(std::make_shared<Dial>(loop_.context()), to, timeout);
}

Co<Result<Connection>> TcpNetwork::dial_from(Endpoint from, Endpoint to,
                                             std::chrono::nanoseconds timeout) {
  VIVIM_ASSERT(loop_.is_here());
  const auto dial = std::make_shared<Dial>(loop_.context());
  const tcp::endpoint local = from_endpoint(from);
  SysError error;
  dial->socket.open(local.protocol(), error);
  if (!error) {
    dial->socket.set_option(asio::socket_base::reuse_address(true), error);
  }
  if (!error) {
    share_port(dial->socket.native_handle());
    dial->socket.bind(local, error);
  }
  if (error) {
    co_return fail(to_error(error));
  }
  co_return co_await connect(dial, to, timeout);
}

Co<Result<Connection>> TcpNetwork::connect(std::shared_ptr<Dial> dial, Endpoint to,
                                           std::chrono::nanoseconds timeout) {
  dial->deadline.expires_after(timeout);
  dial->deadline.async_wait([dial](const SysError& cancelled) {
    if (!cancelled) {
      dial->end(RtError::timed_out);
    }
  });
  const std::uint64_t id = next_dial_++;
  dials_.emplace(id, dial);
  const auto [error] = co_await dial->socket.async_connect(from_endpoint(to), k_tuple);
  dials_.erase(id);
  dial->deadline.cancel();
  if (dial->ended) {
    co_return fail(*dial->ended);
  }
  if (error) {
    co_return fail(to_error(error));
  }
  co_return adopt_socket(loop_, std::move(dial->socket));
}

void TcpNetwork::cancel_dials() {
  for (const auto& [id, dial] : dials_) {
    dial->end(RtError::closed);
  }
}

Result<std::vector<IpAddress>> TcpNetwork::interfaces() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return fail(RtError::io, static_cast<std::uint64_t>(errno));
  }
  std::vector<IpAddress> addresses;
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    if (at->ifa_addr == nullptr) {
      continue;
    }
    IpAddress ip;
    if (at->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
      std::memcpy(ip.bytes.data(), &v4->sin_addr, 4);
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
      if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr)) {
        continue;  // of no use without its scope
      }
      ip.is_v6 = true;
      std::memcpy(ip.bytes.data(), &v6->sin6_addr, 16);
    } else {
      continue;
    }
    addresses.push_back(ip);
  }
  ::freeifaddrs(list);
  std::ranges::sort(addresses);
  const auto same = std::ranges::unique(addresses);
  addresses.erase(same.begin(), same.end());
  return addresses;
}

}  // namespace vivim::rt::asio_
