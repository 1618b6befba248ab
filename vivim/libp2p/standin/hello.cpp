#include "vivim/libp2p/standin/hello.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"

namespace vivim::libp2p::standin {

namespace {

constexpr std::array k_infos{
    ErrorInfo{"malformed", "not a message of the stand-in handshake"},
    ErrorInfo{"unproven", "the peer does not prove to be who it says"},
    ErrorInfo{"wrong_peer", "another peer than the one that was dialled"},
};

/// A text of at most 255 bytes behind its length.
void append_short(Bytes& out, BytesView bytes) {
  VIVIM_ASSERT(bytes.size() <= 255);
  out.push_back(static_cast<std::uint8_t>(bytes.size()));
  append(out, bytes);
}

std::optional<BytesView> take(BytesView& in, std::size_t count) {
  if (in.size() < count) {
    return std::nullopt;
  }
  const BytesView taken = in.first(count);
  in = in.subspan(count);
  return taken;
}

std::optional<BytesView> take_short(BytesView& in) {
  const auto size = take(in, 1);
  return size ? take(in, size->front()) : std::nullopt;
}

Result<Hello::Identity> decode_identity(BytesView in) {
  const auto id = take_short(in);
  if (!id) {
    return fail(StandInError::malformed);
  }
  const auto peer = multiformats::PeerId::from_bytes(*id);
  const auto proof = take(in, k_proof_bytes);
  if (!peer || !proof) {
    return fail(StandInError::malformed);
  }
  Hello::Identity identity{.peer = *peer};
  std::ranges::copy(*proof, identity.proof.begin());
  while (!in.empty()) {
    const auto muxer = take_short(in);
    if (!muxer || identity.muxers.size() == k_muxers_max) {
      return fail(StandInError::malformed);
    }
    identity.muxers.emplace_back(as_text(*muxer));
  }
  return identity;
}

}  // namespace

const ErrorDomain& error_domain(StandInError) {
  static constexpr ErrorDomain k_domain{
      "standin", [](int code) -> ErrorInfo {
        const auto index = static_cast<std::size_t>(code);
        return index < k_infos.size() ? k_infos[index]
                                      : ErrorInfo{"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

Bytes encode(const Hello& hello) {
  Bytes out(2);
  append(out, hello.nonce);
  if (hello.identity) {
    append_short(out, hello.identity->peer.bytes());
    append(out, hello.identity->proof);
    for (const auto& muxer : hello.identity->muxers) {
      append_short(out, as_bytes(muxer));
    }
  }
  VIVIM_ASSERT(out.size() - 2 <= k_hello_bytes_max);
  store_be16(out, static_cast<std::uint16_t>(out.size() - 2));
  return out;
}

Result<Hello> decode(BytesView message) {
  const auto nonce = take(message, k_nonce_bytes);
  if (!nonce) {
    return fail(StandInError::malformed);
  }
  Hello hello;
  std::ranges::copy(*nonce, hello.nonce.begin());
  if (!message.empty()) {
    VIVIM_TRY(hello.identity, decode_identity(message));
  }
  return hello;
}

}  // namespace vivim::libp2p::standin
