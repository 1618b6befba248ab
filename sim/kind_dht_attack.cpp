// Sybils in a DHT. Every honest node is in two of them, with the same machines and connections and
// against the same sybils: one is ours, the other the plain algorithm.
#include <algorithm>
#include <array>

#include "finder.hpp"
#include "kinds.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/libp2p/kad/content_record.hpp"
#include "vivim/libp2p/kad/liar.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

namespace kad = libp2p::kad;
using std::chrono_literals::operator""s;

constexpr std::string_view k_plain_protocol = "/vivim/sim/plain-kad/1.0.0";
constexpr std::array k_algorithms{"ours", "plain"};
constexpr std::string_view k_name = "profile";
constexpr std::size_t k_no_limit = 1'000'000;

/// One path, no limits on groups of addresses, no regions.
kad::DhtOptions plain_options() {
  kad::DhtOptions options{.mode = kad::Mode::server, .regions = kad::Regions::never};
  options.rpc.protocol = std::string(k_plain_protocol);
  options.query.paths = 1;
  options.query.per_group_max = 0;
  options.table.per_group_in_bucket_max = k_no_limit;
  options.table.per_group_max = k_no_limit;
  return options;
}

/// A host that lies in both DHTs.
class DhtSybil {
 public:
  DhtSybil(Stage& stage, rt::sim::Node& node, crypto::KeyPair key)
      : swimmer_(stage, node, std::move(key)) {}

  bool start(const kad::Lie& lie) {
    libp2p::HostLimits limits;
    limits.outbound_connections_max = 1024;
    swimmer_.set_limits(limits);
    if (!swimmer_.start()) {
      return false;
    }
    liar_ = std::make_unique<kad::Liar>(swimmer_.host(), lie);
    return liar_->start({std::string(kad::k_protocol_id), std::string(k_plain_protocol)})
        .has_value();
  }
  Swimmer& swimmer() { return swimmer_; }
  kad::PeerInfo info() const { return liar_->info(); }

 private:
  Swimmer swimmer_;
  std::unique_ptr<kad::Liar> liar_;
};

/// What honest nodes look for, and the sybils that are against it.
struct Prey {
  Bytes key;
  std::size_t owner = 0;  ///< the honest node that provides or publishes it
  Bytes value = {};
  kad::Lie lie = {};
};

class DhtAttack {
 public:
  explicit DhtAttack(Stage& stage)
      : stage_(stage),
        values_(stage.scenario().word("attack", "providers") == "censor"),
        everywhere_(stage.scenario().word("attack", "providers") == "prefix"),
        keys_(static_cast<std::size_t>(stage.scenario().number("keys", 4))),
        sybils_per_key_(static_cast<std::size_t>(stage.scenario().number("sybils_per_key", 24))),
        sybil_bits_(static_cast<unsigned>(stage.scenario().number("sybil_bits", 10))),
        lookups_(static_cast<std::size_t>(stage.scenario().number("lookups", 200))),
        tasks_(add(stage).loop()) {}

  void play() {
    auto& world = stage_.world();
    make_prey();
    stage_.doing("joining");
    if (everywhere_) {
      start_sybils();  // they are there first, and everybody knows them
    }
    for (std::size_t i = 0; i < honest_.size(); ++i) {
      tasks_.spawn("join", join(i));
    }
    wait();
    world.run_for(from_ms(1000 * stage_.scenario().number("warm_seconds", 60)));
    if (!everywhere_) {
      start_sybils();
      for (std::size_t n = 0; n < sybils_.size(); ++n) {
        tasks_.spawn("sybil", come_near(n));
      }
      wait();
      world.run_for(30s);
    }
    stage_.doing("storing");
    for (Prey& prey : prey_) {
      for (std::size_t algorithm = 0; algorithm < k_algorithms.size(); ++algorithm) {
        tasks_.spawn("store", store(prey, algorithm));
      }
    }
    wait();
    world.run_for(10s);
    stage_.doing("looking up");
    for (std::size_t n = 0; n < lookups_; ++n) {
      tasks_.spawn("lookup", look_up(n));
    }
    wait();
    report();
    stage_.doing("ending");
    for (const auto& finder : honest_) {
      tasks_.spawn("stop", finder->stop());
    }
    for (const auto& sybil : sybils_) {
      tasks_.spawn("stop", sybil->swimmer().stop());
    }
    wait();
    world.run(tasks_.stop());
  }

