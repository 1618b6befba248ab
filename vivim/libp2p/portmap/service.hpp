#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vivim/libp2p/portmap/leases.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::portmap {

/// Keeps ports mapped at the router, with the first gateway that does it.
class Service {
 public:
  /// `observer` is called from the loop when mappings came, changed or were lost: it must not
  /// await. `worker` is where gateways block.
  Service(
      rt::Loop& loop, rt::Worker& worker, std::vector<std::unique_ptr<Gateway>> gateways,
      std::function<void()> observer = [] {}, LeaseTimes times = {});
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Wants a port mapped from now on. Error: too_many_ports.
  Result<void> want(const Port& port);
  /// Begins to map.
  void start();
  /// Takes mappings back and ends; waits for the gateway's call that is under way. Awaited before
  /// it goes, if it was started.
  rt::Co<void> stop();

  /// What is mapped now. An external address that is not public (is_public) is of no use beyond
  /// the router's own network.
  std::vector<Leases::Mapping> mappings() const { return leases_.mappings(); }
  /// The gateway that did it last; empty when none did.
  const std::string& gateway() const { return gateway_; }
  /// Why the last attempt failed.
  const std::optional<Error>& last_error() const { return last_error_; }

 private:
  rt::Co<void> run();
  rt::Co<void> map(Port port);

  rt::Loop& loop_;
  rt::Worker& worker_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::function<void()> observer_;
  Leases leases_;
  std::size_t current_ = 0;
  std::string gateway_;
  std::map<Port, Gateway*> granted_by_;  ///< of ports that were ever mapped
  std::optional<Error> last_error_;
  std::unique_ptr<rt::Timer> timer_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::portmap
