// Packets of any kind: the decoder ends within its bounds, and the discovery that hears them keeps
// no more than it may.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/mdns/discovery.hpp"

using namespace vivim;
using namespace vivim::libp2p::mdns;

namespace {

PeerId self() {
  return PeerId::parse("12D3KooWGzBTrhbh3cCCsBHfkZpKBKFgLvmRRY7Cmi1DDNbqyFzB").value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  if (const auto message = decode(in)) {
    VIVIM_ASSERT(message->questions.size() + message->records.size() <= k_entries_max);
    for (const auto& record : message->records) {
      VIVIM_ASSERT(record.name.size() <= k_name_bytes_max);
    }
  }
  // The same bytes as several packets, each behind a byte that says how long it is.
  rt::TimePoint now{std::chrono::hours(1)};
  Discovery discovery({.self = self(), .peer_name = "fuzz", .peers_max = 4}, now);
  discovery.set_addresses({Multiaddr::parse("/ip4/10.0.0.1/tcp/1").value()}, {});
  for (BytesView rest = in; !rest.empty();) {
    const std::size_t n = std::min<std::size_t>(std::size_t{rest[0]} * 4, rest.size());
    (void)discovery.receive(rest.first(n), rt::IpAddress::v4(10, 0, 0, rest[0]), now);
    rest = rest.subspan(std::max<std::size_t>(n, 1));
    now += std::chrono::milliseconds(100);
    if (discovery.next_deadline() <= now) {
      discovery.on_deadline(now);
    }
    while (const auto packet = discovery.poll_transmit()) {
      VIVIM_ASSERT(packet->size() <= k_sent_bytes_max && decode(*packet).has_value());
    }
    while (discovery.poll_event()) {
    }
    VIVIM_ASSERT(discovery.peers() <= 4);
  }
  return 0;
}
