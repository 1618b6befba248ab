#include "vivim/libp2p/tls/security.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/tls/stream.hpp"

namespace vivim::libp2p::tls {

TlsSecurity::TlsSecurity(const crypto::KeyPair& identity, const crypto::RandomSource& random,
                         const rt::Clock& clock)
    : TlsSecurity(make_certificate(identity, random, clock.wall_now_ms()), clock) {}

TlsSecurity::TlsSecurity(const Certificate& certificate, const rt::Clock& clock)
    : context_(Context::libp2p(certificate)), clock_(clock) {}

rt::Co<Result<SecureChannel>> TlsSecurity::secure(std::unique_ptr<rt::Stream> transport,
                                                  Direction direction,
                                                  std::optional<multiformats::PeerId> expected,
                                                  std::vector<std::string> muxers) {
  muxers.emplace_back(k_application_protocol);
  SessionOptions options{.role = direction == Direction::outbound ? Role::client : Role::server,
                         .protocols = std::move(muxers),
                         .now = clock_.wall_now_ms(),
                         .expected_peer = std::move(expected)};
  VIVIM_CO_TRY(auto stream,
               co_await shake_hands(std::move(transport), Session(context_, std::move(options))));
  const auto& key = stream->session().peer_key();
  VIVIM_ASSERT(key.has_value());
  auto muxer = stream->session().protocol();
  if (muxer == k_application_protocol) {
    muxer.reset();  // a peer without early muxer negotiation
  }
  co_return SecureChannel{.peer = multiformats::PeerId::of(*key),
                          .stream = std::move(stream),
                          .muxer = std::move(muxer),
                          .held_bytes = k_library_bytes};
}

}  // namespace vivim::libp2p::tls
