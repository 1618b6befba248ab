#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/peerstore/peer_store.hpp"

using namespace vivim;
using namespace vivim::libp2p::peerstore;

// A snapshot that is accepted stays within the limits, and is read again as it is written.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Limits limits{.peers_max = 4, .addresses_max = 8, .addresses_per_peer_max = 4};
  const Time now(1000);
  const auto store = PeerStore::decode(BytesView(data, size), limits, now);
  if (!store) {
    return 0;
  }
  VIVIM_ASSERT(store->size() <= limits.peers_max);
  VIVIM_ASSERT(store->addresses() <= limits.addresses_max);
  const Bytes written = store->encode();
  const auto again = PeerStore::decode(written, limits, now);
  VIVIM_ASSERT(again.has_value());
  VIVIM_ASSERT(again->entries() == store->entries());
  return 0;
}
