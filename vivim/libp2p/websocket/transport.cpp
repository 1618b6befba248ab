#include "vivim/libp2p/websocket/transport.hpp"

#include <deque>
#include <utility>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/tls/session.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::websocket {

namespace {

std::uint64_t held_bytes(Secure secure) {
  return secure == Secure::no ? 0 : tls::k_library_bytes;
}

}  // namespace

/// What a listener and its tasks share: the tasks may outlive it by a moment.
struct WebSocketTransport::Acceptor {
  Acceptor(rt::Loop& loop, std::unique_ptr<rt::Listener> tcp_, Address at)
      : tcp(std::move(tcp_)),
        secure(at.secure),
        server_name(std::move(at.server_name)),
        acceptable(loop) {}

  void close() {
    if (!std::exchange(closed, true)) {
      tcp->close();
      for (const auto& [id, stream] : upgrading) {
        stream->reset(0);
      }
      ready.clear();
      acceptable.set();
    }
  }

  std::unique_ptr<rt::Listener> tcp;
  Secure secure;
  std::optional<std::string> server_name;  ///< what peers are to expect in the certificate
  limits::HalfOpen half_open;
  std::map<limits::HalfOpen::Id, rt::Stream*> upgrading;  ///< and not yet given up
  std::deque<RawConnection> ready;
  rt::Event acceptable;
  bool closed = false;
};

