#include "vivim/base/assert.hpp"
#include "vivim/multiformats/cid.hpp"

using namespace vivim;
using namespace vivim::multiformats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  if (const auto cid = Cid::from_bytes(input)) {
    VIVIM_ASSERT(cid->to_bytes() == to_bytes(input));
    VIVIM_ASSERT(Cid::parse(cid->to_string()) == *cid);
  }
  if (const auto cid = Cid::parse(as_text(input))) {
    VIVIM_ASSERT(Cid::from_bytes(cid->to_bytes()) == *cid);
  }
  if (const auto hash = Multihash::from_bytes(input)) {
    VIVIM_ASSERT(hash->bytes() == to_bytes(input));
  }
  if (const auto bytes = decode_multibase(as_text(input))) {
    const auto base = static_cast<Base>(data[0]);
    VIVIM_ASSERT(encode_multibase(base, *bytes) == as_text(input));
  }
  return 0;
}
