#include "stage.hpp"

#include <algorithm>

#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

constexpr std::uint16_t k_stage_port = 4001;
constexpr std::uint64_t k_ppm_per_percent = 10'000;
constexpr double k_bytes_per_mbit = 125'000;
constexpr auto k_watch_interval = std::chrono::seconds(1);
constexpr double k_tell_seconds = 0.2;  // of processor time

rt::sim::LinkOptions link_of(const NetworkModel& model) {
  return {.latency = from_ms(model.round_trip_ms / 2),
          .jitter = from_ms(model.jitter_ms),
          .loss_ppm = static_cast<std::uint32_t>(model.loss_percent * k_ppm_per_percent)};
}

}  // namespace

Stage::Stage(const Scenario& scenario, const RunOptions& options, Report& report)
    : scenario_(scenario),
      options_(options),
      report_(report),
      world_(options.seed),
      authority_(world_),
      keys_(options.seed ^ 0x6b657973),
      told_(processor_seconds()) {
  const auto& model = scenario.network;
  if (model.regions) {
    auto table = rt::sim::five_regions();
    const auto loss = link_of(model).loss_ppm;
    table.for_each([loss](rt::sim::LinkOptions& link) { link.loss_ppm = loss; });
    world_.set_regions(std::move(table));
  } else {
    world_.set_default_link(link_of(model));
  }
  world_.after(k_watch_interval, [this] { tick(); });
}

Stage::~Stage() = default;

void Stage::tick() {
  for (const auto& [name, value] : samplers_) {
    report_.series[name].push_back({.seconds = seconds(), .value = value()});
  }
  const double spent = processor_seconds();
  if (options_.progress && spent - told_ >= k_tell_seconds) {
    told_ = spent;
    options_.progress({.virtual_seconds = seconds(), .doing = doing_});
  }
  world_.after(k_watch_interval, [this] { tick(); });
}

void Stage::sample(std::string name, std::function<double()> value) {
  samplers_.emplace_back(std::move(name), std::move(value));
}

rt::sim::NodeOptions Stage::options_of_next() {
  const auto& model = scenario_.network;
  rt::sim::NodeOptions options{
      .region = static_cast<rt::sim::Region>(model.regions ? machines_ % 5 : 0),
      .upload_bytes_per_second = static_cast<std::uint64_t>(model.upload_mbit * k_bytes_per_mbit),
      .download_bytes_per_second =
          static_cast<std::uint64_t>(model.download_mbit * k_bytes_per_mbit)};
  options.job_jitter = from_ms(model.disk_ms) - options.job_min;
  if (model.clock_skew_ms > 0) {
    const auto most = from_ms(model.clock_skew_ms);
    options.wall_skew = world_.rng().up_to(2 * most) - most;
  }
  ++machines_;
  return options;
}

/// A public address, each in another /16 as long as there are some left.
rt::IpAddress Stage::next_address() {
  constexpr std::size_t k_first = 23;  // 23.0.0.0 to 82.255.255.255
  constexpr std::size_t k_firsts = 60;
  const std::size_t n = addresses_++;
  const auto byte = [](std::size_t value) { return static_cast<std::uint8_t>(value); };
  return rt::IpAddress::v4(byte(k_first + n % k_firsts), byte(n / k_firsts), byte(n * 31),
                           byte(1 + n / (k_firsts * 256)));
}

rt::sim::Node& Stage::add_server(std::string name) {
  return add_server_at(std::move(name), next_address());
}

rt::sim::Node& Stage::add_server_at(std::string name, rt::IpAddress ip) {
  auto options = options_of_next();
  options.ip = ip;
  return world_.add_node(std::move(name), options);
}

const rt::sim::NatOptions& Stage::nat_of(const NetworkModel& model) {
  static const auto k_full = rt::sim::NatOptions::full_cone();
  static const auto k_restricted = rt::sim::NatOptions::restricted();
  static const auto k_port_restricted = rt::sim::NatOptions::port_restricted();
  static const auto k_symmetric = rt::sim::NatOptions::symmetric();
  return model.nat == "full-cone"         ? k_full
         : model.nat == "port-restricted" ? k_port_restricted
         : model.nat == "symmetric"       ? k_symmetric
                                          : k_restricted;
}

rt::sim::Node& Stage::add_machine(std::string name) {
  const auto share = scenario_.network.behind_nat_percent * k_ppm_per_percent;
  if (!world_.rng().chance(static_cast<std::uint32_t>(share))) {
    return add_server(std::move(name));
  }
  rt::sim::Node& node = world_.add_node(std::move(name), options_of_next());
  world_.put_behind_nat(node, nat_of(scenario_.network));
  return node;
}

crypto::KeyPair Stage::make_key() {
  Bytes seed(crypto::k_ed25519_seed_bytes);
  keys_.fill(seed);
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(seed));
}