class WebSocketTransport::Listener final : public TransportListener {
 public:
  explicit Listener(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~Listener() override { acceptor_->close(); }

  rt::Co<Result<TransportConnection>> accept() override {
    while (acceptor_->ready.empty() && !acceptor_->closed) {
      acceptor_->acceptable.reset();
      co_await acceptor_->acceptable.wait();
    }
    if (acceptor_->closed) {
      co_return fail(rt::RtError::closed);
    }
    RawConnection connection = std::move(acceptor_->ready.front());
    acceptor_->ready.pop_front();
    co_return std::move(connection);
  }
  multiformats::Multiaddr local() const override {
    return to_multiaddr({.endpoint = acceptor_->tcp->local(),
                         .secure = acceptor_->secure,
                         .server_name = acceptor_->server_name});
  }
  void close() override { acceptor_->close(); }

 private:
  std::shared_ptr<Acceptor> acceptor_;
};

WebSocketTransport::WebSocketTransport(rt::Loop& loop, rt::Network& network, rt::Rng& rng,
                                       WebSocketOptions options)
    : loop_(loop), network_(network), rng_(rng), options_(std::move(options)), tasks_(loop) {}

WebSocketTransport::~WebSocketTransport() = default;

bool WebSocketTransport::can_dial(const multiformats::Multiaddr& address) const {
  const auto parsed = parse_address(address);
  return parsed && (parsed->secure == Secure::no || options_.tls != nullptr);
}

bool WebSocketTransport::can_listen(const multiformats::Multiaddr& address) const {
  const auto parsed = parse_address(address);
  return parsed &&
         (parsed->secure == Secure::no || (options_.tls != nullptr && options_.tls->can_serve()));
}

Result<std::unique_ptr<TransportListener>> WebSocketTransport::listen(
    const multiformats::Multiaddr& address) {
  VIVIM_TRY(Address parsed, parse_address(address));
  if (!can_listen(address)) {
    return fail(WsError::no_tls);
  }
  VIVIM_TRY(auto tcp, network_.listen(parsed.endpoint));
  auto acceptor = std::make_shared<Acceptor>(loop_, std::move(tcp), std::move(parsed));
  tasks_.on_stop([acceptor] { acceptor->close(); });
  tasks_.spawn("ws listener", accept_loop(acceptor));
  return std::make_unique<Listener>(std::move(acceptor));
}

rt::Co<void> WebSocketTransport::accept_loop(std::shared_ptr<Acceptor> acceptor) {
  while (!acceptor->closed) {
    auto connection = co_await acceptor->tcp->accept();
    if (!connection) {
      if (!acceptor->closed) {
        log::write(log::Level::error, "ws", "a listener failed",
                   {{"error", std::string_view(connection.error().message())}});
      }
      break;
    }
    const auto from = to_multiaddr(connection->remote, acceptor->secure);
    if ((admission_ && !admission_(from)) || !make_room(*acceptor, from)) {
      ++refused_;
      connection->stream->reset(0);
      continue;
    }
    const auto id = acceptor->half_open.begin(from, now());
    acceptor->upgrading.emplace(id, connection->stream.get());
    tasks_.spawn("ws upgrade", upgrade_inbound(acceptor, id, std::move(*connection)));
  }
  acceptor->close();
}

// Who is given up for another ends by itself, a little later; its refusal is counted then.
bool WebSocketTransport::make_room(Acceptor& acceptor, const multiformats::Multiaddr& from) const {
  if (acceptor.upgrading.size() < options_.upgrades_max) {
    return true;
  }
  const auto victim = acceptor.half_open.to_make_room(from, now());
  if (!victim) {
    return false;
  }
  acceptor.upgrading.at(*victim)->reset(0);
  acceptor.upgrading.erase(*victim);
  acceptor.half_open.end(*victim);
  return true;
}

rt::Co<void> WebSocketTransport::upgrade_inbound(std::shared_ptr<Acceptor> acceptor,
                                                 limits::HalfOpen::Id id,
                                                 rt::Connection connection) {
  rt::Stream* const raw = connection.stream.get();
  rt::Deadline deadline(loop_, options_.upgrade_max, [raw] { raw->reset(0); });
  auto upgraded =
      co_await upgrade_server(std::move(connection.stream), acceptor->secure, context());
  acceptor->upgrading.erase(id);
  acceptor->half_open.end(id);
  co_await deadline.finish();
  if (!upgraded || deadline.expired() || acceptor->closed) {
    refused_ += acceptor->closed ? 0 : 1;
    co_return;
  }
  if (acceptor->ready.size() >= options_.accepted_max) {
    ++refused_;
    co_return;
  }
  acceptor->ready.push_back({.stream = std::move(*upgraded),
                             .local = to_multiaddr(connection.local, acceptor->secure),
                             .remote = to_multiaddr(connection.remote, acceptor->secure),
                             .held_bytes = held_bytes(acceptor->secure)});
  acceptor->acceptable.set();
}

rt::Co<Result<TransportConnection>> WebSocketTransport::dial(multiformats::Multiaddr address,
                                                             DialOptions options) {
  VIVIM_CO_TRY(const Address parsed, parse_address(address));
  const std::uint64_t round = dials_cancelled_;
  const rt::TimePoint until = loop_.clock().now() + options.timeout;
  VIVIM_CO_TRY(auto connection, co_await network_.dial(parsed.endpoint, options.timeout));
  if (round != dials_cancelled_) {
    co_return fail(rt::RtError::closed);
  }
  auto upgraded =
      co_await upgrade_outbound(std::move(connection.stream), parsed, until - loop_.clock().now());
  if (round != dials_cancelled_) {
    co_return fail(rt::RtError::closed);
  }
  if (!upgraded) {
    co_return fail(upgraded.error());
  }
  co_return RawConnection{.stream = std::move(*upgraded),
                          .local = to_multiaddr(connection.local, parsed.secure),
                          .remote = address.without_peer(),
                          .held_bytes = held_bytes(parsed.secure)};
}

rt::Co<Result<std::unique_ptr<rt::Stream>>> WebSocketTransport::upgrade_outbound(
    std::unique_ptr<rt::Stream> stream, Address address, rt::Duration time) {
  rt::Stream* const raw = stream.get();
  dialling_.insert(*raw);
  rt::Deadline deadline(loop_, time, [raw] { raw->reset(0); });
  auto upgraded = co_await upgrade_client(std::move(stream), std::move(address), context());
  dialling_.erase(*raw);
  co_await deadline.finish();
  if (deadline.expired()) {
    co_return fail(rt::RtError::timed_out);
  }
  co_return upgraded;
}

void WebSocketTransport::cancel_dials() {
  ++dials_cancelled_;
  network_.cancel_dials();
  for (rt::Stream* const stream : dialling_) {
    stream->reset(0);
  }
}

rt::Co<void> WebSocketTransport::stop() {
  co_await tasks_.stop();
}

}  // namespace vivim::libp2p::websocket
