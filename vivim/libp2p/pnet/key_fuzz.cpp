#include "vivim/base/assert.hpp"
#include "vivim/libp2p/pnet/key.hpp"

using namespace vivim;
using namespace vivim::libp2p::pnet;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (const auto key = PreSharedKey::parse(BytesView(data, size))) {
    const auto again = PreSharedKey::parse(key->to_file().view());
    VIVIM_ASSERT(again && crypto::equal(again->secret(), key->secret()));
  }
  return 0;
}
