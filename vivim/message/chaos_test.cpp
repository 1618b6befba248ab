// Programs that die at any moment on disks that tear writes, over a network that parts: nothing
// that was acknowledged is lost, and what is exactly once is exactly once.
#include <map>
#include <set>

#include <doctest/doctest.h>

#include "vivim/message/world_test_detail.hpp"

using namespace vivim;
using namespace vivim::message;
using namespace vivim::message::test;
using namespace std::chrono_literals;

namespace {

class Chaos {
 public:
  explicit Chaos(std::uint64_t seed) : world_(seed), group_(loop_node().loop()) {
    for (std::uint64_t number = 1; number <= 3; ++number) {
      Machine::Options options{.keeps_for_others = number == 3};
      machines_.push_back(std::make_unique<Machine>(world_, number, std::move(options)));
    }
    machines_[0]->know(*machines_[1]);
    machines_[1]->know(*machines_[0]);
    machines_[0]->use_mailbox(*machines_[2]);
    machines_[1]->use_mailbox(*machines_[2]);
  }
  ~Chaos() { world_.run(group_.stop()); }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      act();
      world_.run_for(std::chrono::milliseconds(rng().below(20'000)));
    }
    world_.heal_all();
    for (auto& machine : machines_) {
      if (!machine->running()) {
        machine->start_again();
      }
    }
    REQUIRE(world_.run_until([&] { return group_.running() == 0; }));
    const bool settled = world_.run_until([&] { return pending() == 0; }, 24h);
    CHECK(settled);
    world_.run_for(10min);
  }

  void check() {
    for (const auto& [from, text, delivery] : promised_) {
      const auto times = machines_[1 - from]->effects(machines_[from]->id(), text);
      CHECK_MESSAGE(times >= 1, "lost: " << text);
      CHECK_MESSAGE((times == 1 || delivery != Delivery::exactly_once), "twice: " << text);
    }
    for (const auto& [from, text] : exactly_once_) {
      CHECK(machines_[1 - from]->effects(machines_[from]->id(), text) <= 1);
    }
  }

  std::uint64_t trace() const { return world_.trace_hash(); }
  std::size_t promised() const { return promised_.size(); }
  std::uint64_t crashes() const { return crashes_; }

 private:
  struct Promise {
    std::size_t from;
    std::string text;
    Delivery delivery;
    auto operator<=>(const Promise&) const = default;
  };

  rt::Rng& rng() { return world_.rng(); }
  rt::sim::Node& loop_node() { return world_.add_node("observer"); }

  std::size_t pending() const {
    return machines_[0]->messenger().pending().size() + machines_[1]->messenger().pending().size();
  }

  void act() {
    const std::size_t which = rng().below(3);
    Machine& machine = *machines_[which];
    switch (rng().below(10)) {
      case 0:
        crash_or_start(machine);
        break;
      case 1:
        world_.partition(machine.node(), machines_[(which + 1) % 3]->node());
        break;
      case 2:
        world_.heal_all();
        break;
      case 3:
        forget_one(machine);
        break;
      default:
        for (std::uint64_t i = rng().below(4); i > 0; --i) {
          send(rng().below(2));
        }
    }
  }

  void crash_or_start(Machine& machine) {
    if (!machine.running()) {
      machine.start_again();
      return;
    }
    // The moment is anywhere within what is under way.
    world_.run_for(std::chrono::microseconds(rng().below(20'000)));
    machine.crash([this] { return group_.running() == 0; });
    ++crashes_;
  }

  /// The person removes a message: now only its mark knows that it came.
  void forget_one(Machine& machine) {
    if (machine.running()) {
      machine.remove_newest();
    }
  }

  void send(std::size_t from) {
    Machine& machine = *machines_[from];
    if (!machine.running()) {
      return;
    }
    const auto delivery = static_cast<Delivery>(rng().below(3));
    const std::string text = std::to_string(from) + "/" + std::to_string(next_++);
    if (delivery == Delivery::exactly_once) {
      exactly_once_.emplace(from, text);
    }
    group_.spawn("send", send_one(machine.messenger(), from, text, delivery,
                                  static_cast<Priority>(rng().below(4))));
  }

  rt::Co<void> send_one(Messenger& messenger, std::size_t from, std::string text, Delivery delivery,
                        Priority priority) {
    const auto sent = co_await messenger.send({.to = machines_[1 - from]->id(),
                                               .payload = to_bytes(text),
                                               .priority = priority,
                                               .delivery = delivery});
    if (sent && delivery != Delivery::best_effort) {
      promised_.insert({.from = from, .text = text, .delivery = delivery});
    }
  }

  rt::sim::World world_;
  rt::TaskGroup group_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::set<Promise> promised_;
  std::set<std::pair<std::size_t, std::string>> exactly_once_;
  std::uint64_t next_ = 0;
  std::uint64_t crashes_ = 0;
};

}  // namespace

TEST_CASE("chaos: crashes, partitions and churn lose nothing that was acknowledged") {
  silence_log();
  std::size_t promised = 0;
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 1; seed <= 150 / VIVIM_SEEDS_PART; ++seed) {
    CAPTURE(seed);
    Chaos chaos(seed);
    chaos.run(60);
    chaos.check();
    promised += chaos.promised();
    crashes += chaos.crashes();
  }
  CHECK(promised > 3000 / VIVIM_SEEDS_PART);
  CHECK(crashes > 300 / VIVIM_SEEDS_PART);
}

TEST_CASE("chaos: the same seed gives the same trace") {
  silence_log();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    std::uint64_t first = 0;
    {
      Chaos chaos(seed);
      chaos.run(30);
      first = chaos.trace();
    }
    Chaos chaos(seed);
    chaos.run(30);
    CHECK(chaos.trace() == first);
  }
}
