#include "vivim/libp2p/quic/transport.hpp"

#include <algorithm>
#include <array>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/libp2p/quic/addresses.hpp"
#include "vivim/libp2p/quic/connection_detail.hpp"
#include "vivim/libp2p/quic/listener_detail.hpp"
#include "vivim/libp2p/tls/certificate.hpp"
#include "vivim/libp2p/tls/certificate_memory.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::quic {

namespace {

// What the system is asked to buffer: a burst of a window at full speed.
constexpr std::size_t k_socket_buffer_bytes = std::size_t{4} * 1024 * 1024;
// Signed once, never shown: a secret that an Ed25519 identity finds again after a restart.
constexpr std::string_view k_secret_label = "vivim quic: secret of stateless resets and tokens";
constexpr std::size_t k_noise_bytes = 64;
constexpr auto k_noise_pause_min = std::chrono::milliseconds(10);
constexpr std::uint64_t k_noise_pause_spread_ms = 190;

template <class Key>
QuicOptions options_of(const Key& key, rt::Clock& clock, rt::Rng& rng) {
  auto certificate =
      tls::make_certificate(key, [&rng](MutableBytes out) { rng.fill(out); }, clock.wall_now_ms());
  return {.identity = {.certificate = std::move(certificate.der),
                       .private_key = std::move(certificate.key_pkcs8)},
          .verify = [&clock, memory = std::make_shared<tls::CertificateMemory>()](
                        BytesView der) -> Result<PeerId> {
            VIVIM_TRY(const auto public_key, memory->verify(der, clock.wall_now_ms()));
            return PeerId::of(public_key);
          },
          .secret = crypto::sha256(key.sign(as_bytes(k_secret_label)))};
}

/// Whether datagrams from a socket bound to `local` reach `remote`.
bool reaches(const rt::IpAddress& local, const rt::IpAddress& remote) {
  return local.is_v6 == remote.is_v6 &&
         (local.is_unspecified() || local.is_loopback() == remote.is_loopback());
}

}  // namespace

/// A hole punch under way: what the peer's connection is handed to.
struct QuicTransport::Punch {
  Punch(rt::Loop& loop, PeerId peer_, rt::IpAddress ip_)
      : peer(peer_), ip(ip_), timer(loop.make_timer()) {}

  PeerId peer;
  rt::IpAddress ip;  ///< of whom it is punched to
  std::unique_ptr<rt::Timer> timer;
  std::unique_ptr<QuicConnection> connection;
  bool cancelled = false;
};

QuicOptions make_options(const multiformats::PrivateKey& key, rt::Clock& clock, rt::Rng& rng) {
  return options_of(key, clock, rng);
}

QuicOptions make_options(const crypto::KeyPair& key, rt::Clock& clock, rt::Rng& rng) {
  return options_of(key, clock, rng);
}

void follow(const limits::LayerLimits& layers, QuicOptions& options) {
  EndpointLimits& endpoint = options.limits;
  endpoint.sessions_max = layers.quic_connections;
  endpoint.half_open_max = layers.handshakes;
  // Not more than there are: who fills them all has proved an address by then.
  const std::size_t some = std::max<std::size_t>(1, layers.handshakes / 4);
  endpoint.retry_above = std::min(endpoint.retry_above, some);
  endpoint.half_open_per_address_max = std::min(endpoint.half_open_per_address_max, some);
  endpoint.window_budget_bytes = layers.windows_bytes;
  SessionConfig& session = options.session;
  session.inbound_streams_max = layers.streams_inbound;
  const std::uint64_t window = layers.connection_window_bytes;
  const auto lower = [](std::uint64_t& limit, std::uint64_t to) { limit = std::min(limit, to); };
  lower(session.connection_window_bytes_max, window);
  lower(session.connection_window_bytes, window);
  lower(session.stream_window_bytes_max, window / 3 * 2);
  lower(session.stream_window_bytes, window / 3 * 2);
  session.send_buffer_bytes_max = std::min<std::uint64_t>(session.send_buffer_bytes_max, window);
}

QuicTransport::QuicTransport(QuicOptions options, rt::Loop& loop, rt::Network& network,
                             rt::Rng& rng)
    : options_(std::move(options)), loop_(loop), network_(network), rng_(rng) {}

QuicTransport::~QuicTransport() {
  VIVIM_ASSERT(listeners_.empty() && dialling_.empty() && punches_.empty());
}

Result<std::unique_ptr<QuicTransport>> QuicTransport::make(QuicOptions options, rt::Loop& loop,
                                                           rt::Network& network, rt::Rng& rng) {
  VIVIM_TRYV(Credentials::make(options.identity));
  return std::unique_ptr<QuicTransport>(new QuicTransport(std::move(options), loop, network, rng));
}

bool QuicTransport::can_dial(const multiformats::Multiaddr& address) const {
  return to_endpoint(address).has_value();
}

bool QuicTransport::can_listen(const multiformats::Multiaddr& address) const {
  return to_endpoint(address).has_value();
}

Port* QuicTransport::find_port(const rt::Endpoint& local) const {
  const auto found = std::ranges::find_if(
      ports_, [&local](const auto& port) { return !port->dead() && port->local() == local; });
  return found == ports_.end() ? nullptr : found->get();
}

Result<Port*> QuicTransport::open_port(const rt::Endpoint& at) {
  VIVIM_TRY(auto socket, network_.open_datagram(at, {.batches = true,
                                                     .never_fragment = true,
                                                     .buffer_bytes = k_socket_buffer_bytes}));
  VIVIM_TRY(auto endpoint, Endpoint::make(options_.identity, options_.verify, rng_,
                                          options_.session, options_.limits, options_.secret));
  endpoint->set_admission([this](const rt::Endpoint& remote) { return admits(remote); });
  ports_.push_back(
      std::make_unique<Port>(loop_, std::move(socket), std::move(endpoint),
                             [this](Port& port, SessionId session) { on_inbound(port, session); }));
  ports_.back()->start();
  return ports_.back().get();
}

