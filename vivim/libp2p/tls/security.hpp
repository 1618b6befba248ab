#pragma once

#include <memory>
#include <string_view>

#include "vivim/libp2p/tls/context.hpp"
#include "vivim/libp2p/transport/security.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::tls {

inline constexpr std::string_view k_protocol_id = "/tls/1.0.0";

/// The name that libp2p has in ALPN; behind the muxers, which are named there too.
inline constexpr std::string_view k_application_protocol = "libp2p";

/// libp2p's TLS handshake (specs/tls) with muxer selection by ALPN (specs/connections, inlined
/// muxer negotiation): the first of the client's muxers that the server has.
class TlsSecurity final : public Security {
 public:
  /// Makes a certificate for `identity`. `clock` outlives this object.
  TlsSecurity(const crypto::KeyPair& identity, const crypto::RandomSource& random,
              const rt::Clock& clock);
  /// With a certificate that others use too (QUIC), or of another identity.
  TlsSecurity(const Certificate& certificate, const rt::Clock& clock);

  std::string_view protocol_id() const override { return k_protocol_id; }

  /// Errors: as shake_hands().
  rt::Co<Result<SecureChannel>> secure(std::unique_ptr<rt::Stream> transport, Direction direction,
                                       std::optional<multiformats::PeerId> expected,
                                       std::vector<std::string> muxers) override;

 private:
  std::shared_ptr<const Context> context_;
  const rt::Clock& clock_;
};

}  // namespace vivim::libp2p::tls
