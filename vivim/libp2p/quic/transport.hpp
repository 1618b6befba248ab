#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/limits/layers.hpp"
#include "vivim/libp2p/quic/credentials.hpp"
#include "vivim/libp2p/quic/endpoint.hpp"
#include "vivim/libp2p/transport/transport.hpp"
#include "vivim/multiformats/private_key.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::libp2p::quic {

class Port;
class QuicConnection;
class QuicListener;

/// Inbound connections that a listener keeps until they are accepted; above, they are refused.
inline constexpr std::size_t k_accept_backlog_max = 64;
/// Hole punches under way.
inline constexpr std::size_t k_punches_max = 32;

struct QuicOptions {
  Identity identity;
  CertificateVerifier verify;
  SessionConfig session = {};
  EndpointLimits limits = {};
  std::optional<EndpointSecret> secret = {};  ///< see Endpoint::make
};

/// An identity for QUIC: a fresh certificate that proves it, and how peers' are checked.
QuicOptions make_options(const multiformats::PrivateKey& key, rt::Clock& clock, rt::Rng& rng);
QuicOptions make_options(const crypto::KeyPair& key, rt::Clock& clock, rt::Rng& rng);

/// Takes on what a node's limits leave to QUIC; unlike the constants that it has without them.
void follow(const limits::LayerLimits& layers, QuicOptions& options);

/// QUIC v1 with libp2p's certificates: /ip4|ip6/<ip>/udp/<port>/quic-v1. A dial goes out from a
/// port that listens when there is one, so that peers behind address translation see one address.
/// A dial with the role inbound punches a hole: it sends noise and waits for the peer to connect.
class QuicTransport final : public Transport {
 public:
  /// Error: identity.
  static Result<std::unique_ptr<QuicTransport>> make(QuicOptions options, rt::Loop& loop,
                                                     rt::Network& network, rt::Rng& rng);
  ~QuicTransport() override;

  std::string_view name() const override { return "quic-v1"; }
  bool can_dial(const multiformats::Multiaddr& address) const override;
  bool can_listen(const multiformats::Multiaddr& address) const override;
  Result<std::unique_ptr<TransportListener>> listen(
      const multiformats::Multiaddr& address) override;
  void set_admission(Admission admission) override { admission_ = std::move(admission); }
  /// Errors: unsupported_address, too_many_connections, RtError::timed_out, closed, those of
  /// Session::error().
  rt::Co<Result<TransportConnection>> dial(multiformats::Multiaddr address,
                                           DialOptions options) override;
  void cancel_dials() override;
  rt::Co<void> stop() override;

  /// Of all ports together.
  EndpointStats stats() const;

 private:
  friend class QuicListener;
  struct Punch;

  QuicTransport(QuicOptions options, rt::Loop& loop, rt::Network& network, rt::Rng& rng);

  Result<Port*> open_port(const rt::Endpoint& at);
  Result<Port*> port_for(const rt::Endpoint& remote);
  Port* find_port(const rt::Endpoint& local) const;
  void on_inbound(Port& port, SessionId session);
  rt::Co<Result<TransportConnection>> punch(Port& port, rt::Endpoint remote, DialOptions options);
  rt::Co<void> send_noise(Punch& punch, Port& port, rt::Endpoint remote, rt::Duration timeout);

  bool admits(const rt::Endpoint& remote) const;

  QuicOptions options_;
  Admission admission_;
  rt::Loop& loop_;
  rt::Network& network_;
  rt::Rng& rng_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<QuicListener*> listeners_;
  std::vector<QuicConnection*> dialling_;
  std::vector<Punch*> punches_;
  bool stopping_ = false;
};

}  // namespace vivim::libp2p::quic
