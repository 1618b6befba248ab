// What peers tell, in any order: the store stays within its limits, its counts agree, and what it
// writes is what it reads.
#include <cstddef>
#include <cstdint>
#include <string>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/peerstore/peer_store.hpp"

using namespace vivim;
using namespace vivim::libp2p::peerstore;

namespace {

PeerId peer(std::uint8_t number) {
  Bytes id{0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
  id.resize(38, number);
  return PeerId::from_bytes(id).value();
}

constexpr Limits k_limits{
    .peers_max = 4, .addresses_max = 8, .addresses_per_peer_max = 4, .protocols_per_peer_max = 3};

void check(const PeerStore& store) {
  std::size_t addresses = 0;
  for (const auto& [id, entry] : store.entries()) {
    addresses += entry.addresses.size();
    VIVIM_ASSERT(entry.addresses.size() <= k_limits.addresses_per_peer_max);
    VIVIM_ASSERT(entry.protocols.size() <= k_limits.protocols_per_peer_max);
  }
  VIVIM_ASSERT(store.size() <= k_limits.peers_max);
  VIVIM_ASSERT(addresses == store.addresses() && addresses <= k_limits.addresses_max);
}

void tell(PeerStore& store, std::uint8_t what, std::uint8_t number, Time now) {
  const auto who = peer(what / 16);
  const auto address = Multiaddr::from_tcp("192.0.2." + std::to_string(number), 1).value();
  switch (what % 8) {
    case 0:
      store.add_address(who, address, static_cast<Source>(number % 6), Time(number * 10), now);
      break;
    case 1:
      (void)store.set_record(who, number, {address}, Bytes(number), Time(number * 10), now);
      break;
    case 2:
      store.remove_address(who, address);
      break;
    case 3:
      store.set_protocols(who, std::vector<std::string>(number, "/p/" + std::to_string(number)),
                          now);
      break;
    case 4:
      store.set_agent(who, std::string(std::size_t{number} * 2, 'a'), now);
      break;
    case 5:
      (void)store.set_metadatum(who, std::to_string(number), Bytes(number), now);
      break;
    case 6:
      store.forget(who);
      break;
    default:
      store.expire(now);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  PeerStore store(k_limits);
  Time now(1000);
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    now += Time(data[i] % 64);
    tell(store, data[i], data[i + 1], now);
    check(store);
  }
  const auto again = PeerStore::decode(store.encode(), k_limits, now);
  VIVIM_ASSERT(again.has_value());
  check(*again);
  return 0;
}
