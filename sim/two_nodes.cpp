// Two nodes and a page in a browser at each edit one shared document while the network loses,
// stalls and resets, and while either machine dies at any moment and its disk tears what was not
// synced. Afterwards the world heals, and then
//   - both documents are the same,
//   - every edit that was acknowledged is in both, exactly once,
//   - the same seed has given the same trace.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "browser.hpp"
#include "peer.hpp"
#include "vivim/base/log.hpp"
#include "vivim/crdt/array.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::sim {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

constexpr store::DocumentId k_document{{0xd0}};
constexpr auto k_turmoil = 60s;
constexpr auto k_heal_max = 10min;
/// Logs are put together often, so that crashes fall into that too.
constexpr store::CompactionPolicy k_compaction{.updates_max = 30};

struct Tally {
  std::uint64_t acknowledged = 0;
  std::uint64_t unacknowledged = 0;
  std::uint64_t crashes = 0;
  std::uint64_t failed_starts = 0;
  std::uint64_t partitions = 0;
  std::uint64_t resets = 0;
};

struct Outcome {
  std::optional<std::string> failure;
  std::uint64_t trace = 0;
  Tally tally;
};

/// One run of the scenario.
class Scenario {
 public:
  explicit Scenario(std::uint64_t seed)
      : world_(seed),
        alice_(world_.add_node("alice", {.job_min = 1ms, .job_jitter = 30ms}), 1),
        bob_(world_.add_node("bob", {.wall_skew = 5s, .job_min = 1ms, .job_jitter = 60ms}), 2),
        page_a_(alice_, k_document, crdt::ClientId{101}),
        page_b_(bob_, k_document, crdt::ClientId{102}),
        tasks_(alice_.node().loop()) {
    alice_.set_compaction(k_compaction);
    bob_.set_compaction(k_compaction);
    auto& rng = world_.rng();
    world_.set_default_link({.latency = std::chrono::milliseconds(1 + rng.below(80)),
                             .jitter = std::chrono::milliseconds(rng.below(40)),
                             .loss_ppm = static_cast<std::uint32_t>(rng.below(50'000)),
                             .bytes_per_second = rng.below(2) * 200'000});
  }

  Outcome run() {
    Outcome outcome;
    outcome.failure = world_.run(play(), 2h);
    outcome.trace = world_.trace_hash();
    outcome.tally = tally_;
    return outcome;
  }

 private:
  rt::Co<std::optional<std::string>> play() {
    if (!co_await alice_.start() || !co_await bob_.start() || !co_await alice_.create(k_document)) {
      co_return "the nodes could not start";
    }
    auto ticket = co_await alice_.sharing().share(k_document, "shared");
    if (!ticket) {
      co_return ticket.error().message;
    }
    const auto joined = co_await bob_.sharing().join(ticket->to_text());
    if (!joined) {
      co_return joined.error().message;
    }
    deadline_ = world_.now() + k_turmoil;
    tasks_.spawn("alice edits", edit(alice_, 'a'));
    tasks_.spawn("bob edits", edit(bob_, 'b'));
    tasks_.spawn("page a", browse(page_a_, "pa"));
    tasks_.spawn("page b", browse(page_b_, "pb"));
    tasks_.spawn("network", disturb_network());
    tasks_.spawn("machines", kill_machines());
    while (tasks_.running() > 0) {
      co_await rt::sleep_for(alice_.node().loop(), 100ms);
    }
    world_.heal_all();
    co_await revive(alice_);
    co_await revive(bob_);
    auto verdict = co_await converge();
    co_await tasks_.stop();
    co_await alice_.stop();
    co_await bob_.stop();
    co_return verdict;
  }

  rt::Co<void> pause(rt::Duration least, rt::Duration most) {
    const auto range = static_cast<std::uint64_t>((most - least).count());
    co_await rt::sleep_for(
        alice_.node().loop(),
        least + rt::Duration(static_cast<std::int64_t>(world_.rng().below(range))));
  }

  rt::Co<void> edit(Peer& peer, char name) {
    for (int number = 0; world_.now() < deadline_; ++number) {
      co_await pause(5ms, 400ms);
      if (!peer.running()) {
        continue;
      }
      auto lease = co_await peer.hub().open(k_document);
      if (!lease) {
        continue;
      }
      const std::string token = name + std::to_string(number);
      const auto place = world_.rng().u64();
      const auto edited = co_await (*lease)->edit([&](crdt::Doc& doc) {
        doc.transact([&](crdt::Transaction& transaction) {
          auto log = doc.array("log");
          log.insert(transaction, static_cast<std::uint32_t>(place % (log.length() + 1)),
                     {crdt::Any(token)});
        });
      });
      if (edited) {
        acknowledged_.push_back(token);
        ++tally_.acknowledged;
      } else {
        ++tally_.unacknowledged;
      }
    }
  }

  rt::Co<void> browse(Browser& page, std::string name) {
    for (int number = 0; world_.now() < deadline_; ++number) {
      // Some at once: while the first goes to the disk, the others wait for it.
      if (number % 4 == 0) {
        co_await pause(5ms, 600ms);
        co_await page.reconnect();
      }
      page.insert(name + std::to_string(number), world_.rng().u64());
    }
    page.disconnect();
    for (auto& token : page.acknowledged()) {
      acknowledged_.push_back(std::move(token));
      ++tally_.acknowledged;
    }
  }

  rt::Co<void> disturb_network() {
    while (world_.now() < deadline_) {
      co_await pause(200ms, 8s);
      if (world_.rng().below(2) == 0) {
        world_.reset_connections(alice_.node(), bob_.node());
        ++tally_.resets;
        continue;
      }
      world_.partition(alice_.node(), bob_.node());
      ++tally_.partitions;
      co_await pause(50ms, 12s);
      world_.heal(alice_.node(), bob_.node());
    }
  }

  rt::Co<void> kill_machines() {
    while (world_.now() < deadline_) {
      co_await pause(500ms, 10s);
      auto& victim = world_.rng().below(2) == 0 ? alice_ : bob_;
      const auto kind =
          world_.rng().below(3) == 0 ? rt::sim::CrashKind::process : rt::sim::CrashKind::power;
      ++tally_.crashes;
      co_await victim.crash(kind);
      co_await pause(1ms, 3s);
      co_await revive(victim);
    }
  }

  rt::Co<void> revive(Peer& peer) {
    while (!peer.running()) {
      if (!peer.node().running()) {
        peer.node().restart();
      }
      if (!co_await peer.start()) {
        ++tally_.failed_starts;
        co_await pause(10ms, 50ms);
      }
    }
  }

  /// What a node's document holds: each token, and how often.
  rt::Co<std::optional<std::map<std::string, int>>> tokens(Peer& peer) {
    auto lease = co_await peer.hub().open(k_document);
    if (!lease) {
      co_return std::nullopt;
    }
    std::map<std::string, int> found;
    (*lease)->doc().array("log").for_each(
        [&found](const crdt::Value& value) { ++found[*std::get<crdt::Any>(value).if_string()]; });
    co_return std::move(found);
  }

  rt::Co<std::optional<Bytes>> encoded(Peer& peer) {
    auto lease = co_await peer.hub().open(k_document);
    if (!lease) {
      co_return std::nullopt;
    }
    co_return crdt::encode_state_as_update((*lease)->doc());
  }

  rt::Co<std::optional<std::string>> converge() {
    const auto give_up = world_.now() + k_heal_max;
    for (;;) {
      const auto left = co_await encoded(alice_);
      const auto right = co_await encoded(bob_);
      if (!left || !right) {
        co_return "a document cannot be opened after the last restart";
      }
      const auto trouble = co_await missing();
      if (*left == *right && !trouble) {
        co_return std::nullopt;
      }
      if (world_.now() > give_up) {
        co_return trouble ? *trouble : "the documents differ";
      }
      co_await rt::sleep_for(alice_.node().loop(), 200ms);
    }
  }

  /// An acknowledged edit that is not exactly once in both documents.
  rt::Co<std::optional<std::string>> missing() {
    for (auto* peer : {&alice_, &bob_}) {
      const auto found = co_await tokens(*peer);
      if (!found) {
        co_return "a document cannot be opened";
      }
      for (const auto& token : acknowledged_) {
        const auto at = found->find(token);
        const int times = at == found->end() ? 0 : at->second;
        if (times != 1) {
          co_return peer->node().name() + " has edit " + token + " " + std::to_string(times) +
              " times";
        }
      }
    }
    co_return std::nullopt;
  }

  rt::sim::World world_;
  Peer alice_;
  Peer bob_;
  Browser page_a_;
  Browser page_b_;
  rt::TaskGroup tasks_;
  rt::TimePoint deadline_{};
  std::vector<std::string> acknowledged_;
  Tally tally_;
};

Outcome run_seed(std::uint64_t seed) {
  return Scenario(seed).run();
}

struct Arguments {
  std::uint64_t first = 0;
  std::uint64_t seeds = 100;
  bool one = false;
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view text = argv[i + 1];
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
      return std::nullopt;
    }
    if (name == "--seeds") {
      out.seeds = value;
    } else if (name == "--first") {
      out.first = value;
    } else if (name == "--seed") {
      out.first = value;
      out.seeds = 1;
      out.one = true;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

void print(std::uint64_t seed, const Outcome& outcome) {
  const auto& tally = outcome.tally;
  std::printf(
      "seed %llu: trace %016llx, %llu edits acknowledged (%llu lost their answer), %llu crashes, "
      "%llu partitions, %llu resets: %s\n",
      static_cast<unsigned long long>(seed), static_cast<unsigned long long>(outcome.trace),
      static_cast<unsigned long long>(tally.acknowledged),
      static_cast<unsigned long long>(tally.unacknowledged),
      static_cast<unsigned long long>(tally.crashes),
      static_cast<unsigned long long>(tally.partitions),
      static_cast<unsigned long long>(tally.resets),
      outcome.failure ? outcome.failure->c_str() : "converged");
}

int run_all(const Arguments& arguments) {
  if (!arguments.one) {
    // Machines die all the time here: what their last moments log is only of interest when one seed
    // is looked at.
    log::set_sink([](auto&&...) {}, log::Level::error);
  }
  Tally total;
  std::uint64_t failed = 0;
  for (auto seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    const auto outcome = run_seed(seed);
    // Every eighth seed twice: the same seed must give the same trace.
    const bool differs = (seed % 8 == 0 || arguments.one) && run_seed(seed).trace != outcome.trace;
    if (outcome.failure || differs || arguments.one) {
      print(seed, outcome);
    }
    if (differs) {
      std::printf("seed %llu: a second run gave another trace\n",
                  static_cast<unsigned long long>(seed));
    }
    failed += outcome.failure || differs ? 1 : 0;
    total.acknowledged += outcome.tally.acknowledged;
    total.unacknowledged += outcome.tally.unacknowledged;
    total.crashes += outcome.tally.crashes;
    total.partitions += outcome.tally.partitions;
    total.resets += outcome.tally.resets;
  }
  std::printf(
      "%llu seeds, %llu failed; %llu edits acknowledged, none lost unless said above; "
      "%llu cut off; %llu crashes, %llu partitions, %llu resets\n",
      static_cast<unsigned long long>(arguments.seeds), static_cast<unsigned long long>(failed),
      static_cast<unsigned long long>(total.acknowledged),
      static_cast<unsigned long long>(total.unacknowledged),
      static_cast<unsigned long long>(total.crashes),
      static_cast<unsigned long long>(total.partitions),
      static_cast<unsigned long long>(total.resets));
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace vivim::sim

int main(int argc, char** argv) {
  const auto arguments = vivim::sim::parse(argc, argv);
  if (!arguments) {
    std::fprintf(stderr, "usage: sim_two_nodes [--seeds COUNT] [--first SEED] [--seed SEED]\n");
    return 2;
  }
  return vivim::sim::run_all(*arguments);
}
