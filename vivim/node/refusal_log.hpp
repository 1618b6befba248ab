#pragma once

#include <memory>

#include "vivim/libp2p/limits/resource_manager.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::node {

/// Says in the log what limits refused: soon, but not for each of many refusals.
class RefusalLog {
 public:
  /// `resources` must outlive it.
  RefusalLog(rt::Loop& loop, const libp2p::limits::ResourceManager& resources);

  void start();
  /// Says what was not said yet, and ends. Idempotent.
  rt::Co<void> stop();

  /// Since the start, by all limits.
  std::uint64_t refusals() const;

 private:
  rt::Co<void> run();
  void say();

  const libp2p::limits::ResourceManager& resources_;
  std::uint64_t said_ = 0;
  rt::Loop& loop_;
  std::unique_ptr<rt::Timer> timer_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::node
