// Words of servers about addresses, in any order: what is kept is bounded, and an address only
// counts as public or private when enough different servers say so.
#include <cstddef>
#include <cstdint>
#include <string>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/autonat/reachability.hpp"

using namespace vivim;
using namespace vivim::libp2p::autonat;

namespace {

PeerId server(std::uint8_t number) {
  Bytes id{0x00, 0x24, 0x08, 0x01, 0x12, 0x20};  // an Ed25519 key, as it stands
  id.resize(38, number);
  return PeerId::from_bytes(id).value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t k_confidence_min = 3;
  ReachabilityTable table({.confidence_min = k_confidence_min});
  Time now = std::chrono::hours(1);
  for (std::size_t i = 0; i + 2 < size; i += 3) {
    const auto address = Multiaddr::from_tcp("192.0.2." + std::to_string(data[i] % 100), 1).value();
    now += std::chrono::minutes(data[i + 1]);
    if (data[i + 2] == 0xff) {
      table.watch({address}, now);
      continue;
    }
    const auto changed = table.add({.address = address, .reachable = (data[i + 2] & 0x80) != 0},
                                   server(data[i + 2] % 32), now);
    const auto all = table.all(now);
    VIVIM_ASSERT(all.size() <= k_watched_addresses_max);
    for (const auto& one : all) {
      VIVIM_ASSERT(one.confidence <= k_words_max);
      VIVIM_ASSERT((one.reachability == Reachability::unknown) ==
                   (one.confidence < k_confidence_min));
    }
    VIVIM_ASSERT(!changed || changed->address == address);
  }
  return 0;
}
