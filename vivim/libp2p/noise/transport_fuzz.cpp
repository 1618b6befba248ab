#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/noise/transport.hpp"

using namespace vivim;
using namespace vivim::libp2p::noise;

// The first byte chooses frame and chunk sizes. The input is sealed and must open to itself; then
// fed raw, where nothing may open.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  const crypto::AeadKey key(Bytes(32, 9));
  Sender sender(key);
  Receiver receiver(key);
  const std::size_t frame = input.empty() ? 1 : 1 + input[0] * 3U;
  const std::size_t chunk = input.empty() ? 1 : 1 + input[0] * 5U;
  Bytes sealed;
  VIVIM_ASSERT(sender.seal(input, sealed, frame));
  Bytes opened;
  for (BytesView rest = sealed; !rest.empty();) {
    rest = rest.subspan(receiver.feed(rest.first(std::min(chunk, rest.size()))));
    for (auto piece = receiver.next(); piece && *piece; piece = receiver.next()) {
      append(opened, **piece);
    }
  }
  VIVIM_ASSERT(same_bytes(opened, input));
  Receiver stranger(key);
  stranger.feed(input);
  const auto piece = stranger.next();
  VIVIM_ASSERT(!piece || !piece->has_value());
  return 0;
}
