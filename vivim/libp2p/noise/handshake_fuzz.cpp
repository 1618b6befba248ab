#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/noise/handshake.hpp"

using namespace vivim;
using namespace vivim::libp2p::noise;

namespace {

crypto::RandomSource fixed() {
  return [](MutableBytes out) { std::ranges::fill(out, 0x42); };
}

/// A responder that follows the pattern but sends `payload` as its identity.
void answer(Handshake& initiator, BytesView payload) {
  Xx responder({.role = Role::responder,
                .static_key = crypto::X25519KeyPair::generate(fixed()),
                .ephemeral_key = crypto::X25519KeyPair::generate(fixed()),
                .prologue = {}});
  const Bytes first = initiator.poll_transmit();
  VIVIM_ASSERT(responder.read(BytesView(first).subspan(k_frame_header_bytes)));
  Bytes message(k_frame_header_bytes);
  VIVIM_ASSERT(responder.write(payload, message));
  store_be16(message, static_cast<std::uint16_t>(message.size() - k_frame_header_bytes));
  VIVIM_ASSERT(!initiator.feed(message));  // nobody here can sign
}

}  // namespace

// The input goes raw to both roles, then, properly sealed, to the initiator as a payload.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, std::min(size, k_handshake_message_max / 2));
  static const Identity k_identity(crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, 1))),
                                   fixed());
  for (const Role role : {Role::initiator, Role::responder}) {
    Handshake handshake(k_identity, {.role = role}, fixed());
    const auto fed = handshake.feed(input);
    VIVIM_ASSERT(!fed || *fed <= input.size());
    VIVIM_ASSERT(!handshake.done());
  }
  Handshake initiator(k_identity, {}, fixed());
  answer(initiator, input);
  return 0;
}
