#include "vivim/rt/sim/world.hpp"

#include <exception>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>

namespace vivim::rt::sim {

World::World(std::uint64_t seed, FabricOptions options)
    : engine_(seed), fabric_(engine_, options) {}

// Suspended coroutines hold streams and timers: they go while the wires and nodes still exist.
World::~World() {
  engine_.shut_down();
}

Node& World::add_node(std::string name, NodeOptions options) {
  const auto id = static_cast<NodeId>(nodes_.size() + 1);
  nodes_.push_back(std::make_unique<Node>(engine_, fabric_, id, std::move(name), options));
  return *nodes_.back();
}

void World::set_link(const Node& a, const Node& b, LinkOptions options) {
  fabric_.set_link(a.id(), b.id(), options);
}

IpAddress World::put_behind_nat(const Node& node, NatOptions options) {
  // TEST-NET-2 of RFC 5737: nobody's, and not private.
  const auto external = IpAddress::v4(198, 51, static_cast<std::uint8_t>(100 + node.id() / 256),
                                      static_cast<std::uint8_t>(node.id() % 256));
  fabric_.put_behind_nat(node.id(), options, external);
  return external;
}

void World::run_for(Duration time) {
  const TimePoint end = engine_.now() + time;
  while (engine_.step(end)) {
  }
  engine_.advance_to(end);
}

bool World::run_until(const std::function<bool()>& condition, Duration time_max) {
  const TimePoint end = engine_.now() + time_max;
  while (!condition()) {
    if (!engine_.step(end)) {
      engine_.advance_to(end);
      return condition();
    }
  }
  return true;
}

void World::run_task(Co<void> task, Duration time_max) {
  struct Outcome {
    std::exception_ptr error;
    bool done = false;
  };
  const auto outcome = std::make_shared<Outcome>();
  boost::asio::co_spawn(engine_.executor(), std::move(task),
                        [outcome](const std::exception_ptr& error) {
                          outcome->error = error;
                          outcome->done = true;
                        });
  if (!run_until([outcome] { return outcome->done; }, time_max)) {
    throw std::runtime_error("sim: the task did not end in virtual time");
  }
  if (outcome->error) {
    std::rethrow_exception(outcome->error);
  }
}

}  // namespace vivim::rt::sim
