// A topic that all nodes are in: some publish, machines come and go, and sybils, if there are any,
// take part in everything but passing messages on. How long messages take, and whether one is lost.
#include <algorithm>
#include <set>

#include "kinds.hpp"
#include "stage.hpp"
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

/// What sybils do, and to whom.
struct Attack {
  explicit Attack(const Scenario& scenario)
      : sybils(static_cast<std::size_t>(scenario.number("sybils", 0))),
        connections(static_cast<std::size_t>(scenario.number("sybil_connections", 20))),
        addresses(static_cast<std::size_t>(scenario.number("sybil_addresses", 0))),
        flash_after(from_ms(1000 * scenario.number("flash_after_seconds", 0))),
        first(scenario.word("join", "after") == "before"),
        censor(scenario.word("drop", "all") == "first-publisher"),
        targets(scenario.word("targets", "all")) {}

  std::size_t sybils;
  std::size_t connections;   ///< that each makes
  std::size_t addresses;     ///< IP addresses that all share; 0: each has its own
  rt::Duration flash_after;  ///< they behave until then
  bool first;                ///< they are there before the honest nodes
  bool censor;               ///< they drop only what the first publisher says
  std::string targets;       ///< whom they connect with: all, one, publishers
};

/// One node: a host and gossipsub, honest or not.
class Gossiper {
 public:
  using OnEvent = std::function<void(const gossipsub::Event&)>;

  Gossiper(Stage& stage, rt::sim::Node& node, bool sybil) : swimmer_(stage, node), sybil_(sybil) {}

  bool start(const Stage& stage, OnEvent on_event) {
    if (sybil_) {
      libp2p::HostLimits limits;
      limits.outbound_connections_max = 1024;
      swimmer_.set_limits(limits);
    }
    if (!swimmer_.start()) {
      return false;
    }
    gossipsub::ServiceOptions options;
    if (stage.scenario().word("policy", "signed") == "anonymous") {
      options.router.policy = gossipsub::SignaturePolicy::strict_no_sign;
    } else {
      options.router.signer = libp2p::record::Signer::of(swimmer_.key());
    }
    if (sybil_) {  // into as many meshes as there is room
      auto& mesh = options.router.mesh;
      mesh.d = mesh.d_low = 40;
      mesh.d_high = 80;
    }
    service_ = std::make_unique<gossipsub::Service>(swimmer_.host(), swimmer_.node().loop(),
                                                    swimmer_.node().rng(), std::move(options));
    subscription_ = service_->observe(std::move(on_event));
    up_since_ = swimmer_.node().clock().now();
    return service_->start() && service_->subscribe(k_topic, {.validate = sybil_});
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
  bool sybil() const { return sybil_; }
  rt::TimePoint up_since() const { return up_since_; }
  Swimmer& swimmer() { return swimmer_; }
  gossipsub::Service& service() { return *service_; }
  std::size_t mesh() const {
    return service_ == nullptr ? 0 : service_->router().mesh_peers(k_topic).size();
  }

 private:
  Swimmer swimmer_;
  bool sybil_;
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
        publishers_(static_cast<std::size_t>(
            stage.scenario().number("publishers", static_cast<double>(honest_)))),
        connections_(static_cast<std::size_t>(stage.scenario().number("connections", 20))),
        interval_(from_ms(1000 * stage.scenario().number("publish_seconds", 1))),
        message_bytes_(static_cast<std::size_t>(stage.scenario().number("message_bytes", 1024))),
        tasks_(add(stage).loop()) {}

  void play() {
    auto& world = stage_.world();
    stage_.sample("mesh peers of a node", [this] { return mean_mesh(); });
    stage_.doing("joining");
    begin_ = world.now();
    if (attack_.first) {
      join(honest_, all_.size());
      world.run_for(20s);
    }
    join(0, honest_);
    world.run_for(5s);
    if (!attack_.first) {
      join(honest_, all_.size());
    }
    world.run_for(k_settled + 10s);
    stage_.doing("publishing");
    deadline_ = world.now() + stage_.scenario().duration();
    const double spent = processor_seconds();
    const double from = stage_.seconds();
    tasks_.spawn("publish", publish());
    tasks_.spawn("faults", stage_.play_faults(*this, honest_, stage_.scenario().duration()));
    world.run_until([this] { return tasks_.running() == 0; });
    auto& report = stage_.report();
    report.set("times real time", (stage_.seconds() - from) / (processor_seconds() - spent));
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
      all_.push_back(
          std::make_unique<Gossiper>(stage, stage.add_machine("n" + std::to_string(i)), false));
    }
    for (std::size_t i = 0; i < attack_.sybils; ++i) {
      const std::string name = "s" + std::to_string(i);
      const auto shared = [&] {
        const std::size_t n = i % attack_.addresses;
        return rt::IpAddress::v4(203, 0, static_cast<std::uint8_t>(n / 250),
                                 static_cast<std::uint8_t>(1 + n % 250));
      };
      auto& node =
          attack_.addresses == 0 ? stage.add_server(name) : stage.add_server_at(name, shared());
      all_.push_back(std::make_unique<Gossiper>(stage, node, true));
    }
    return stage.world().node(0);
  }

