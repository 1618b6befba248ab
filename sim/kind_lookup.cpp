// A DHT of all nodes: peers are looked up, content is provided and found, with a share of the nodes
// gone that the others still have in their tables.
#include <algorithm>

#include "finder.hpp"
#include "kinds.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

namespace kad = libp2p::kad;
using std::chrono_literals::operator""s;

/// Connections that are not needed any more go after so long: as many as in a network that has
/// grown for days would not be there at once.
constexpr auto k_grace = 5s;

class Lookups {
 public:
  explicit Lookups(Stage& stage)
      : stage_(stage),
        memory_before_(static_cast<double>(memory_bytes())),
        join_seconds_(stage.scenario().number("join_seconds", 300)),
        warm_seconds_(stage.scenario().number("warm_seconds", 60)),
        lookups_(static_cast<std::size_t>(stage.scenario().number("lookups", 500))),
        gone_percent_(stage.scenario().number("gone_percent", 0)),
        content_(stage.scenario().word("find", "peers") == "content"),
        tasks_(add(stage).loop()) {}

  void play() {
    stage_.sample("contacts of a node", [this] { return mean_contacts(); });
    const double spent = processor_seconds();
    stage_.doing("joining");
    for (std::size_t i = 0; i < all_.size(); ++i) {
      tasks_.spawn("join", join(i));
    }
    wait();
    stage_.world().run_for(from_ms(1000 * warm_seconds_));
    report_joined(processor_seconds() - spent);
    if (content_) {
      play_content();
    } else {
      stage_.doing("looking up");
      for (std::size_t n = 0; n < lookups_; ++n) {
        tasks_.spawn("lookup", find_peer());
      }
      wait();
    }
    auto& report = stage_.report();
    report.set("lookups failed", static_cast<double>(failed_));
    report.set("found percent", 100 * (1 - (static_cast<double>(failed_) /
                                            static_cast<double>(std::max(looked_, 1UL)))));
    stage_.doing("ending");
    for (const auto& finder : all_) {
      tasks_.spawn("stop", finder->stop());
    }
    wait();
    stage_.world().run(tasks_.stop());
  }

 private:
  struct Content {
    Bytes key;
    std::optional<std::size_t> provider = {};
  };

  rt::sim::Node& add(Stage& stage) {
    const auto connections = static_cast<std::size_t>(stage.scenario().number("connections", 24));
    for (std::uint32_t i = 0; i < stage.scenario().nodes; ++i) {
      all_.push_back(std::make_unique<Finder>(stage, stage.add_machine("n" + std::to_string(i))));
      all_.back()->swimmer().set_connections(connections, k_grace);
    }
    return stage.world().node(0);
  }

  void wait() {
    stage_.world().run_until([this] { return tasks_.running() == 0; });
  }

  /// Knows a few of those who came before.
  rt::Co<void> join(std::size_t i) {
    constexpr std::size_t k_known = 3;
    co_await stage_.pause(
        from_ms(1000 * join_seconds_ * static_cast<double>(i) / static_cast<double>(all_.size())));
    std::vector<kad::DhtOptions> dht;
    dht.push_back({.mode = kad::Mode::server});
    if (!all_[i]->start(std::move(dht))) {
      stage_.report().failures.push_back("node " + std::to_string(i) + " does not start");
      co_return;
    }
    for (std::size_t n = 0; n < k_known && i > 0; ++n) {
      const std::size_t other = all_[i]->swimmer().node().rng().below(i);
      (void)co_await all_[i]->swimmer().host().connect(all_[other]->swimmer().address());
    }
  }

  /// What a node has become, and what that has cost.
  void report_joined(double processor_seconds) {
    auto& report = stage_.report();
    const auto count = static_cast<double>(all_.size());
    report.set("contacts per node", mean_contacts());
    report.set("connections per node",
               mean([](Finder& finder) { return finder.swimmer().host().peers().size(); }));
    report.set("requests to join per node",
               mean([](Finder& finder) { return finder.dht().asked(); }));
    const auto megabytes = [&](std::uint64_t bytes) {
      return (static_cast<double>(bytes) - memory_before_) / 1e6 / count;
    };
    report.set("resident MB per node", megabytes(memory_bytes()));
    report.set("resident MB per node at most", megabytes(memory_peak_bytes()));
    report.set("processor seconds to join", processor_seconds);
  }

  std::size_t any_running() {
    for (;;) {
      const std::size_t i = stage_.world().rng().below(all_.size());
      if (all_[i]->running()) {
        return i;
      }
    }
  }
  std::size_t any_but(std::size_t not_this) {
    std::size_t i = any_running();
    while (i == not_this && all_.size() > 1) {
      i = any_running();
    }
    return i;
  }

