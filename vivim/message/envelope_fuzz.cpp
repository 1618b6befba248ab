// Envelopes and clocks of any kind: what opens is within the limits and seals to the same again.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/message/envelope.hpp"

using namespace vivim;
using namespace vivim::message;

namespace {

struct Fixed {
  crypto::KeyPair key = crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, 1)));
  PeerId self = PeerId::of(key);
  Signer signer = Signer::of(key);
};

void clock(BytesView bytes) {
  const auto clock = decode_clock(bytes);
  if (!clock) {
    return;
  }
  VIVIM_ASSERT(clock->size() <= k_clock_entries_max);
  VIVIM_ASSERT(same_bytes(encode(*clock), bytes));
}

void envelope(BytesView bytes) {
  static const Fixed k_fixed;
  auto opened = open(bytes);
  if (!opened) {
    return;
  }
  auto message = opened->message;
  VIVIM_ASSERT(message.payload.size() <= k_payload_bytes_max);
  VIVIM_ASSERT(opened->hops <= message.ttl && message.ttl <= k_hops_max);
  (void)check_time(message, 1'800'000'000'000);
  message.from = k_fixed.self;
  const auto sealed = seal(k_fixed.signer, message);
  VIVIM_ASSERT(sealed.has_value());
  const auto again = open(*sealed);
  VIVIM_ASSERT(again.has_value() && again->message == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView rest = BytesView(data, size).subspan(1);
  data[0] % 2 == 0 ? envelope(rest) : clock(rest);
  return 0;
}
