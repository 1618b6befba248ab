#pragma once

#include <map>
#include <optional>
#include <vector>

#include "vivim/libp2p/portmap/gateway.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::libp2p::portmap {

/// Ports that one node maps.
inline constexpr std::size_t k_ports_max = 32;

struct LeaseTimes {
  std::chrono::seconds lifetime = std::chrono::hours(1);  ///< asked for
  rt::Duration retry_min = std::chrono::minutes(1);
  rt::Duration retry_max = std::chrono::minutes(30);
  /// A router that gives leases of less than twice this is not asked more often.
  rt::Duration refresh_min = std::chrono::seconds(30);
  /// How often a mapping without an end is looked after: routers forget when they restart.
  rt::Duration refresh_max = std::chrono::minutes(30);
};

/// Which port is to be mapped when: again at half of its lifetime, later after a failure. Sans-IO.
class Leases {
 public:
  explicit Leases(LeaseTimes times = {}) : times_(times) {}
  const LeaseTimes& times() const { return times_; }

  /// Wants a port mapped from now on. Error: too_many_ports.
  Result<void> want(const Port& port, rt::TimePoint now);
  /// Does not want it any more; what is to be taken back, if anything.
  std::optional<Grant> drop(const Port& port);

  /// A port to map now. It counts as being mapped until granted() or failed().
  std::optional<Port> next(rt::TimePoint now);
  /// The router's answer; true when it is another one than before.
  bool granted(const Port& port, const Grant& grant, rt::TimePoint now);
  /// No router did it; true when a mapping was lost by that.
  bool failed(const Port& port, rt::TimePoint now);
  std::optional<rt::TimePoint> next_deadline() const;

  struct Mapping {
    Port port;
    Grant grant;
  };
  std::vector<Mapping> mappings() const;

 private:
  struct Lease {
    std::optional<Grant> grant;
    rt::TimePoint ends{};
    rt::TimePoint due{};
    rt::Duration retry{};
    bool mapping = false;
  };

  LeaseTimes times_;
  std::map<Port, Lease> leases_;
};

}  // namespace vivim::libp2p::portmap
