// A DHT of all nodes: peers are looked up, content is provided and found, with a share of the nodes
// gone that the others still have in their tables.
#include <algorithm>

#include "kinds.hpp"
#include "stage.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/libp2p/kad/dht.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

namespace kad = libp2p::kad;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class Finder {
 public:
  Finder(Stage& stage, rt::sim::Node& node) : swimmer_(stage, node) {
    swimmer_.set_connections(static_cast<std::size_t>(stage.scenario().number("connections", 24)));
  }

  bool start() {
    if (!swimmer_.start()) {
      return false;
    }
    dht_ = std::make_unique<kad::Dht>(swimmer_.host(), swimmer_.node().rng(),
                                      libp2p::record::Signer::of(swimmer_.key()),
                                      kad::DhtOptions{.mode = kad::Mode::server});
    return dht_->start().has_value();
  }
  rt::Co<void> stop() {
    if (dht_ != nullptr) {
      dht_->quit();
      co_await swimmer_.host().stop();
      co_await dht_->stop();
      dht_.reset();
    }
    co_await swimmer_.stop();
  }
  bool running() const { return dht_ != nullptr; }
  Swimmer& swimmer() { return swimmer_; }
  kad::Dht& dht() { return *dht_; }

 private:
  Swimmer swimmer_;
  std::unique_ptr<kad::Dht> dht_;
};

class Lookups {
 public:
  explicit Lookups(Stage& stage)
      : stage_(stage),
        join_seconds_(stage.scenario().number("join_seconds", 60)),
        warm_seconds_(stage.scenario().number("warm_seconds", 60)),
        lookups_(static_cast<std::size_t>(stage.scenario().number("lookups", 500))),
        gone_percent_(stage.scenario().number("gone_percent", 0)),
        content_(stage.scenario().word("find", "peers") == "content"),
        tasks_(add(stage).loop()) {}

  void play() {
    auto& world = stage_.world();
    auto& report = stage_.report();
    stage_.sample("contacts of a node", [this] { return mean_contacts(); });
    stage_.doing("joining");
    for (std::size_t i = 0; i < all_.size(); ++i) {
      tasks_.spawn("join", join(i));
    }
    world.run_until([this] { return tasks_.running() == 0; });
    world.run_for(from_ms(1000 * warm_seconds_));
    report.set("contacts per node", mean_contacts());
    if (content_) {
      stage_.doing("providing");
      for (std::size_t n = 0; n < lookups_; ++n) {
        tasks_.spawn("provide", provide(n, "provide ms"));
      }
      world.run_until([this] { return tasks_.running() == 0; });
    }
    take_away();
    stage_.doing("looking up");
    const double spent = processor_seconds();
    const double from = stage_.seconds();
    for (std::size_t n = 0; n < lookups_; ++n) {
      tasks_.spawn("lookup", content_ ? find_content(n) : find_peer());
    }
    world.run_until([this] { return tasks_.running() == 0; });
    report.set("times real time", (stage_.seconds() - from) / (processor_seconds() - spent));
    for (std::size_t n = 0; content_ && gone_percent_ > 0 && n < lookups_ / 10; ++n) {
      tasks_.spawn("provide", provide(lookups_ + n, "provide while others are gone ms"));
    }
    world.run_until([this] { return tasks_.running() == 0; });
    stage_.doing("ending");
    for (const auto& finder : all_) {
      if (finder->running()) {
        tasks_.spawn("stop", finder->stop());
      }
    }
    world.run_until([this] { return tasks_.running() == 0; });
    world.run(tasks_.stop());
    report.set("lookups failed", static_cast<double>(failed_));
    report.set("found percent",
               100 * (1 - static_cast<double>(failed_) / static_cast<double>(lookups_)));
  }

 private:
  rt::sim::Node& add(Stage& stage) {
    for (std::uint32_t i = 0; i < stage.scenario().nodes; ++i) {
      all_.push_back(std::make_unique<Finder>(stage, stage.add_machine("n" + std::to_string(i))));
    }
    return stage.world().node(0);
  }

