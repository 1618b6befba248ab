#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "vivim/rt/loop.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/sim/disk.hpp"
#include "vivim/rt/sim/engine.hpp"
#include "vivim/rt/sim/fabric.hpp"
#include "vivim/rt/sim/faults.hpp"

namespace vivim::rt::sim {

/// How a node differs from the others.
struct NodeOptions {
  /// Its IPv4 address; none: 10.0.x.y. Several nodes may have the same one, as long as they listen
  /// on different ports.
  std::optional<IpAddress> ip = {};
  Region region = 0;                          ///< of World::set_regions
  std::uint64_t upload_bytes_per_second = 0;  ///< of all its connections together; 0: unlimited
  std::uint64_t download_bytes_per_second = 0;
  Duration wall_skew{0};                                 ///< its wall clock minus the true time
  Duration boot_time{0};                                 ///< where its monotonic clock starts
  Duration job_min = std::chrono::microseconds(50);      ///< the least that a Worker's job takes
  Duration job_jitter = std::chrono::microseconds(200);  ///< and at most this more
};

/// A machine of the simulated world: what rt offers, and what can happen to it.
class Node {
 public:
  Node(Engine& engine, Fabric& fabric, NodeId id, std::string name, NodeOptions options);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  NodeId id() const { return id_; }
  const std::string& name() const { return name_; }
  /// The address of its options, else 10.0.x.y; it also has fd00::id.
  IpAddress ip() const;

  Loop& loop();
  Clock& clock();
  Rng& rng() { return rng_; }
  Network& network();
  SimDisk& disk() { return disk_; }
  /// Another Worker: its jobs take virtual time, one after the other.
  std::unique_ptr<Worker> make_worker();

  /// The machine dies: connections, listeners and file handles fail from now on, nothing leaves it,
  /// and the disk keeps what CrashKind says. The owner then stops and destroys its objects, and
  /// calls restart().
  void crash(CrashKind kind = CrashKind::power);
  void restart();
  bool running() const { return running_; }

  /// From now on, until another one is set.
  void set_lie(Lie lie);

 private:
  class NodeLoop;
  class NodeNetwork;

  Engine& engine_;
  Fabric& fabric_;
  NodeId id_;
  std::string name_;
  NodeOptions options_;
  std::uint64_t seed_;  ///< of rng_
  SeededRng rng_;
  SimDisk disk_;
  std::unique_ptr<NodeLoop> loop_;
  std::unique_ptr<NodeNetwork> network_;
  bool running_ = true;
  Lie lie_ = Lie::none;
};

}  // namespace vivim::rt::sim
