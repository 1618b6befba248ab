#pragma once

#include <memory>

#include "vivim/libp2p/bootstrap/plan.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::bootstrap {

/// Keeps a host connected: dials the peers of a list whenever it has too few.
class Bootstrap {
 public:
  /// `config.seed` is drawn from `rng`.
  Bootstrap(Host& host, rt::Loop& loop, rt::Rng& rng, Config config = {});
  ~Bootstrap();
  Bootstrap(const Bootstrap&) = delete;
  Bootstrap& operator=(const Bootstrap&) = delete;

  /// Adds an address of a peer to the list; before or after start(). Errors: those of Plan::add.
  Result<void> add(const Multiaddr& address);
  /// Begins to dial.
  void start();
  /// Awaited before it goes, if it was started; waits for dials that are under way, which end when
  /// the host stops.
  rt::Co<void> stop();

 private:
  rt::Co<void> run();
  rt::Co<void> dial(Plan::Target target);
  std::size_t connections() const;

  Host& host_;
  rt::Loop& loop_;
  Plan plan_;
  rt::Event changed_;
  std::unique_ptr<rt::Timer> timer_;
  Subscription subscription_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::bootstrap