  void join(std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      if (!start(i)) {
        stage_.report().failures.push_back("node " + std::to_string(i) + " does not start");
      }
    }
    for (std::size_t i = first; i < last; ++i) {
      tasks_.spawn("dial", dial_soon(i));
    }
    stage_.world().run_until([this] { return tasks_.running() == 0; });
  }

  bool start(std::size_t index) {
    return all_[index]->start(
        stage_, [this, index](const gossipsub::Event& event) { on_event(index, event); });
  }

  rt::Co<void> dial_soon(std::size_t index) {
    co_await stage_.pause_between(0s, 3s);
    co_await dial(index);
  }

  /// An honest node dials others by chance, a sybil its targets.
  rt::Co<void> dial(std::size_t index) {
    Gossiper& self = *all_[index];
    auto& rng = self.swimmer().node().rng();
    const std::size_t count = self.sybil() ? attack_.connections : connections_ / 2;
    const std::size_t targets = !self.sybil()                     ? honest_
                                : attack_.targets == "one"        ? 1
                                : attack_.targets == "publishers" ? publishers_
                                                                  : honest_;
    for (std::size_t n = 0; n < count && self.running(); ++n) {
      // At dawn an honest node finds those who are there: the sybils as well.
      const bool any = attack_.first && !self.sybil() && attack_.sybils > 0 && rng.below(2) == 0;
      const std::size_t other = any ? honest_ + rng.below(attack_.sybils)
                                : self.sybil() && targets <= count ? n % targets
                                                                   : rng.below(targets);
      if (other != index && all_[other]->running()) {
        (void)co_await self.swimmer().host().connect(all_[other]->swimmer().address());
      }
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
    if (const auto* judged = std::get_if<gossipsub::ToValidate>(&event)) {
      const bool passes = behaves(*judged->message);
      (void)all_[index]->service().validated(
          judged->message->key(), passes ? gossipsub::Verdict::accept : gossipsub::Verdict::ignore);
      return;
    }
    const auto* delivered = std::get_if<gossipsub::Delivered>(&event);
    if (delivered == nullptr || index >= honest_) {
      return;
    }
    const auto message = static_cast<std::size_t>(load_be64(delivered->message->data()));
    if (message >= sent_.size() || sent_[message].got[index] || sent_[message].publisher == index) {
      return;
    }
    sent_[message].got[index] = true;
    ++delivered_;
    stage_.report().distributions["propagation ms"].add(
        to_ms(stage_.world().now() - sent_[message].at));
  }

  bool behaves(const gossipsub::Message& message) const {
    if (attack_.flash_after.count() > 0 && stage_.world().now() - begin_ < attack_.flash_after) {
      return true;
    }
    const auto number = static_cast<std::size_t>(load_be64(message.data()));
    return attack_.censor && !(number < sent_.size() && sent_[number].publisher == 0);
  }

  double mean_mesh() const {
    std::size_t sum = 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < honest_; ++i) {
      sum += all_[i]->mesh();
      count += all_[i]->running() ? 1 : 0;
    }
    return count == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(count);
  }

  void end() {
    stage_.doing("ending");
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i]->running()) {
        if (i < honest_) {
          duplicates_ += all_[i]->service().router().stats().duplicates;
        }
        tasks_.spawn("stop", all_[i]->stop());
      }
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