 private:
  rt::sim::Node& add(Stage& stage) {
    for (std::uint32_t i = 0; i < stage.scenario().nodes; ++i) {
      honest_.push_back(
          std::make_unique<Finder>(stage, stage.add_machine("n" + std::to_string(i))));
    }
    return stage.world().node(0);
  }

  void wait() {
    stage_.world().run_until([this] { return tasks_.running() == 0; });
  }

  void make_prey() {
    for (std::size_t n = 0; n < keys_; ++n) {
      Prey prey{.owner = stage_.world().rng().next() % honest_.size()};
      Finder& owner = *honest_[prey.owner];
      if (values_) {
        constexpr std::int64_t k_life_ms = 86'400'000;
        prey.key = kad::content_key(owner.swimmer().peer(), k_name);
        prey.value = kad::seal_content(libp2p::record::Signer::of(owner.swimmer().key()), k_name, 1,
                                       owner.swimmer().node().clock().wall_now_ms() + k_life_ms,
                                       as_bytes("censored"));
      } else {
        prey.key = {0x12, 0x20};  // a multihash of SHA-256
        Bytes number(8);
        store_be64(number, (stage_.seed() * 1000) + n);
        append(prey.key, crypto::sha256(number));
      }
      prey_.push_back(std::move(prey));
    }
  }

  /// Around each key, at addresses all over the Internet; or of two prefixes, with ids anywhere.
  void start_sybils() {
    const auto make = [this] { return stage_.make_key(); };
    for (std::size_t n = 0; n < keys_ * sybils_per_key_; ++n) {
      Prey& prey = prey_[n % keys_];
      const std::string name = "s" + std::to_string(n);
      auto& node =
          everywhere_ ? stage_.add_server_at(name, address_of_prefix(n)) : stage_.add_server(name);
      const unsigned bits = everywhere_ ? 0 : sybil_bits_;
      sybils_.push_back(std::make_unique<DhtSybil>(
          stage_, node, kad::key_pair_near(kad::Key::of(prey.key), bits, make)));
      kad::Lie& lie = everywhere_ ? prey_[0].lie : prey.lie;
      if (!sybils_.back()->start(lie)) {
        stage_.report().failures.push_back("sybil " + std::to_string(n) + " does not start");
        return;
      }
      lie.add_friend(sybils_.back()->info());
      const auto nobody = libp2p::PeerId::of(stage_.make_key());
      lie.add_provider({.contact = {.peer = nobody, .addresses = {sybil_address(n)}}});
    }
  }
  libp2p::Multiaddr sybil_address(std::size_t n) {
    return sybils_[n]->swimmer().address().without_peer();
  }
  static rt::IpAddress address_of_prefix(std::size_t n) {
    const auto byte = [](std::size_t value) { return static_cast<std::uint8_t>(value); };
    const std::size_t first = n % 2 == 0 ? 8 : 9;
    return rt::IpAddress::v4(byte(first), byte(first), byte(n / 2 / 250), byte(1 + (n / 2 % 250)));
  }

  /// A sybil makes itself known to one in three of the honest.
  rt::Co<void> come_near(std::size_t n) {
    for (std::size_t i = n % 3; i < honest_.size(); i += 3) {
      (void)co_await sybils_[n]->swimmer().host().connect(honest_[i]->swimmer().address());
    }
  }

