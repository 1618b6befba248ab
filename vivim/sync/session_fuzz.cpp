// A session fed with what a hostile peer sends after a fair greeting, while the driver accepts
// whatever is asked.
#include <cstdlib>

#include "vivim/sync/session.hpp"

using namespace vivim;
using namespace vivim::sync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Session session({.side = Side::listener,
                   .own_peer = Bytes(34, 1),
                   .other_peer = Bytes(34, 2),
                   .nonce = {},
                   .agent = "fuzz"});
  Bytes hello;
  append_frame(hello, HelloFrame{.agent = "peer"});
  (void)session.feed(hello);
  const GrantSecret secret(Bytes(k_grant_secret_bytes, 3));
  BytesView input(data, size);
  while (!input.empty()) {
    const auto chunk = input.first(std::min<std::size_t>(input.size(), 1 + input[0]));
    input = input.subspan(chunk.size());
    (void)session.feed(chunk);
    while (const auto event = session.poll_event()) {
      if (const auto* open = std::get_if<OpenRequested>(&*event)) {
        (void)session.accept(open->channel, secret, store::Access::write);
      }
    }
    if (session.channels() > k_channels_max) {
      std::abort();
    }
  }
  return 0;
}
