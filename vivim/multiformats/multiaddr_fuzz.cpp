#include "vivim/base/assert.hpp"
#include "vivim/multiformats/multiaddr.hpp"

using namespace vivim;
using namespace vivim::multiformats;

// Whatever is accepted, as text or as bytes, survives the way through the other form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  for (const auto& address : {Multiaddr::parse(as_text(input)), Multiaddr::from_bytes(input)}) {
    if (!address) {
      continue;
    }
    VIVIM_ASSERT(Multiaddr::from_bytes(address->bytes()) == *address);
    const auto text = address->to_string();
    if (text.size() <= k_multiaddr_text_max) {
      VIVIM_ASSERT(Multiaddr::parse(text) == *address);
    }
    static_cast<void>(address->endpoint());
    static_cast<void>(address->peer());
    VIVIM_ASSERT(!address->without_peer().has(Protocol::p2p) || address->has(Protocol::p2p));
  }
  return 0;
}
