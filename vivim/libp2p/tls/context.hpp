#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "vivim/libp2p/tls/certificate.hpp"
#include "vivim/libp2p/tls/error.hpp"

namespace vivim::libp2p::tls {

/// Whom a client that talks to an ordinary server trusts.
struct Trust {
  enum class Source : std::uint8_t {
    system,    ///< the authorities of this machine
    given,     ///< those in `authorities_pem`
    everybody  ///< no check at all: only for tests
  };
  Source source = Source::system;
  std::string authorities_pem;
};

/// What many sessions share: a certificate with its key, and how peers are verified. TLS 1.3 only,
/// no tickets, no resumption. Immutable; any thread.
class Context {
 public:
  /// For libp2p (specs/tls), both roles: shows `certificate`, demands and verifies the peer's.
  static std::shared_ptr<const Context> libp2p(const Certificate& certificate);

  /// For a server with an ordinary certificate (secure WebSocket): `chain_pem` is its certificate
  /// and those between it and an authority, `key_pem` its private key. Clients are not asked for a
  /// certificate. Fails with bad_configuration.
  static Result<std::shared_ptr<const Context>> server(std::string_view chain_pem,
                                                       std::string_view key_pem);

  /// For a client of ordinary servers. Fails with bad_configuration.
  static Result<std::shared_ptr<const Context>> client(const Trust& trust);

  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  friend class Session;
  struct State;
  explicit Context(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace vivim::libp2p::tls
