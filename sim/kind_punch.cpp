// Nodes behind NATs, each with a reservation at a relay, look each other up in the DHT that the
// relays keep, and connect two by two: how long until the relayed connection carries streams, and
// until a direct one has replaced it.
#include <algorithm>

#include "kinds.hpp"
#include "stage.hpp"
#include "vivim/libp2p/dcutr/hole_puncher.hpp"
#include "vivim/libp2p/kad/dht.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/relay/server.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

namespace kad = libp2p::kad;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

std::unique_ptr<kad::Dht> make_dht(Swimmer& swimmer, kad::Mode mode) {
  return std::make_unique<kad::Dht>(swimmer.host(), swimmer.node().rng(),
                                    libp2p::record::Signer::of(swimmer.key()),
                                    kad::DhtOptions{.mode = mode});
}

struct Relay {
  explicit Relay(Stage& stage, std::string name)
      : swimmer(stage, stage.add_server(std::move(name))) {}
  bool start() {
    libp2p::HostLimits limits;
    limits.inbound_connections_max = limits.connections_per_address_max = 4096;
    swimmer.set_limits(limits);
    if (!swimmer.start()) {
      return false;
    }
    libp2p::relay::RelayServerOptions options;
    options.limits.reservations_max = 4096;
    server = std::make_unique<libp2p::relay::RelayServer>(
        swimmer.host(), libp2p::record::Signer::of(swimmer.key()), options);
    dht = make_dht(swimmer, kad::Mode::server);
    return server->start().has_value() && dht->start().has_value();
  }
  rt::Co<void> stop() {
    dht->quit();
    co_await server->stop();
    co_await swimmer.host().stop();
    co_await dht->stop();
    server.reset();
    dht.reset();
    co_await swimmer.stop();
  }
  Swimmer swimmer;
  std::unique_ptr<libp2p::relay::RelayServer> server;
  std::unique_ptr<kad::Dht> dht;
};

struct Member {
  Member(Stage& stage, std::string name) : swimmer(stage, stage.add_machine(std::move(name))) {}
  bool start(const Relay& relay) {
    if (!swimmer.start()) {
      return false;
    }
    auto own = std::make_unique<libp2p::relay::RelayTransport>(swimmer.host());
    transport = own.get();
    swimmer.host().add_transport(std::move(own));
    puncher = std::make_unique<libp2p::dcutr::HolePuncher>(swimmer.host());
    circuit =
        relay.swimmer.address().with(libp2p::Multiaddr::parse("/p2p-circuit").value()).value();
    relay_id = relay.swimmer.peer();
    dht = make_dht(swimmer, kad::Mode::client);
    return puncher->start().has_value() && dht->start().has_value() &&
           swimmer.host().listen(*circuit).has_value();
  }
  bool ready() const { return transport->reserved(*relay_id); }
  rt::Co<void> stop() {
    dht->quit();
    co_await swimmer.host().stop();
    co_await puncher->stop();
    co_await dht->stop();
    puncher.reset();
    dht.reset();
    co_await swimmer.stop();
  }
  Swimmer swimmer;
  libp2p::relay::RelayTransport* transport = nullptr;
  std::unique_ptr<libp2p::dcutr::HolePuncher> puncher;
  std::unique_ptr<kad::Dht> dht;
  std::optional<libp2p::Multiaddr> circuit;
  std::optional<libp2p::PeerId> relay_id;
};

class Punch {
 public:
  explicit Punch(Stage& stage) : stage_(stage) {
    const auto relays = static_cast<std::size_t>(stage.scenario().number("relays", 8));
    for (std::size_t i = 0; i < std::max<std::size_t>(relays, 1); ++i) {
      relays_.push_back(std::make_unique<Relay>(stage, "relay" + std::to_string(i)));
    }
    for (std::uint32_t i = 0; i < stage.scenario().nodes; ++i) {
      members_.push_back(std::make_unique<Member>(stage, "n" + std::to_string(i)));
    }
  }

  void play() {
    auto& world = stage_.world();
    rt::TaskGroup tasks(world.node(0).loop());
    bool started = true;
    for (const auto& relay : relays_) {
      started = relay->start() && started;
    }
    for (std::size_t i = 1; i < relays_.size(); ++i) {
      (void)world.run(relays_[i]->swimmer.host().connect(relays_[i - 1]->swimmer.address()));
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      started = members_[i]->start(*relays_[i % relays_.size()]) && started;
    }
    stage_.doing("reserving");
    const bool ready =
        started &&
        world.run_until(
            [&] { return std::ranges::all_of(members_, [](const auto& m) { return m->ready(); }); },
            2min);
    if (!ready) {
      stage_.report().failures.emplace_back("not every node got a reservation at its relay");
    }
    world.run_for(5s);  // what relays see of them is told
    stage_.doing("connecting");
    for (std::size_t i = 0; ready && i + 1 < members_.size(); i += 2) {
      tasks.spawn("connect", connect(*members_[i], *members_[i + 1]));
    }
    world.run_until([&] { return tasks.running() == 0; });
    for (const auto& member : members_) {
      tasks.spawn("stop", member->stop());
    }
    world.run_until([&] { return tasks.running() == 0; });
    for (const auto& relay : relays_) {
      tasks.spawn("stop", relay->stop());
    }
    world.run_until([&] { return tasks.running() == 0; });
    world.run(tasks.stop());
    stage_.report().set("connected percent", percent(relayed_));
    stage_.report().set("direct percent", percent(direct_));
  }

 private:
  double percent(std::size_t count) const {
    return 100 * static_cast<double>(count) / static_cast<double>(members_.size() / 2);
  }

  rt::Co<void> connect(Member& a, Member& b) {
    co_await stage_.pause_between(0s, stage_.scenario().duration());
    const auto begin = stage_.world().now();
    const auto peer = b.swimmer.peer();
    const auto found = co_await a.dht->find_peer(peer);
    if (!found) {
      stage_.report().notes.push_back("not found: " + found.error().message());
      co_return;
    }
    stage_.report().distributions["lookup ms"].add(to_ms(stage_.world().now() - begin));
    const auto connected = co_await a.swimmer.host().connect(peer, found->contact.addresses);
    if (!connected) {
      stage_.report().notes.push_back("not connected: " + connected.error().message());
      co_return;
    }
    ++relayed_;
    auto& report = stage_.report();
    report.distributions["relayed connection ms"].add(to_ms(stage_.world().now() - begin));
    const auto give_up = begin + 30s;
    while (!a.swimmer.host().connected(peer) && stage_.world().now() < give_up) {
      co_await stage_.pause(5ms);
    }
    if (a.swimmer.host().connected(peer)) {
      ++direct_;
      report.distributions["direct connection ms"].add(to_ms(stage_.world().now() - begin));
    }
  }

  Stage& stage_;
  std::vector<std::unique_ptr<Relay>> relays_;
  std::vector<std::unique_ptr<Member>> members_;
  std::size_t relayed_ = 0;
  std::size_t direct_ = 0;
};

}  // namespace

void play_punch(Stage& stage) {
  Punch(stage).play();
}

}  // namespace vivim::sim
