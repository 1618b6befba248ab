// Messages of the stand-in handshake: any bytes are refused, or are what they are encoded as.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/standin/hello.hpp"

using namespace vivim;
using namespace vivim::libp2p::standin;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  if (size > k_hello_bytes_max) {
    return 0;
  }
  if (const auto hello = decode(in)) {
    const Bytes again = encode(*hello);
    VIVIM_ASSERT(same_bytes(BytesView(again).subspan(2), in));
  }
  return 0;
}
