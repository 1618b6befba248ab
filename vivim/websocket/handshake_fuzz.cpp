// Heads of HTTP from either side: the same verdict in one piece and in two, and no more bytes taken
// than the head has.
#include <algorithm>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/websocket/handshake.hpp"

namespace {

using namespace vivim;
using namespace vivim::websocket;

struct Verdict {
  bool failed = false;
  bool done = false;
  std::size_t taken = 0;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

template <class Handshake>
Verdict run(Handshake handshake, BytesView in, std::size_t first) {
  Verdict verdict;
  for (const auto piece : {in.first(first), in.subspan(first)}) {
    const auto used = handshake.feed(piece);
    if (!used) {
      return {.failed = true};
    }
    VIVIM_ASSERT(*used <= piece.size());
    verdict.taken += *used;
    if (handshake.done()) {
      break;
    }
  }
  verdict.done = handshake.done();
  VIVIM_ASSERT(verdict.taken <= k_head_bytes_max);
  return verdict;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView in(data + 1, size - 1);
  const std::size_t first = std::min<std::size_t>(data[0], in.size());
  VIVIM_ASSERT(run(ServerHandshake(), in, in.size()) == run(ServerHandshake(), in, first));
  const ClientHandshake client({.host = "h"});
  VIVIM_ASSERT(run(client, in, in.size()) == run(client, in, first));
  return 0;
}
