// A topic that all nodes are in: some publish, machines come and go, and sybils, if there are any,
// take part in everything but passing messages on. How long messages take, and whether one is lost.
#include <algorithm>
#include <numeric>
#include <set>

#include "kinds.hpp"
#include "stage.hpp"
#include "sybil.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

namespace gossipsub = libp2p::gossipsub;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr std::string_view k_topic = "/vivim/sim/topic";
/// A node counts that is up so long before a message, and so long after it.
constexpr auto k_settled = 15s;
constexpr auto k_wait = 20s;
/// Dials of a sybil at a time.
constexpr std::size_t k_lanes = 4;
constexpr std::uint64_t k_million = 1'000'000;

/// What sybils do, and to whom. How many there are follows from how many honest nodes there are, so
/// that a scenario of a hundred nodes is the same one with a thousand.
struct Attack {
  explicit Attack(const Scenario& scenario)
      : sybils(static_cast<std::size_t>(scenario.number("sybils_per_node", 0) * scenario.nodes)),
        connections(static_cast<std::size_t>(scenario.number("sybil_connections", 20))),
        per_address(static_cast<std::size_t>(scenario.number("sybils_per_address", 1))),
        drop_ppm(static_cast<std::uint32_t>(scenario.number("drop_percent", 100) * 10'000)),
        flash_after(from_ms(1000 * scenario.number("flash_after_seconds", 0))),
        join(scenario.word("join", "after")),
        censor(scenario.word("drop", "all") == "first-publisher"),
        targets(scenario.word("targets", "all")) {}

  /// Whether what this node says or hears is looked at on its own.
  bool aims_at_one() const { return sybils > 0 && (censor || targets == "one"); }
  /// How many of the honest nodes, the first ones, they connect with.
  std::size_t victims(std::size_t honest, std::size_t publishers) const {
    return targets == "one" ? 1 : targets == "publishers" ? publishers : honest;
  }

  std::size_t sybils;
  std::size_t connections;   ///< that each makes
  std::size_t per_address;   ///< sybils that share an IP address
  std::uint32_t drop_ppm;    ///< of what they could drop
  rt::Duration flash_after;  ///< they behave until then
  std::string join;          ///< after the honest nodes, together with them, before them
  bool censor;               ///< they drop only what the first publisher says
  std::string targets;       ///< whom they connect with: all, one, publishers
};

/// An honest node: a host and gossipsub.
class Gossiper {
 public:
  using OnEvent = std::function<void(const gossipsub::Event&)>;

  Gossiper(Stage& stage, rt::sim::Node& node) : swimmer_(stage, node) {}

  bool start(const Scenario& scenario, OnEvent on_event) {
    if (!swimmer_.start()) {
      return false;
    }
    gossipsub::ServiceOptions options;
    if (scenario.word("policy", "signed") == "anonymous") {
      options.router.policy = gossipsub::SignaturePolicy::strict_no_sign;
    } else {
      options.router.signer = libp2p::record::Signer::of(swimmer_.key());
    }
    auto& mesh = options.router.mesh;
    mesh.opportunistic_graft_ticks = static_cast<std::size_t>(scenario.number(
        "opportunistic_graft_ticks", static_cast<double>(mesh.opportunistic_graft_ticks)));
    service_ = std::make_unique<gossipsub::Service>(swimmer_.host(), swimmer_.node().loop(),
                                                    swimmer_.node().rng(), std::move(options));
    subscription_ = service_->observe(std::move(on_event));
    up_since_ = swimmer_.node().clock().now();
    return service_->start() && service_->subscribe(k_topic);
  }

  rt::Co<void> stop() {
    if (service_ != nullptr) {
      subscription_ = {};
      co_await swimmer_.host().stop();
      co_await service_->stop();
      service_.reset();
    }
    co_await swimmer_.stop();
  }

  bool running() const { return service_ != nullptr; }
  rt::TimePoint up_since() const { return up_since_; }
  Swimmer& swimmer() { return swimmer_; }
  gossipsub::Service& service() { return *service_; }
  std::vector<libp2p::PeerId> mesh() const {
    return service_ == nullptr ? std::vector<libp2p::PeerId>()
                               : service_->router().mesh_peers(k_topic);
  }

 private:
  Swimmer swimmer_;
  rt::TimePoint up_since_{};
  std::unique_ptr<gossipsub::Service> service_;
  libp2p::Subscription subscription_;
};

class Gossip final : public Victims {
 public:
  explicit Gossip(Stage& stage)
      : stage_(stage),
        attack_(stage.scenario()),
        honest_(stage.scenario().nodes),
        publishers_(std::max<std::size_t>(
            static_cast<std::size_t>(stage.scenario().number("publishers_percent", 100) *
                                     static_cast<double>(honest_) / 100),
            1)),
        connections_(static_cast<std::size_t>(stage.scenario().number("connections", 20))),
        interval_(from_ms(1000 * stage.scenario().number("publish_seconds", 1))),
        message_bytes_(static_cast<std::size_t>(stage.scenario().number("message_bytes", 1024))),
        tasks_(add(stage).loop()) {}

  void play() {
    auto& world = stage_.world();
    stage_.sample("mesh peers of a node", [this] { return of_each_mesh(false); });
    if (attack_.sybils > 0) {
      stage_.sample("sybils in the mesh of a node", [this] { return of_each_mesh(true); });
    }
    stage_.doing("joining");
    begin_ = world.now();
    start_all();
    if (attack_.join == "after") {
      join(0s);
      world.run_for(5s);
      attack(0s);
    } else {
      attack(0s);
      join(attack_.join == "before" ? 10s : 0s);
    }
    world.run_until([this] { return tasks_.running() == 0; });
    world.run_for(k_settled + 10s);
    tell_of_sybils("at first");
    stage_.doing("publishing");
    deadline_ = world.now() + stage_.scenario().duration();
    const double spent = processor_seconds();
    const double from = stage_.seconds();
    tasks_.spawn("publish", publish());
    tasks_.spawn("faults", stage_.play_faults(*this, honest_, stage_.scenario().duration()));
    world.run_until([this] { return tasks_.running() == 0; });
    auto& report = stage_.report();
    report.set("times real time", (stage_.seconds() - from) / (processor_seconds() - spent));
    tell_of_sybils("in the end");
    end();
    report.set("messages", static_cast<double>(sent_.size()));
    report.set("deliveries expected", static_cast<double>(expected_));
    report.set("deliveries lost", static_cast<double>(lost_));
    report.set("messages not delivered everywhere", static_cast<double>(incomplete_));
    report.set("duplicates per delivery",
               static_cast<double>(duplicates_) /
                   static_cast<double>(std::max<std::size_t>(delivered_, 1)));
  }

  rt::sim::Node& machine(std::size_t index) override { return all_[index]->swimmer().node(); }
  rt::Co<void> crash(std::size_t index, rt::sim::CrashKind kind) override {
    all_[index]->swimmer().node().crash(kind);
    co_await all_[index]->stop();
  }
  rt::Co<void> revive(std::size_t index) override {
    all_[index]->swimmer().node().restart();
    if (start(index)) {
      co_await dial(index);
    }
  }

 private:
  struct Sent {
    rt::TimePoint at;
    std::size_t publisher;
    std::vector<bool> got;
  };

  rt::sim::Node& add(Stage& stage) {
    for (std::size_t i = 0; i < honest_; ++i) {
      all_.push_back(std::make_unique<Gossiper>(stage, stage.add_machine("n" + std::to_string(i))));
    }
    for (std::size_t i = 0; i < attack_.sybils; ++i) {
      const std::string name = "s" + std::to_string(i);
      const auto shared = [&] {
        const std::size_t n = i / attack_.per_address;
        return rt::IpAddress::v4(203, 0, static_cast<std::uint8_t>(n / 250),
                                 static_cast<std::uint8_t>(1 + n % 250));
      };
      auto& node =
          attack_.per_address == 1 ? stage.add_server(name) : stage.add_server_at(name, shared());
      sybils_.push_back(std::make_unique<Sybil>(
          stage, node, std::string(k_topic),
          [this, &node](BytesView data) { return passes_on(node.rng(), data); }));
      hostile_.insert(sybils_.back()->swimmer().peer());
    }
    return stage.world().node(0);
  }

  void start_all() {
    const auto check = [this](bool started, const std::string& who) {
      if (!started) {
        stage_.report().failures.push_back(who + " does not start");
      }
    };
    for (std::size_t i = 0; i < honest_; ++i) {
      check(start(i), "node " + std::to_string(i));
    }
    for (std::size_t i = 0; i < attack_.sybils; ++i) {
      check(sybils_[i]->start(), "sybil " + std::to_string(i));
    }
  }

  bool start(std::size_t index) {
    return all_[index]->start(stage_.scenario(), [this, index](const gossipsub::Event& event) {
      on_event(index, event);
    });
  }

  /// The honest nodes dial each other, after a while.
  void join(rt::Duration after) {
    for (std::size_t i = 0; i < honest_; ++i) {
      tasks_.spawn("dial", dial_soon(i, after));
    }
    if (attack_.join == "after") {
      stage_.world().run_until([this] { return tasks_.running() == 0; });
    }
  }

  rt::Co<void> dial_soon(std::size_t index, rt::Duration after) {
    co_await stage_.pause_between(after, after + 3s);
    co_await dial(index);
  }

  /// Others by chance.
  rt::Co<void> dial(std::size_t index) {
    Gossiper& self = *all_[index];
    auto& rng = self.swimmer().node().rng();
    for (std::size_t n = 0; n < connections_ / 2 && self.running(); ++n) {
      const std::size_t other = rng.below(honest_);
      if (other != index && all_[other]->running()) {
        (void)co_await self.swimmer().host().connect(all_[other]->swimmer().address());
      }
    }
  }

  /// The sybils dial their victims.
  void attack(rt::Duration after) {
    for (const auto& sybil : sybils_) {
      auto victims = std::make_shared<std::vector<std::size_t>>(choose_victims(*sybil));
      for (std::size_t lane = 0; lane < k_lanes; ++lane) {
        tasks_.spawn("sybil dials", dial_victims(*sybil, victims, after));
      }
    }
  }

  std::vector<std::size_t> choose_victims(Sybil& sybil) const {
    std::vector<std::size_t> victims(attack_.victims(honest_, publishers_));
    std::iota(victims.begin(), victims.end(), std::size_t{0});
    auto& rng = sybil.swimmer().node().rng();
    const std::size_t count = std::min(attack_.connections, victims.size());
    for (std::size_t i = 0; i < count; ++i) {
      std::swap(victims[i], victims[i + rng.below(victims.size() - i)]);
    }
    victims.resize(count);
    return victims;
  }

  rt::Co<void> dial_victims(Sybil& sybil, std::shared_ptr<std::vector<std::size_t>> left,
                            rt::Duration after) {
    co_await stage_.pause_between(after, after + 3s);
    while (!left->empty()) {
      const std::size_t victim = left->back();
      left->pop_back();
      // Refused by those who have no room for more.
      (void)co_await sybil.swimmer().host().connect(all_[victim]->swimmer().address());
    }
  }

  rt::Co<void> publish() {
    auto& rng = stage_.world().rng();
    rt::TaskGroup checks(stage_.world().node(0).loop());
    while (stage_.world().now() < deadline_) {
      co_await stage_.pause(interval_ / 2 + rng.up_to(interval_));
      const std::size_t who = rng.below(publishers_);
      if (!all_[who]->running() || !settled(who)) {
        continue;
      }
      Bytes data(message_bytes_);
      rng.fill(data);
      store_be64(data, sent_.size());
      sent_.push_back(
          {.at = stage_.world().now(), .publisher = who, .got = std::vector<bool>(honest_)});
      if (all_[who]->service().publish(k_topic, data)) {
        checks.spawn("check", check(sent_.size() - 1, up_since()));
      }
    }
    while (checks.running() > 0) {
      co_await stage_.pause(100ms);
    }
  }

  bool settled(std::size_t index) const {
    return all_[index]->running() && stage_.world().now() - all_[index]->up_since() >= k_settled;
  }

  /// Since when those are up that count; the others have none.
  std::vector<std::optional<rt::TimePoint>> up_since() const {
    std::vector<std::optional<rt::TimePoint>> all(honest_);
    for (std::size_t i = 0; i < honest_; ++i) {
      if (settled(i)) {
        all[i] = all_[i]->up_since();
      }
    }
    return all;
  }

  rt::Co<void> check(std::size_t message, std::vector<std::optional<rt::TimePoint>> before) {
    co_await stage_.pause(k_wait);
    std::size_t missing = 0;
    for (std::size_t i = 0; i < honest_; ++i) {
      const bool counts = before[i] && all_[i]->running() && all_[i]->up_since() == *before[i] &&
                          i != sent_[message].publisher;
      expected_ += counts ? 1 : 0;
      missing += counts && !sent_[message].got[i] ? 1 : 0;
    }
    lost_ += missing;
    if (missing > 0) {
      ++incomplete_;
      stage_.report().notes.push_back("message " + std::to_string(message) + " of n" +
                                      std::to_string(sent_[message].publisher) + " did not reach " +
                                      std::to_string(missing) + " nodes");
    }
  }

  void on_event(std::size_t index, const gossipsub::Event& event) {
    const auto* delivered = std::get_if<gossipsub::Delivered>(&event);
    if (delivered == nullptr) {
      return;
    }
    const auto message = static_cast<std::size_t>(load_be64(delivered->message->data()));
    if (message >= sent_.size() || sent_[message].got[index] || sent_[message].publisher == index) {
      return;
    }
    sent_[message].got[index] = true;
    ++delivered_;
    const double took = to_ms(stage_.world().now() - sent_[message].at);
    stage_.report().distributions["propagation ms"].add(took);
    if (attack_.aims_at_one() && (index == 0 || sent_[message].publisher == 0)) {
      stage_.report().distributions["from and to the target ms"].add(took);
    }
  }

  bool passes_on(rt::Rng& rng, BytesView data) const {
    if (attack_.flash_after.count() > 0 && stage_.world().now() - begin_ < attack_.flash_after) {
      return true;
    }
    const auto number = static_cast<std::size_t>(load_be64(data));
    if (attack_.censor && !(number < sent_.size() && sent_[number].publisher == 0)) {
      return true;
    }
    return rng.below(k_million) >= attack_.drop_ppm;
  }

  /// How many are in the mesh of a running node, on average.
  double of_each_mesh(bool only_sybils) const {
    std::size_t sum = 0;
    std::size_t count = 0;
    for (const auto& node : all_) {
      for (const auto& peer : node->mesh()) {
        sum += !only_sybils || hostile_.contains(peer) ? 1 : 0;
      }
      count += node->running() ? 1 : 0;
    }
    return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
  }

  void tell_of_sybils(const std::string& when) {
    if (attack_.sybils == 0) {
      return;
    }
    std::size_t connections = 0;
    std::size_t most = 0;
    for (const auto& node : all_) {
      std::size_t here = 0;
      for (const auto& peer : node->swimmer().host().peers()) {
        here += hostile_.contains(peer.id) ? 1 : 0;
      }
      connections += here;
      most = std::max(most, here);
    }
    auto& report = stage_.report();
    report.set("sybils connected with a node " + when,
               static_cast<double>(connections) / static_cast<double>(honest_));
    report.set("sybils connected with one node at most " + when, static_cast<double>(most));
    report.set("sybils in the mesh of a node " + when, of_each_mesh(true));
    report.set("sybils in the mesh of the first node " + when,
               static_cast<double>(std::ranges::count_if(
                   all_.front()->mesh(),
                   [this](const libp2p::PeerId& peer) { return hostile_.contains(peer); })));
  }

  void end() {
    stage_.doing("ending");
    for (const auto& node : all_) {
      if (node->running()) {
        duplicates_ += node->service().router().stats().duplicates;
        tasks_.spawn("stop", node->stop());
      }
    }
    for (const auto& sybil : sybils_) {
      tasks_.spawn("stop", sybil->stop());
    }
    stage_.world().run_until([this] { return tasks_.running() == 0; });
    stage_.world().run(tasks_.stop());
  }

  Stage& stage_;
  Attack attack_;
  std::size_t honest_;
  std::size_t publishers_;
  std::size_t connections_;
  rt::Duration interval_;
  std::size_t message_bytes_;
  std::vector<std::unique_ptr<Gossiper>> all_;
  std::vector<std::unique_ptr<Sybil>> sybils_;
  std::set<libp2p::PeerId> hostile_;
  std::vector<Sent> sent_;
  std::size_t expected_ = 0;
  std::size_t lost_ = 0;
  std::size_t incomplete_ = 0;
  std::size_t delivered_ = 0;
  std::uint64_t duplicates_ = 0;
  rt::TimePoint begin_{};
  rt::TimePoint deadline_{};
  rt::TaskGroup tasks_;
};

}  // namespace

void play_gossip(Stage& stage) {
  Gossip(stage).play();
}

}  // namespace vivim::sim
