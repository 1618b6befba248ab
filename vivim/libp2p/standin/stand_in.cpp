#include "vivim/libp2p/standin/stand_in.hpp"

#include <algorithm>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/libp2p/standin/plain_stream.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::standin {

namespace {

constexpr std::size_t k_read_bytes = 512;

/// The messages of one handshake, and what arrived behind them.
class Conversation {
 public:
  explicit Conversation(rt::Stream& transport) : transport_(transport) {}

  rt::Co<Result<void>> say(Hello hello) {
    const Bytes message = encode(hello);
    co_return co_await transport_.write(message);
  }

  rt::Co<Result<Hello>> hear() {
    VIVIM_CO_TRYV(co_await have(2));
    const std::size_t size = load_be16(in_);
    if (size > k_hello_bytes_max) {
      co_return fail(StandInError::malformed);
    }
    VIVIM_CO_TRYV(co_await have(2 + size));
    VIVIM_CO_TRY(auto hello, decode(BytesView(in_).subspan(2, size)));
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(2 + size));
    co_return std::move(hello);
  }

  Bytes take_early() { return std::move(in_); }

 private:
  rt::Co<Result<void>> have(std::size_t bytes) {
    while (in_.size() < bytes) {
      const std::size_t size = in_.size();
      in_.resize(size + k_read_bytes);
      VIVIM_CO_TRY(const auto count,
                   co_await transport_.read_some(MutableBytes(in_).subspan(size)));
      in_.resize(size + count);
      if (count == 0) {
        co_return fail(rt::RtError::end_of_stream);
      }
    }
    co_return Result<void>{};
  }

  rt::Stream& transport_;
  Bytes in_;
};

/// The first of the dialer's that the listener has.
std::optional<std::string> common_muxer(const std::vector<std::string>& dialer,
                                        const std::vector<std::string>& listener) {
  for (const auto& muxer : dialer) {
    if (std::ranges::find(listener, muxer) != listener.end()) {
      return muxer;
    }
  }
  return std::nullopt;
}

}  // namespace

class StandIn final : public Security {
 public:
  StandIn(const StandInAuthority& authority, multiformats::PeerId peer, rt::Rng& rng)
      : authority_(authority), peer_(peer), rng_(rng) {}

  std::string_view protocol_id() const override { return k_protocol_id; }
  rt::Co<Result<SecureChannel>> secure(std::unique_ptr<rt::Stream> transport, Direction direction,
                                       std::optional<multiformats::PeerId> expected,
                                       std::vector<std::string> muxers) override {
    Conversation conversation(*transport);
    Hello own;
    rng_.fill(own.nonce);
    muxers.resize(std::min(muxers.size(), k_muxers_max));
    const bool dials = direction == Direction::outbound;
    if (dials) {
      VIVIM_CO_TRYV(co_await conversation.say(own));
    } else {
      VIVIM_CO_TRY(const auto first, co_await conversation.hear());
      own.identity = identity(direction, muxers, first.nonce, own.nonce);
      VIVIM_CO_TRYV(co_await conversation.say(own));
    }
    VIVIM_CO_TRY(const auto other, co_await conversation.hear());
    const Nonce& dialer = dials ? own.nonce : other.nonce;
    const Nonce& listener = dials ? other.nonce : own.nonce;
    if (!other.identity) {
      co_return fail(StandInError::malformed);
    }
    const Direction theirs = dials ? Direction::inbound : Direction::outbound;
    if (other.identity->proof != authority_.proof(other.identity->peer, theirs, dialer, listener)) {
      co_return fail(StandInError::unproven);
    }
    if (expected && *expected != other.identity->peer) {
      co_return fail(StandInError::wrong_peer);
    }
    if (dials) {
      own.identity = identity(direction, muxers, dialer, listener);
      VIVIM_CO_TRYV(co_await conversation.say(own));
    }
    const auto& others = other.identity->muxers;
    auto muxer = dials ? common_muxer(muxers, others) : common_muxer(others, muxers);
    co_return SecureChannel{
        .peer = other.identity->peer,
        .stream = std::make_unique<PlainStream>(std::move(transport), conversation.take_early()),
        .muxer = std::move(muxer)};
  }

 private:
  Hello::Identity identity(Direction direction, const std::vector<std::string>& muxers,
                           const Nonce& dialer, const Nonce& listener) const {
    return {.peer = peer_,
            .proof = authority_.proof(peer_, direction, dialer, listener),
            .muxers = muxers};
  }

  const StandInAuthority& authority_;
  multiformats::PeerId peer_;
  rt::Rng& rng_;
};

StandInAuthority::StandInAuthority(rt::sim::World& world) {
  world.rng().fill(secret_);
}

std::unique_ptr<Security> StandInAuthority::security_for(const crypto::KeyPair& key, rt::Rng& rng) {
  return std::make_unique<StandIn>(*this, multiformats::PeerId::of(key), rng);
}

Proof StandInAuthority::proof(const multiformats::PeerId& peer, Direction direction,
                              const Nonce& dialer, const Nonce& listener) const {
  const std::array role{static_cast<std::uint8_t>(direction == Direction::outbound ? 1 : 2)};
  const auto digest = crypto::sha256({secret_, role, dialer, listener, peer.bytes()});
  Proof proof;
  std::ranges::copy_n(digest.begin(), k_proof_bytes, proof.begin());
  return proof;
}

}  // namespace vivim::libp2p::standin
