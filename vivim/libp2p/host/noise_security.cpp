#include "vivim/libp2p/host/noise_security.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/error.hpp"
#include "vivim/libp2p/host/secure_stream.hpp"

namespace vivim::libp2p {

namespace {

constexpr std::size_t k_handshake_read_bytes = 4096;

/// Sends and feeds until the handshake is done; what arrived behind it is the session's.
rt::Co<Result<Bytes>> shake_hands(rt::Stream& stream, noise::Handshake& handshake) {
  Bytes in;
  for (;;) {
    if (const Bytes output = handshake.poll_transmit(); !output.empty()) {
      VIVIM_CO_TRYV(co_await stream.write(output));
    }
    if (handshake.done()) {
      co_return in;
    }
    const std::size_t size = in.size();
    in.resize(size + k_handshake_read_bytes);
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(MutableBytes(in).subspan(size)));
    if (count == 0) {
      co_return fail(HostError::closed_during_negotiation);
    }
    in.resize(size + count);
    VIVIM_CO_TRY(const auto used, handshake.feed(in));
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(used));
  }
}

}  // namespace

rt::Co<Result<SecureChannel>> NoiseSecurity::secure(std::unique_ptr<rt::Stream> transport,
                                                    Direction direction,
                                                    std::optional<multiformats::PeerId> expected,
                                                    std::vector<std::string> muxers) {
  noise::HandshakeOptions options{
      .role = direction == Direction::outbound ? noise::Role::initiator : noise::Role::responder,
      .expected_peer = expected,
      .muxers = std::move(muxers)};
  noise::Handshake handshake(identity_, std::move(options),
                             [this](MutableBytes out) { rng_.fill(out); });
  VIVIM_CO_TRY(const auto early, co_await shake_hands(*transport, handshake));
  noise::Session session = handshake.take_session();
  const std::size_t taken = session.receiver.feed(early);
  VIVIM_ASSERT(taken == early.size());  // at most one read: it fits
  co_return SecureChannel{
      .peer = session.peer,
      .stream = std::make_unique<SecureStream>(std::move(transport), std::move(session.sender),
                                               std::move(session.receiver)),
      .muxer = std::move(session.muxer)};
}

}  // namespace vivim::libp2p
