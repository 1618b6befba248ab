#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>

#include "vivim/libp2p/portmap/leases.hpp"

using namespace vivim;
using namespace vivim::libp2p::portmap;

namespace {

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

Port port_of(std::uint8_t number) {
  return {.protocol = number % 2 == 0 ? Port::Protocol::tcp : Port::Protocol::udp,
          .number = static_cast<std::uint16_t>(number / 2)};
}

}  // namespace

// Whatever routers answer, in any order with what is wanted and dropped: within the limit, a port
// is asked for once at a time, and a router never in a loop.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Leases leases;
  std::set<Port> wanted;
  std::map<Port, rt::TimePoint> answered;
  std::optional<Port> mapping;
  rt::TimePoint now{std::chrono::hours(1)};
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const std::uint8_t value = data[i + 1];
    now += std::chrono::seconds(value);
    switch (data[i] % 4) {
      case 0:
        if (leases.want(port_of(value), now)) {
          wanted.insert(port_of(value));
        }
        break;
      case 1:
        (void)leases.drop(port_of(value));
        wanted.erase(port_of(value));
        answered.erase(port_of(value));
        break;
      case 2:
        if (!mapping && (mapping = leases.next(now))) {
          const auto before = answered.find(*mapping);
          require(before == answered.end() || now - before->second >= std::chrono::seconds(15));
          require(leases.next(now) != mapping);
        }
        break;
      default:
        if (mapping) {
          const auto lifetime = std::chrono::seconds(std::int64_t{value} << (data[i] / 4 % 25));
          const Grant grant{.external_ip = {}, .external_port = value, .lifetime = lifetime};
          value % 2 == 0 ? leases.granted(*mapping, grant, now) : leases.failed(*mapping, now);
          if (wanted.contains(*mapping)) {
            answered[*mapping] = now;
          }
          mapping.reset();
        }
    }
    require(leases.mappings().size() <= k_ports_max);
  }
  return 0;
}
