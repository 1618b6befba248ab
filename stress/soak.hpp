#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "stress/cutter.hpp"
#include "stress/node.hpp"
#include "stress/process.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::stress {

struct SoakOptions {
  std::uint64_t seed = 1;
  rt::Duration time = std::chrono::seconds(20);
  rt::Duration round = std::chrono::seconds(2);  ///< of turmoil, between two rests
  rt::Duration warm_up = std::chrono::seconds(6);
  std::size_t hosts = 5;
  std::size_t workers = 12;
};

/// What happened, each counted.
struct SoakTally {
  std::array<std::uint64_t, k_ways> connected{};
  std::uint64_t relayed = 0;
  std::uint64_t streams = 0;  ///< echoed in full and compared
  std::uint64_t bytes = 0;
  std::uint64_t abandoned = 0;  ///< reset or dropped by us in their middle
  std::uint64_t refused = 0;    ///< for a protocol that nobody speaks
  std::uint64_t broken = 0;     ///< ended by what happened around them
  std::uint64_t garbage = 0;
  std::uint64_t pings = 0;
  std::uint64_t restarts = 0;
  std::uint64_t corrupted = 0;  ///< other bytes came back
};

/// Several hosts on one loop that connect, speak, reset, fall silent, restart and lose connections
/// at random; and rest every now and then, when nothing may be left but what each holds at rest.
///
/// At a rest every host keeps its listeners, and one connection with the relay. Descriptors must
/// then be exactly as many as at the first rest, and memory must have stopped growing.
class Soak {
 public:
  Soak(SoakOptions options, rt::Loop& loop, rt::Network& network, rt::Rng& rng);
  ~Soak();
  Soak(const Soak&) = delete;
  Soak& operator=(const Soak&) = delete;

  /// Runs for options.time; prints a line at each rest. What is wrong, each in a sentence.
  rt::Co<std::vector<std::string>> run();
  const SoakTally& tally() const { return tally_; }

 private:
  struct Slot;
  struct Rest {
    double seconds;
    Usage usage;
  };
  using Handle = std::shared_ptr<Node>;

  rt::Co<Result<void>> start_slot(Slot& slot);
  rt::Co<void> restart_slot(Slot& slot);
  rt::Co<void> work();
  rt::Co<void> act();
  rt::Co<void> meet();
  rt::Co<bool> connect(Node& from, Slot& to);
  Multiaddr address_of(const Slot& to, std::uint64_t choice) const;
  rt::Co<void> converse(Node& node, PeerId peer);
  rt::Co<void> exchange(Node& node, PeerId peer);
  rt::Co<void> abandon(Node& node, PeerId peer);
  rt::Co<void> ask_unknown(Node& node, PeerId peer);
  rt::Co<void> throw_garbage(Slot& at);
  void hang_up();
  rt::Co<bool> rest(double seconds);
  bool at_rest() const;
  std::string unrest() const;
  void judge(std::vector<std::string>& problems) const;
  void judge_work(std::vector<std::string>& problems) const;

  SoakOptions options_;
  rt::Loop& loop_;
  rt::Network& network_;
  rt::Rng& rng_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::vector<Rest> rests_;
  SoakTally tally_;
  std::size_t active_ = 0;
  bool paused_ = false;
  rt::Event resumed_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::stress
