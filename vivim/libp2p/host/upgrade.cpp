#include "vivim/libp2p/host/upgrade.hpp"

#include <array>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/yamux/session.hpp"

namespace vivim::libp2p {

namespace {

constexpr std::size_t k_read_bytes = 4096;

struct Secured {
  noise::Session session;
  Bytes early;  // sealed
};

rt::Co<Result<Bytes>> read_more(rt::Stream& stream) {
  Bytes bytes(k_read_bytes);
  VIVIM_CO_TRY(const auto count, co_await stream.read_some(bytes));
  if (count == 0) {
    co_return fail(HostError::closed_during_negotiation);
  }
  bytes.resize(count);
  co_return bytes;
}

/// The listener's part before the handshake: what the dialer sent behind its proposal.
rt::Co<Result<Bytes>> agree_on_noise(rt::Stream& stream) {
  VIVIM_CO_TRY(
      auto agreement,
      co_await agree(stream, multistream::make_protocol_list({std::string(noise::k_protocol_id)})));
  co_return std::move(agreement.early);
}

/// The dialer's: the proposal leaves together with the first handshake message.
rt::Co<Result<Bytes>> propose_noise(rt::Stream& stream, noise::Handshake& handshake) {
  multistream::Dialer dialer({std::string(noise::k_protocol_id)},
                             multistream::DialMode::optimistic);
  Bytes output = dialer.take_output();
  append(output, handshake.poll_transmit());
  VIVIM_CO_TRYV(co_await stream.write(output));
  for (;;) {
    VIVIM_CO_TRY(const auto bytes, co_await read_more(stream));
    VIVIM_CO_TRY(const auto used, dialer.feed(bytes));
    if (dialer.done()) {
      co_return to_bytes(BytesView(bytes).subspan(used));
    }
  }
}

rt::Co<Result<Secured>> shake_hands(rt::Stream& stream, noise::Handshake& handshake, Bytes in) {
  for (;;) {
    VIVIM_CO_TRY(const auto used, handshake.feed(in));
    in.erase(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(used));
    if (const Bytes output = handshake.poll_transmit(); !output.empty()) {
      VIVIM_CO_TRYV(co_await stream.write(output));
    }
    if (handshake.done()) {
      co_return Secured{.session = handshake.take_session(), .early = std::move(in)};
    }
    VIVIM_CO_TRY(const auto more, co_await read_more(stream));
    append(in, more);
  }
}

rt::Co<Result<Bytes>> agree_on_muxer(SecureStream& stream, Direction direction) {
  const std::string yamux(yamux::k_protocol_id);
  if (direction == Direction::outbound) {
    VIVIM_CO_TRY(auto agreement, co_await propose(stream, {yamux}));
    co_return std::move(agreement.early);
  }
  VIVIM_CO_TRY(auto agreement, co_await agree(stream, multistream::make_protocol_list({yamux})));
  co_return std::move(agreement.early);
}

}  // namespace

rt::Co<Result<Upgraded>> upgrade(std::unique_ptr<rt::Stream> transport,
                                 const noise::Identity& identity, UpgradeOptions options,
                                 rt::Rng& rng) {
  const bool outbound = options.direction == Direction::outbound;
  noise::HandshakeOptions handshake_options{
      .role = outbound ? noise::Role::initiator : noise::Role::responder,
      .expected_peer = options.expected_peer,
      .muxers = {std::string(yamux::k_protocol_id)}};
  noise::Handshake handshake(identity, std::move(handshake_options),
                             [&rng](MutableBytes out) { rng.fill(out); });
  Bytes in;
  if (outbound) {
    VIVIM_CO_TRY(in, co_await propose_noise(*transport, handshake));
  } else {
    VIVIM_CO_TRY(in, co_await agree_on_noise(*transport));
  }
  VIVIM_CO_TRY(auto secured, co_await shake_hands(*transport, handshake, std::move(in)));
  noise::Session& session = secured.session;
  const std::size_t taken = session.receiver.feed(secured.early);
  VIVIM_ASSERT(taken == secured.early.size());  // at most one read: it fits
  const auto muxer = session.muxer;
  auto stream = std::make_unique<SecureStream>(std::move(transport), std::move(session.sender),
                                               std::move(session.receiver));
  Bytes early;
  if (!muxer) {
    VIVIM_CO_TRY(early, co_await agree_on_muxer(*stream, options.direction));
  }
  co_return Upgraded{.peer = session.peer, .stream = std::move(stream), .early = std::move(early)};
}

}  // namespace vivim::libp2p