  /// Knows a few of those who came before.
  rt::Co<void> join(std::size_t i) {
    constexpr std::size_t k_known = 3;
    co_await stage_.pause(
        from_ms(1000 * join_seconds_ * static_cast<double>(i) / static_cast<double>(all_.size())));
    if (!all_[i]->start()) {
      stage_.report().failures.push_back("node " + std::to_string(i) + " does not start");
      co_return;
    }
    for (std::size_t n = 0; n < k_known && i > 0; ++n) {
      const std::size_t other = all_[i]->swimmer().node().rng().below(i);
      (void)co_await all_[i]->swimmer().host().connect(all_[other]->swimmer().address());
    }
  }

  std::size_t any_running() {
    for (;;) {
      const std::size_t i = stage_.world().rng().below(all_.size());
      if (all_[i]->running()) {
        return i;
      }
    }
  }

  rt::Co<void> find_peer() {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    const std::size_t who = any_running();
    const std::size_t whom = any_running();
    const auto begin = stage_.world().now();
    const auto found = co_await all_[who]->dht().find_peer(all_[whom]->swimmer().peer());
    auto& report = stage_.report();
    if (found) {
      report.distributions["lookup ms"].add(to_ms(stage_.world().now() - begin));
      report.distributions["lookup hops"].add(found->lookup.hops);
      report.distributions["nodes asked"].add(static_cast<double>(found->lookup.asked));
    } else if (who != whom) {
      ++failed_;
      report.notes.push_back("not found: " + found.error().message());
    }
  }

  Bytes key_of(std::size_t n) const {
    Bytes key{0x12, 0x20};  // a multihash of SHA-256
    Bytes number(8);
    store_be64(number, stage_.seed() * 1'000'000 + n);
    append(key, crypto::sha256(number));
    return key;
  }

  rt::Co<void> provide(std::size_t n, const char* name) {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    // One in three nodes provides, so that there are enough that can go.
    std::size_t who = any_running();
    while (who % 3 != 0) {
      who = any_running();
    }
    const auto begin = stage_.world().now();
    const auto stored = co_await all_[who]->dht().provide(key_of(n));
    if (stored) {
      stage_.report().distributions[name].add(to_ms(stage_.world().now() - begin));
      provider_.resize(std::max(provider_.size(), n + 1));
      provider_[n] = who;
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
    world.run_until([this] { return tasks_.running() == 0; });
  }

  /// Whoever has content stays: what is asked is whether it is found.
  bool provides(std::size_t index) const {
    return index == 0 || std::ranges::find(provider_, std::optional(index)) != provider_.end();
  }

  rt::Co<void> find_content(std::size_t n) {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    auto& report = stage_.report();
    if (n >= provider_.size() || !provider_[n]) {
      ++failed_;
      co_return;
    }
    std::size_t who = any_running();
    while (who == *provider_[n]) {
      who = any_running();
    }
    const auto begin = stage_.world().now();
    const auto found = co_await all_[who]->dht().find_providers(key_of(n), {.enough = 1});
    const auto& peer = all_[*provider_[n]]->swimmer().peer();
    const auto has = [&peer](const kad::FoundProvider& each) { return each.contact.peer == peer; };
    if (!found || std::ranges::none_of(found->providers, has)) {
      ++failed_;
      co_return;
    }
    report.distributions["discovery ms"].add(to_ms(stage_.world().now() - begin));
    report.distributions["discovery hops"].add(found->lookup.hops);
  }

  double mean_contacts() const {
    std::size_t sum = 0;
    std::size_t count = 0;
    for (const auto& finder : all_) {
      if (finder->running()) {
        sum += finder->dht().table().size();
        ++count;
      }
    }
    return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
  }

  Stage& stage_;
  double join_seconds_;
  double warm_seconds_;
  std::size_t lookups_;
  double gone_percent_;
  bool content_;
  std::vector<std::unique_ptr<Finder>> all_;
  std::vector<std::optional<std::size_t>> provider_;  ///< of each key
  std::size_t failed_ = 0;
  rt::TaskGroup tasks_;
};

}  // namespace

void play_lookups(Stage& stage) {
  Lookups(stage).play();
}

}  // namespace vivim::sim