  rt::Co<void> join(std::size_t i) {
    constexpr std::size_t k_known = 3;
    co_await stage_.pause(from_ms(1000 * stage_.scenario().number("join_seconds", 60) *
                                  static_cast<double>(i) / static_cast<double>(honest_.size())));
    Finder& finder = *honest_[i];
    finder.swimmer().set_limits({.inbound_connections_max = 1024, .outbound_connections_max = 256});
    std::vector<kad::DhtOptions> dhts;
    dhts.push_back({.mode = kad::Mode::server});
    dhts.push_back(plain_options());
    if (!finder.start(std::move(dhts))) {
      stage_.report().failures.push_back("node " + std::to_string(i) + " does not start");
      co_return;
    }
    for (const auto& sybil : sybils_) {  // none yet, unless they came first
      (void)co_await sybil->swimmer().host().connect(finder.swimmer().address());
    }
    for (std::size_t n = 0; n < k_known && i > 0; ++n) {
      const std::size_t other = finder.swimmer().node().rng().below(i);
      (void)co_await finder.swimmer().host().connect(honest_[other]->swimmer().address());
    }
  }

  rt::Co<void> store(const Prey& prey, std::size_t algorithm) {
    kad::Dht& dht = honest_[prey.owner]->dht(algorithm);
    const auto stored =
        values_ ? co_await dht.put_value(prey.key, prey.value) : co_await dht.provide(prey.key);
    if (!stored) {
      stage_.report().notes.push_back(std::string(k_algorithms[algorithm]) +
                                      " does not store: " + stored.error().message());
    }
  }

  /// Somebody looks for a key, with both algorithms.
  rt::Co<void> look_up(std::size_t n) {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    const Prey& prey = prey_[n % prey_.size()];
    std::size_t who = stage_.world().rng().next() % honest_.size();
    while (who == prey.owner) {
      who = stage_.world().rng().next() % honest_.size();
    }
    for (std::size_t algorithm = 0; algorithm < k_algorithms.size(); ++algorithm) {
      const auto begin = stage_.world().now();
      const bool found =
          values_ ? co_await get(prey, who, algorithm) : co_await find(prey, who, algorithm);
      found_.at(algorithm) += found ? 1 : 0;
      stage_.report().distributions[std::string(k_algorithms[algorithm]) + " lookup ms"].add(
          to_ms(stage_.world().now() - begin));
    }
  }
  rt::Co<bool> get(const Prey& prey, std::size_t who, std::size_t algorithm) {
    const auto found = co_await honest_[who]->dht(algorithm).get_value(prey.key);
    regions_ += found && found->region ? 1 : 0;
    co_return found && found->value == prey.value;
  }
  rt::Co<bool> find(const Prey& prey, std::size_t who, std::size_t algorithm) {
    // As elsewhere, the plain algorithm is content with twenty providers.
    const std::size_t enough = algorithm == 0 ? 0 : kad::k_replication;
    const auto found =
        co_await honest_[who]->dht(algorithm).find_providers(prey.key, {.enough = enough});
    regions_ += found && found->region ? 1 : 0;
    const auto& owner = honest_[prey.owner]->swimmer().peer();
    co_return found&& std::ranges::any_of(
        found->providers,
        [&owner](const kad::FoundProvider& each) { return each.contact.peer == owner; });
  }

  void report() {
    auto& report = stage_.report();
    for (std::size_t i = 0; i < k_algorithms.size(); ++i) {
      report.set(std::string(k_algorithms[i]) + " succeeds percent",
                 100 * static_cast<double>(found_.at(i)) / static_cast<double>(lookups_));
    }
    report.set("whole regions asked percent",
               100 * static_cast<double>(regions_) / static_cast<double>(lookups_));
    report.set("sybils", static_cast<double>(sybils_.size()));
  }

  Stage& stage_;
  bool values_;      ///< values are got, else providers are found
  bool everywhere_;  ///< sybils are of two prefixes, with ids anywhere, and not around the keys
  std::size_t keys_;
  std::size_t sybils_per_key_;
  unsigned sybil_bits_;  ///< that the ids of sybils share with their key
  std::size_t lookups_;
  std::vector<Prey> prey_;  ///< not moved after it was made: sybils refer to the lies
  std::vector<std::unique_ptr<Finder>> honest_;
  std::vector<std::unique_ptr<DhtSybil>> sybils_;
  std::array<std::size_t, k_algorithms.size()> found_{};
  std::size_t regions_ = 0;
  rt::TaskGroup tasks_;
};

}  // namespace

void play_dht_attack(Stage& stage) {
  DhtAttack(stage).play();
}

}  // namespace vivim::sim