std::vector<std::unique_ptr<libp2p::Security>> Stage::securities(const crypto::KeyPair& key,
                                                                 rt::Rng& rng) {
  std::vector<std::unique_ptr<libp2p::Security>> all;
  if (scenario_.security == SecurityKind::stand_in) {
    all.push_back(authority_.security_for(key, rng));
  }
  return all;  // none: the host's own, Noise
}

rt::Co<void> Stage::pause(rt::Duration time) {
  co_await rt::sleep_for(world_.node(0).loop(), time);
}

rt::Co<void> Stage::pause_between(rt::Duration least, rt::Duration most) {
  co_await pause(least + world_.rng().up_to(most - least));
}

rt::Co<void> Stage::play_faults(Victims& victims, std::size_t count, rt::Duration time) {
  const auto plan = rt::sim::plan_faults(options_.seed ^ 0x6661756c74,
                                         static_cast<std::uint32_t>(count), time, scenario_.faults);
  report_.faults_planned = plan.size();
  set_lie(victims, count, scenario_.lie);
  const auto begin = world_.now();
  rt::TaskGroup tasks(world_.node(0).loop());
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (options_.faults && !options_.faults->contains(i)) {
      continue;
    }
    if (const auto wait = begin + plan[i].at - world_.now(); wait.count() > 0) {
      co_await pause(wait);
    }
    ++report_.faults_applied;
    auto fault = plan[i];
    fault.lasting = std::min(fault.lasting, begin + time - world_.now());
    tasks.spawn("fault", play_fault(victims, count, fault));
  }
  if (const auto rest = begin + time - world_.now(); rest.count() > 0) {
    co_await pause(rest);
  }
  while (tasks.running() > 0) {
    co_await pause(from_ms(10));
  }
  world_.heal_all();
  set_lie(victims, count, rt::sim::Lie::none);
}

void Stage::set_lie(Victims& victims, std::size_t count, rt::sim::Lie lie) {
  for (std::size_t i = 0; i < count; ++i) {
    victims.machine(i).set_lie(lie);
  }
}

rt::Co<void> Stage::play_fault(Victims& victims, std::size_t count, rt::sim::Fault fault) {
  using rt::sim::FaultKind;
  switch (fault.kind) {
    case FaultKind::process:
    case FaultKind::power: {
      if (std::ranges::find(down_, fault.a) != down_.end()) {
        co_return;  // it is down already
      }
      down_.push_back(fault.a);
      co_await victims.crash(fault.a, fault.kind == FaultKind::power ? rt::sim::CrashKind::power
                                                                     : rt::sim::CrashKind::process);
      co_await pause(fault.lasting);
      co_await victims.revive(fault.a);
      std::erase(down_, fault.a);
      break;
    }
    case FaultKind::cut:
      world_.partition(victims.machine(fault.a), victims.machine(fault.b));
      co_await pause(fault.lasting);
      world_.heal(victims.machine(fault.a), victims.machine(fault.b));
      break;
    case FaultKind::isolate:
      world_.set_island(victims.machine(fault.a), fault.a + 2);
      co_await pause(fault.lasting);
      world_.set_island(victims.machine(fault.a), 0);
      break;
    case FaultKind::split:
      for (std::size_t i = 0; i < count / 2; ++i) {
        world_.set_island(victims.machine((fault.a + i) % count), 1);
      }
      co_await pause(fault.lasting);
      for (std::size_t i = 0; i < count / 2; ++i) {
        world_.set_island(victims.machine((fault.a + i) % count), 0);
      }
      break;
    case FaultKind::reset:
      world_.reset_connections(victims.machine(fault.a), victims.machine(fault.b));
      break;
  }
}

Peer::Securities Stage::peer_securities() {
  return [this](const crypto::KeyPair& key, rt::Rng& rng) { return securities(key, rng); };
}

Swimmer::Swimmer(Stage& stage, rt::sim::Node& node, crypto::KeyPair key)
    : stage_(stage), node_(node), key_(std::move(key)), peer_(libp2p::PeerId::of(key_)) {}

bool Swimmer::start() {
  libp2p::HostOptions options{.key = key_,
                              .agent = "vivim-sim",
                              .limits = limits_,
                              .securities = stage_.securities(key_, node_.rng()),
                              .connection_manager = water_};
  options.observation.observers = libp2p::Observers::all;
  auto host = std::make_unique<libp2p::Host>(std::move(options), node_.loop(), node_.network(),
                                             node_.rng());
  const bool listens =
      host->listen(libp2p::Multiaddr::from_tcp(node_.ip().to_string(), k_stage_port).value())
          .has_value();
  host_ = std::move(host);
  return listens;
}

rt::Co<void> Swimmer::stop() {
  if (host_ != nullptr) {
    co_await host_->stop();
    host_.reset();
  }
}

libp2p::Multiaddr Swimmer::address() const {
  return libp2p::Multiaddr::from_tcp(node_.ip().to_string(), k_stage_port)
      .value()
      .with_peer(peer_)
      .value();
}

}  // namespace vivim::sim
