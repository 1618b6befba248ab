#include "vivim/base/assert.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/multiformats/private_key.hpp"

using namespace vivim;
using namespace vivim::multiformats;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  if (const auto key = PublicKey::decode(input)) {
    VIVIM_ASSERT(PublicKey::decode(key->encode()) == *key);
    const auto id = PeerId::of(*key);
    VIVIM_ASSERT(PeerId::from_bytes(id.bytes()) == id);
    VIVIM_ASSERT(!key->verify(input, Bytes(64)));
  }
  if (const auto pair = decode_private_key(input)) {
    const auto again = decode_private_key(encode_private_key(*pair).view());
    VIVIM_ASSERT(again && again->public_key() == pair->public_key());
  }
  if (const auto key = PrivateKey::decode(input)) {
    const auto again = PrivateKey::decode(key->encode().view());
    VIVIM_ASSERT(again && again->public_key() == key->public_key());
  }
  return 0;
}
