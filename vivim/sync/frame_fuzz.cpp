// Whatever decodes must encode to something that decodes to the same type again, and to the same
// bytes.
#include <cstdlib>

#include "vivim/sync/frame.hpp"

using namespace vivim;
using namespace vivim::sync;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frame = decode_frame({data, size});
  if (!frame || std::holds_alternative<UnknownFrame>(*frame)) {
    return 0;
  }
  Bytes wire;
  append_frame(wire, *frame);
  FrameReader reader;
  reader.feed(wire);
  const auto body = reader.next(k_frame_bytes_max);
  if (!body || !*body) {
    std::abort();
  }
  const auto again = decode_frame(**body);
  if (!again || again->index() != frame->index()) {
    std::abort();
  }
  Bytes same;
  append_frame(same, *again);
  if (same != wire) {
    std::abort();
  }
  return 0;
}
