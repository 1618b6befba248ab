#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vivim/rt/sim/node.hpp"

namespace vivim::rt::sim {

/// A whole network in one thread under virtual time. The same seed and the same program give the
/// same trace.
///
///   World world(seed);
///   Node& alice = world.add_node("alice");
///   Node& bob = world.add_node("bob");
///   const auto value = world.run(conversation(alice, bob));   // Co<T>; runs until it returns
///
/// Declared before what it runs; sessions are stopped before it goes.
class World {
 public:
  explicit World(std::uint64_t seed, FabricOptions options = {});
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Node& add_node(std::string name, NodeOptions options = {});
  Node& node(std::size_t index) { return *nodes_.at(index); }
  std::size_t nodes() const { return nodes_.size(); }

  Engine& engine() { return engine_; }
  /// The world's own randomness, for the scenario; nodes have theirs.
  SeededRng& rng() { return engine_.rng(); }
  TimePoint now() const { return engine_.now(); }

  void set_default_link(LinkOptions options) { fabric_.set_default_link(options); }
  /// In place of the default link: NodeOptions::region says where a node is.
  void set_regions(RegionTable table) { fabric_.set_regions(std::move(table)); }
  void set_link(const Node& a, const Node& b, LinkOptions options);
  /// The node is reached at its IPv4 address no longer, and seen at the public one that this
  /// returns. Before it listens or dials.
  IpAddress put_behind_nat(const Node& node, NatOptions options);
  void partition(const Node& a, const Node& b) { fabric_.partition(a.id(), b.id()); }
  void heal(const Node& a, const Node& b) { fabric_.heal(a.id(), b.id()); }
  /// Nodes of different islands do not reach each other; all begin on island 0.
  void set_island(const Node& node, std::uint32_t island) { fabric_.set_island(node.id(), island); }
  /// Ends every partition, islands too.
  void heal_all() { fabric_.heal_all(); }
  void reset_connections(const Node& a, const Node& b) {
    fabric_.reset_connections(a.id(), b.id());
  }
  /// Connections that an end still holds.
  std::size_t connections_open() const { return fabric_.links_open(); }

  /// Runs `action` at a virtual time from now: `world.after(5s, [&] { world.partition(a, b); });`
  void after(Duration delay, std::move_only_function<void()> action) {
    engine_.schedule_in(delay, std::move(action));
  }

  /// Runs everything until `time` has passed.
  void run_for(Duration time);
  /// Runs until `condition` holds (checked between events); false when `time_max` passed first.
  bool run_until(const std::function<bool()>& condition, Duration time_max = std::chrono::hours(1));
  /// Runs until `task` returns, and returns its value. Throws std::runtime_error if it does not
  /// within `time_max`.
  template <class T>
  T run(Co<T> task, Duration time_max = std::chrono::hours(1)) {
    if constexpr (std::is_void_v<T>) {
      run_task(std::move(task), time_max);
    } else {
      const auto value = std::make_shared<std::optional<T>>();
      run_task(keep(std::move(task), value), time_max);
      return std::move(**value);
    }
  }

  /// Mixes what a scenario observed into the trace.
  void trace(std::uint64_t value) { engine_.trace(value); }
  /// A hash over every event, segment and disk operation so far.
  std::uint64_t trace_hash() const { return engine_.trace_hash(); }

 private:
  template <class T>
  static Co<void> keep(Co<T> task, std::shared_ptr<std::optional<T>> into) {
    into->emplace(co_await std::move(task));
  }
  void run_task(Co<void> task, Duration time_max);

  Engine engine_;
  Fabric fabric_;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace vivim::rt::sim
