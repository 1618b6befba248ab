#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/identify/identify.hpp"

using namespace vivim;
using namespace vivim::libp2p::identify;

// What is read is within the limits, and is read again the same after it was encoded.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  Reader reader;
  const std::size_t piece = 1 + data[0];
  for (BytesView in(data + 1, size - 1); !in.empty();) {
    const auto part = in.first(std::min(piece, in.size()));
    if (!reader.feed(part)) {
      return 0;
    }
    in = in.subspan(part.size());
  }
  const auto info = std::move(reader).finish();
  if (!info) {
    return 0;
  }
  if (info->protocols.size() > k_protocols_max || info->listen_addresses.size() > k_addresses_max) {
    std::abort();
  }
  if (const auto bytes = encode(*info)) {
    Reader again;
    if (!again.feed(*bytes) || std::move(again).finish().value() != *info) {
      std::abort();
    }
  }
  return 0;
}