Result<Port*> QuicTransport::port_for(const rt::Endpoint& remote) {
  for (const bool listening : {true, false}) {
    for (const auto& port : ports_) {
      if (!port->dead() && port->listening() == listening && reaches(port->local().ip, remote.ip)) {
        return port.get();
      }
    }
  }
  return open_port({.ip = {.is_v6 = remote.ip.is_v6}});
}

Result<std::unique_ptr<TransportListener>> QuicTransport::listen(
    const multiformats::Multiaddr& address) {
  VIVIM_TRY(const auto at, to_endpoint(address));
  // A port that listened before may still carry connections.
  Port* port = at.port == 0 ? nullptr : find_port(at);
  if (port == nullptr) {
    VIVIM_TRY(port, open_port(at));
  } else if (port->listening()) {
    return fail(rt::RtError::address_in_use, at.port);
  }
  port->set_listening(true);
  return std::make_unique<QuicListener>(*this, *port);
}

/// Whom a hole is punched to was asked about as a dial.
bool QuicTransport::admits(const rt::Endpoint& remote) const {
  return !admission_ || std::ranges::count(punches_, remote.ip, &Punch::ip) > 0 ||
         admission_(to_multiaddr(remote));
}

void QuicTransport::on_inbound(Port& port, SessionId session) {
  auto connection = std::make_unique<QuicConnection>(port, session);
  const PeerId peer = connection->session().peer();
  for (Punch* const punch : punches_) {
    if (punch->peer == peer && !punch->connection && !punch->cancelled) {
      punch->connection = std::move(connection);
      punch->timer->cancel();
      return;
    }
  }
  for (QuicListener* const listener : listeners_) {
    if (&listener->port() == &port && listener->offer(connection)) {
      return;
    }
  }
  connection->close({.cause = CloseCause::limit});
}

rt::Co<Result<TransportConnection>> QuicTransport::dial(multiformats::Multiaddr address,
                                                        DialOptions options) {
  VIVIM_CO_TRY(const auto remote, to_endpoint(address));
  if (stopping_) {
    co_return fail(rt::RtError::closed);
  }
  VIVIM_CO_TRY(Port* const port, port_for(remote));
  if (options.role == Direction::inbound) {
    co_return co_await punch(*port, remote, std::move(options));
  }
  const Path path{.local = port->local(), .remote = remote};
  VIVIM_CO_TRY(const auto session,
               port->endpoint().connect(path, options.expected_peer, port->now()));
  auto connection = std::make_unique<QuicConnection>(*port, session);
  port->touch(session);
  dialling_.push_back(connection.get());
  const auto shaken = co_await connection->handshake(options.timeout);
  std::erase(dialling_, connection.get());
  if (!shaken) {
    co_return fail(shaken.error());
  }
  co_return QuicConnection::secured(std::move(connection));
}

rt::Co<Result<TransportConnection>> QuicTransport::punch(Port& port, rt::Endpoint remote,
                                                         DialOptions options) {
  if (!options.expected_peer || punches_.size() >= k_punches_max) {
    co_return fail(options.expected_peer ? QuicError::too_many_connections : QuicError::wrong_peer);
  }
  Punch state(loop_, *options.expected_peer, remote.ip);
  punches_.push_back(&state);
  co_await send_noise(state, port, remote, options.timeout);
  std::erase(punches_, &state);
  if (state.connection) {
    co_return QuicConnection::secured(std::move(state.connection));
  }
  co_return fail(state.cancelled ? rt::RtError::closed : rt::RtError::timed_out);
}

rt::Co<void> QuicTransport::send_noise(Punch& state, Port& port, rt::Endpoint remote,
                                       rt::Duration timeout) {
  const rt::TimePoint end = loop_.clock().now() + timeout;
  std::array<std::uint8_t, k_noise_bytes> noise{};
  while (!state.connection && !state.cancelled && loop_.clock().now() < end && !port.dead()) {
    // Opens the way through our address translator; means nothing to the peer.
    rng_.fill(noise);
    noise[0] &= 0x3f;  // not a QUIC packet: neither long, nor with the fixed bit
    (void)co_await port.socket().send(remote, noise);
    const auto pause =
        k_noise_pause_min + std::chrono::milliseconds(rng_.below(k_noise_pause_spread_ms + 1));
    if (!state.connection && !state.cancelled) {
      state.timer->expire_at(loop_.clock().now() + pause);
      (void)co_await state.timer->wait();
    }
  }
}

void QuicTransport::cancel_dials() {
  for (QuicConnection* const connection : dialling_) {
    connection->cancel();
  }
  for (Punch* const punch : punches_) {
    punch->cancelled = true;
    punch->timer->cancel();
  }
}

rt::Co<void> QuicTransport::stop() {
  stopping_ = true;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    co_await ports_[i]->stop();
  }
}

EndpointStats QuicTransport::stats() const {
  EndpointStats sum;
  for (const auto& port : ports_) {
    const EndpointStats& stats = port->endpoint().stats();
    sum.retries += stats.retries;
    sum.refused += stats.refused;
    sum.gated += stats.gated;
    sum.dropped += stats.dropped;
    sum.resets += stats.resets;
    sum.version_answers += stats.version_answers;
  }
  return sum;
}

}  // namespace vivim::libp2p::quic
