// A session fed with what a hostile peer sends after a fair greeting, while the driver accepts
// whatever is asked. The peer holds the secret of one document: the input's first byte says how
// many bytes of the state vector follow with which it opens that, and whether it damages them.
#include <algorithm>
#include <cstdlib>

#include "vivim/sync/session.hpp"

using namespace vivim;
using namespace vivim::sync;

namespace {

SessionOptions options(Side side, std::uint8_t own, std::uint8_t other) {
  return {.side = side,
          .own_peer = Bytes(34, own),
          .other_peer = Bytes(34, other),
          .nonce = {},
          .agent = "fuzz"};
}

void drain(Session& session, const GrantSecret& secret) {
  while (const auto event = session.poll_event()) {
    if (const auto* open = std::get_if<OpenRequested>(&*event)) {
      (void)session.accept(open->channel, secret, store::Access::write);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  BytesView input(data, size);
  const std::uint8_t first = input.empty() ? 0 : input[0];
  const auto state = input.subspan(std::min<std::size_t>(size, 1))
                         .first(std::min<std::size_t>(size - std::min<std::size_t>(size, 1),
                                                      static_cast<std::size_t>(first >> 1)));
  input = input.subspan(std::min(size, 1 + state.size()));
  const GrantSecret secret(Bytes(k_grant_secret_bytes, 3));
  Session session(options(Side::listener, 1, 2));
  Session peer(options(Side::dialer, 2, 1));
  const auto channel = peer.open({{7}}, {{9}}, secret, state);
  (void)peer.feed(session.take_output());
  Bytes said = peer.take_output();
  const bool damaged = (first & 1) != 0 && !state.empty();
  said.back() ^= damaged ? 1 : 0;
  (void)session.feed(said);
  drain(session, secret);
  if (!channel || session.is_open(*channel) == damaged) {
    std::abort();
  }
  while (!input.empty()) {
    const auto chunk = input.first(std::min<std::size_t>(input.size(), 1 + input[0]));
    input = input.subspan(chunk.size());
    (void)session.feed(chunk);
    drain(session, secret);
    if (session.channels() > k_channels_max) {
      std::abort();
    }
  }
  return 0;
}
