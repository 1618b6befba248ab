// What a host decides without I/O, told things in any order: where others see us, which address is
// dialled when, whom to give up.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/connection_manager.hpp"
#include "vivim/libp2p/host/dial_backoff.hpp"
#include "vivim/libp2p/host/dial_plan.hpp"
#include "vivim/libp2p/host/observed_addresses.hpp"
#include "vivim/rt/error.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using multiformats::Multiaddr;
using multiformats::PeerId;

namespace {

PeerId peer(std::uint8_t number) {
  Bytes id{0x00, 0x24, 0x08, 0x01, 0x12, 0x20};
  id.resize(38, number);
  return PeerId::from_bytes(id).value();
}

Multiaddr place(std::uint8_t number) {
  return Multiaddr::from_tcp("8.8." + std::to_string(number % 16) + ".1",
                             static_cast<std::uint16_t>(4000 + number / 16))
      .value();
}

void observe(BytesView in) {
  ObservedAddresses observed;
  rt::TimePoint now{std::chrono::hours(1)};
  const auto listened = Multiaddr::parse("/ip4/10.0.0.1/tcp/4001").value();
  for (std::size_t i = 0; i + 1 < in.size(); i += 2) {
    now += std::chrono::seconds(in[i]);
    observed.observe(listened, place(in[i]), place(in[i + 1]), now);
    (void)observed.update(now);
    VIVIM_ASSERT(observed.external(listened, now).size() <= ObservationOptions().confirmed_max);
  }
}

void dial(BytesView in) {
  rt::TimePoint now{std::chrono::hours(1)};
  DialPlan plan({}, now);
  DialBackoff backoff;
  for (const auto byte : in) {
    now += std::chrono::milliseconds(byte);
    if (byte % 4 == 0) {
      plan.add({{.address = place(byte), .delay = std::chrono::milliseconds(byte)}});
    } else if (byte % 4 == 1 && plan.running() > 0) {
      plan.failed(rt::RtError::refused, now);
      backoff.address_failed(peer(byte % 8), place(byte), now);
    } else if (const auto address = plan.next(now)) {
      VIVIM_ASSERT(plan.running() <= k_dial_attempts_max);
      backoff.succeeded(peer(byte % 8), *address);
      VIVIM_ASSERT(!backoff.blocked_until(peer(byte % 8), *address, now));
    }
    VIVIM_ASSERT(plan.running() <= k_dial_attempts_max);
    VIVIM_ASSERT(backoff.size() <= k_backoff_entries_max);
  }
}

void manage(BytesView in) {
  ConnectionManager manager({.low_water = 3, .high_water = 5, .grace = std::chrono::seconds(1)});
  std::map<ConnectionManager::ConnectionId, PeerId> open;
  rt::TimePoint now{std::chrono::hours(1)};
  ConnectionManager::ConnectionId next = 1;
  for (const auto byte : in) {
    now += std::chrono::milliseconds(100 * (byte % 32));
    const auto who = peer(byte / 32);
    switch (byte % 8) {
      case 0:
        (void)manager.protect(who, "reason");
        break;
      case 1:
        manager.unprotect(who, "reason");
        break;
      case 2:
        (void)manager.tag(who, std::to_string(byte % 5), byte);
        break;
      case 3:
        if (!open.empty()) {
          manager.disconnected(open.begin()->first);
          open.erase(open.begin());
        }
        break;
      default:
        manager.connected(next, who, byte & 1 ? Direction::inbound : Direction::outbound, now);
        open.emplace(next++, who);
    }
    VIVIM_ASSERT(manager.connections() == open.size());
    for (const auto id : manager.trim(now, [](auto of) { return std::size_t{of % 2}; })) {
      VIVIM_ASSERT(open.contains(id) && !manager.is_protected(open.at(id)));
      manager.disconnected(id);
      open.erase(id);
      VIVIM_ASSERT(open.size() >= 3);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  observe({data, size});
  dial({data, size});
  manage({data, size});
  return 0;
}