  rt::Co<void> find_peer() {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    const std::size_t who = any_running();
    const std::size_t whom = any_but(who);
    const auto begin = stage_.world().now();
    const auto found = co_await all_[who]->dht().find_peer(all_[whom]->swimmer().peer());
    auto& report = stage_.report();
    ++looked_;
    if (!found) {
      ++failed_;
      report.notes.push_back("not found: " + found.error().message());
      co_return;
    }
    report.distributions["lookup ms"].add(to_ms(stage_.world().now() - begin));
    report.distributions["lookup hops"].add(found->hops);
    report.distributions["nodes asked"].add(static_cast<double>(found->lookup.asked));
  }

  /// Some content is provided while all are there, and some while many have just gone; both is
  /// looked for among those who are left, who learn meanwhile who is gone.
  void play_content() {
    early_ = make_content(lookups_, 0);
    stage_.doing("providing");
    for (auto& content : early_) {
      tasks_.spawn("provide", provide(content, "provide ms"));
    }
    wait();
    take_away();
    late_ = make_content(gone_percent_ > 0 ? lookups_ : 0, lookups_);
    stage_.doing("looking up");
    for (auto& content : late_) {
      tasks_.spawn("provide", provide(content, "provide while others are gone ms"));
    }
    for (const auto& content : early_) {
      tasks_.spawn("lookup", find_content(content, "discovery"));
    }
    wait();
    stage_.doing("looking up what was provided late");
    for (const auto& content : late_) {
      tasks_.spawn("lookup", find_content(content, "late discovery"));
    }
    wait();
  }

  std::vector<Content> make_content(std::size_t count, std::size_t from) const {
    std::vector<Content> all;
    for (std::size_t n = from; n < from + count; ++n) {
      Bytes key{0x12, 0x20};  // a multihash of SHA-256
      Bytes number(8);
      store_be64(number, (stage_.seed() * 1'000'000) + n);
      append(key, crypto::sha256(number));
      all.push_back({.key = std::move(key)});
    }
    return all;
  }

  rt::Co<void> provide(Content& content, std::string name) {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    // One in three nodes provides, so that there are enough that can go.
    std::size_t who = any_running();
    while (who % 3 != 0) {
      who = any_running();
    }
    const auto begin = stage_.world().now();
    const auto stored = co_await all_[who]->dht().provide(content.key);
    if (stored) {
      stage_.report().distributions[name].add(to_ms(stage_.world().now() - begin));
      content.provider = who;
    } else {
      stage_.report().notes.push_back("not provided: " + stored.error().message());
    }
  }

  /// Power fails at a share of the nodes: nobody is told, and the others have them in their tables.
  void take_away() {
    auto& world = stage_.world();
    const auto gone =
        static_cast<std::size_t>(gone_percent_ / 100 * static_cast<double>(all_.size()));
    for (std::size_t taken = 0; taken < gone;) {
      const std::size_t index = world.rng().below(all_.size());
      Finder& victim = *all_[index];
      if (victim.swimmer().node().running() && !provides(index)) {
        victim.swimmer().node().crash(rt::sim::CrashKind::power);
        tasks_.spawn("gone", victim.stop());
        ++taken;
      }
    }
    wait();
  }

  /// Whoever has content stays: what is asked is whether it is found.
  bool provides(std::size_t index) const {
    return index == 0 ||
           std::ranges::find(early_, std::optional(index), &Content::provider) != early_.end();
  }

  rt::Co<void> find_content(const Content& content, std::string name) {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    auto& report = stage_.report();
    ++looked_;
    if (!content.provider) {
      ++failed_;
      co_return;
    }
    const std::size_t who = any_but(*content.provider);
    const auto begin = stage_.world().now();
    const auto found = co_await all_[who]->dht().find_providers(content.key, {.enough = 1});
    const auto& peer = all_[*content.provider]->swimmer().peer();
    const auto has = [&peer](const kad::FoundProvider& each) { return each.contact.peer == peer; };
    if (!found || std::ranges::none_of(found->providers, has)) {
      ++failed_;
      co_return;
    }
    report.distributions[name + " ms"].add(to_ms(stage_.world().now() - begin));
    report.distributions[name + " hops"].add(found->hops);
  }

  template <class Figure>
  double mean(Figure figure) const {
    double sum = 0;
    std::size_t count = 0;
    for (const auto& finder : all_) {
      if (finder->running()) {
        sum += static_cast<double>(figure(*finder));
        ++count;
      }
    }
    return count == 0 ? 0 : sum / static_cast<double>(count);
  }
  double mean_contacts() const {
    return mean([](Finder& finder) { return finder.dht().table().size(); });
  }

  Stage& stage_;
  double memory_before_;  ///< that the process took before there were nodes
  double join_seconds_;
  double warm_seconds_;
  std::size_t lookups_;
  double gone_percent_;
  bool content_;
  std::vector<std::unique_ptr<Finder>> all_;
  std::vector<Content> early_;
  std::vector<Content> late_;
  std::size_t looked_ = 0;
  std::size_t failed_ = 0;
  rt::TaskGroup tasks_;
};

}  // namespace

void play_lookups(Stage& stage) {
  Lookups(stage).play();
}

}  // namespace vivim::sim
