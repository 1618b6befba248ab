#include "vivim/base/assert.hpp"
#include "vivim/multiformats/peer_id.hpp"

using namespace vivim;
using namespace vivim::multiformats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  for (const auto& id : {PeerId::parse(as_text(input)), PeerId::from_bytes(input)}) {
    if (id) {
      VIVIM_ASSERT(PeerId::parse(id->to_string()) == *id);
      VIVIM_ASSERT(PeerId::parse(id->to_cid_string()) == *id);
      VIVIM_ASSERT(PeerId::from_bytes(id->bytes()) == *id);
      VIVIM_ASSERT(!id->public_key() || id->matches(*id->public_key()));
    }
  }
  return 0;
}
