// Both sides of ping, fed pieces of any size in any order: an echo is never longer than what came,
// and only the right bytes at the right time make a round trip.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/ping/ping.hpp"

using namespace vivim;
using namespace vivim::libp2p::ping;

namespace {

/// Answers pieces of the input as they come, and counts.
void answer(BytesView in) {
  Responder responder;
  std::size_t taken = 0;
  std::size_t echoed = 0;
  while (!in.empty()) {
    const auto count = responder.feed(in.first(std::min<std::size_t>(in.size(), 1 + in[0] % 64)));
    VIVIM_ASSERT(count > 0);
    taken += count;
    in = in.subspan(count);
    if (const auto echo = responder.echo()) {
      echoed += echo->size();
    }
    VIVIM_ASSERT(echoed <= taken && taken - echoed < k_payload_bytes);
  }
  VIVIM_ASSERT(responder.finish().has_value() == (taken % k_payload_bytes == 0));
}

/// Each first byte says what the peer does: echo honestly so many bytes, or lie.
void measure(BytesView in) {
  Pinger pinger;
  Time now{};
  Payload payload{};
  std::size_t honest = 0;  // bytes echoed of the ping under way
  bool failed = false;
  for (const auto byte : in) {
    now += Time(byte);
    if (!pinger.in_progress()) {
      payload.fill(byte);
      VIVIM_ASSERT(pinger.begin(payload, now).has_value());
      honest = 0;
      continue;
    }
    const bool lies = byte >= 0xf0;
    const std::size_t count = std::min<std::size_t>(1 + byte % 16, k_payload_bytes - honest);
    Bytes piece(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(count));
    piece[0] ^= lies ? 1 : 0;
    const auto result = pinger.feed(piece, now);
    failed = failed || lies;
    honest += count;
    VIVIM_ASSERT(result.has_value() || failed);
    if (!result) {
      return;
    }
    VIVIM_ASSERT(!*result || (honest == k_payload_bytes && !failed));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  answer({data, size});
  measure({data, size});
  return 0;
}
