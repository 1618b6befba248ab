#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "peer.hpp"
#include "report.hpp"
#include "runner.hpp"
#include "scenario.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/standin/stand_in.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::sim {

/// Who suffers the faults of a scenario. Nodes are counted from 0, as in the plan.
class Victims {
 public:
  virtual ~Victims() = default;
  virtual rt::sim::Node& machine(std::size_t index) = 0;
  /// The machine dies; resumes when nothing of its process is left.
  virtual rt::Co<void> crash(std::size_t index, rt::sim::CrashKind kind) = 0;
  /// Starts it again.
  virtual rt::Co<void> revive(std::size_t index) = 0;
};

/// The world of one run, made as the scenario's network says, and where its figures go.
class Stage {
 public:
  Stage(const Scenario& scenario, const RunOptions& options, Report& report);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  const Scenario& scenario() const { return scenario_; }
  rt::sim::World& world() { return world_; }
  Report& report() { return report_; }
  std::uint64_t seed() const { return options_.seed; }

  /// A machine of the model: region, wire and wrong clock are its, and for a share of them the NAT.
  rt::sim::Node& add_machine(std::string name);
  /// The same, reached by everybody whatever the model says: servers.
  rt::sim::Node& add_server(std::string name);
  /// The same, at an address that others may have too.
  rt::sim::Node& add_server_at(std::string name, rt::IpAddress ip);
  /// A key that follows from the run's seed.
  crypto::KeyPair make_key();
  /// What hosts of this run secure their connections with.
  std::vector<std::unique_ptr<libp2p::Security>> securities(const crypto::KeyPair& key,
                                                            rt::Rng& rng);
  /// The same, for a Peer.
  Peer::Securities peer_securities();
  static const rt::sim::NatOptions& nat_of(const NetworkModel& model);

  /// The faults that happen in this run, from now on: awaited, and all healed when it returns.
  rt::Co<void> play_faults(Victims& victims, std::size_t count, rt::Duration time);

  /// Said to who watches.
  void doing(std::string what) { doing_ = std::move(what); }
  /// Adds a point to the series `name` every second of virtual time.
  void sample(std::string name, std::function<double()> value);
  /// Virtual seconds since the world began.
  double seconds() { return to_ms(world_.now().time_since_epoch()) / 1000; }
  rt::Co<void> pause(rt::Duration time);
  /// Uniform.
  rt::Co<void> pause_between(rt::Duration least, rt::Duration most);

 private:
  rt::sim::NodeOptions options_of_next();
  rt::IpAddress next_address();
  static void set_lie(Victims& victims, std::size_t count, rt::sim::Lie lie);
  rt::Co<void> play_fault(Victims& victims, std::size_t count, rt::sim::Fault fault);
  void tick();

  const Scenario& scenario_;
  const RunOptions& options_;
  Report& report_;
  rt::sim::World world_;
  libp2p::standin::StandInAuthority authority_;
  rt::sim::SeededRng keys_;
  std::size_t machines_ = 0;
  std::size_t addresses_ = 0;
  std::string doing_;
  double told_;  ///< processor_seconds() when progress was told last
  std::vector<std::pair<std::string, std::function<double()>>> samplers_;
  std::vector<std::size_t> down_;  ///< machines that a fault holds down, once each
};

/// A libp2p host on a machine of the stage, with nothing on it yet.
class Swimmer {
 public:
  Swimmer(Stage& stage, rt::sim::Node& node) : Swimmer(stage, node, stage.make_key()) {}
  Swimmer(Stage& stage, rt::sim::Node& node, crypto::KeyPair key);

  /// Makes the host, and listens. False: its machine is down.
  bool start();
  rt::Co<void> stop();
  bool running() const { return host_ != nullptr; }

  rt::sim::Node& node() { return node_; }
  const crypto::KeyPair& key() const { return key_; }
  libp2p::Host& host() { return *host_; }
  const libp2p::PeerId& peer() const { return peer_; }
  /// Where it listens, with its id.
  libp2p::Multiaddr address() const;
  /// Of its next start().
  void set_limits(libp2p::HostLimits limits) { limits_ = limits; }
  /// The same: how many connections it keeps, about, and for how long it keeps any. None: as the
  /// limits say.
  void set_connections(std::size_t most, rt::Duration grace = std::chrono::seconds(20)) {
    water_ = libp2p::ConnectionManagerOptions{
        .low_water = most * 2 / 3, .high_water = most, .grace = grace};
  }

 private:
  Stage& stage_;
  rt::sim::Node& node_;
  crypto::KeyPair key_;
  libp2p::PeerId peer_;
  libp2p::HostLimits limits_;
  std::optional<libp2p::ConnectionManagerOptions> water_;
  std::unique_ptr<libp2p::Host> host_;
};

}  // namespace vivim::sim
