// A client of any kind: the responder's counts agree with what came, and never pass its limits.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/perf/perf.hpp"

using namespace vivim;
using namespace vivim::libp2p::perf;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ServerLimits limits{.upload_bytes_max = 64, .download_bytes_max = 4096};
  Responder responder(limits);
  BytesView in(data, size);
  std::size_t fed = 0;
  while (!in.empty()) {
    const std::size_t piece = std::min<std::size_t>(in.size(), 1 + in.front() % 16);
    if (!responder.feed(in.first(piece))) {
      return 0;
    }
    fed += piece;
    in = in.subspan(piece);
    VIVIM_ASSERT(responder.uploaded_bytes() <= limits.upload_bytes_max);
  }
  auto payload = responder.finish(16);
  VIVIM_ASSERT(payload.has_value() == (fed >= k_header_bytes));
  if (payload) {
    std::uint64_t sent = 0;
    for (auto bytes = payload->next(); !bytes.empty(); bytes = payload->next()) {
      sent += bytes.size();
    }
    VIVIM_ASSERT(sent == responder.download_bytes());
  }
  return 0;
}
