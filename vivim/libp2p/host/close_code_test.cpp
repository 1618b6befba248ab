// What one side of a connection is told when the other ends it.
#include "vivim/libp2p/host/siege_test_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using Kind = HostEvent::Kind;
using rt::sim::World;

namespace {

/// Refuses everybody when the connection could be used.
class RefuseAtTheEnd final : public ConnectionGater {
 public:
  bool allow_upgraded(Direction, const multiformats::PeerId&, const Multiaddr&) override {
    return false;
  }
};

/// A host made of options, and one that dials it.
struct Meeting {
  explicit Meeting(const std::function<void(HostOptions&)>& change = {})
      : key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        dialer(world.add_node("dialer")) {
    HostOptions options{.key = key};
    if (change) {
      change(options);
    }
    host.emplace(std::move(options), node.loop(), node.network(), node.rng());
    REQUIRE(host->handle(std::string(k_echo), echo));
    address = host->listen(Multiaddr::from_tcp(node.ip().to_string(), k_port).value())
                  .value()
                  .with_peer(host->peer_id())
                  .value();
  }
  ~Meeting() {
    world.run(dialer.host.stop());
    world.run(host->stop());
  }
  Result<PeerId> dial(ConnectOptions options = {}) {
    return world.run(dialer.host.connect(host->peer_id(), {address}, options));
  }
  /// Why the dialer's last connection ended.
  CloseReason ended() {
    REQUIRE(world.run_until([&] { return dialer.count(Kind::disconnected) > 0; }, 60s));
    return *dialer.last(Kind::disconnected)->reason;
  }

  World world{3};
  rt::sim::Node& node = world.add_node("host");
  crypto::KeyPair key;
  std::optional<Host> host;
  TestHost dialer;
  Multiaddr address;
};

}  // namespace

TEST_CASE("close codes: an orderly end, and a node that stops") {
  Meeting meeting;
  REQUIRE(meeting.dial());
  meeting.world.run_for(1s);
  meeting.host->disconnect(meeting.dialer.host.peer_id());
  CHECK(meeting.ended().cause == CloseCause::remote);
  CHECK(meeting.ended().code == CloseCode::none);
  CHECK(meeting.ended().to_string() == "remote");
  meeting.dialer.events.clear();
  REQUIRE(meeting.dial());
  meeting.world.run_for(1s);
  meeting.world.run(meeting.host->stop());
  CHECK(meeting.ended().cause == CloseCause::remote);
  CHECK(meeting.ended().code == CloseCode::shutdown);
  CHECK(meeting.ended().to_string() == "remote (shutdown)");
  CHECK(meeting.dialer.host.metrics_text().find(
            R"(libp2p_connections_closed_total{cause="remote",code="shutdown"} 1)") !=
        std::string::npos);
}

TEST_CASE("close codes: what was written before a node stops arrives") {
  Meeting meeting;
  meeting.world.set_default_link({.latency = 20ms});
  REQUIRE(meeting.dial());
  meeting.world.run_for(1s);
  auto opened = meeting.world.run(open_echo(meeting.dialer.host, meeting.host->peer_id()));
  REQUIRE(opened);
  meeting.world.run(write_and_close(*opened->stream, Bytes(100'000)));
  meeting.world.run_for(22ms);  // has arrived, and is on its way back
  meeting.world.run(meeting.host->stop());
  Bytes buffer(200'000);
  std::size_t count = 0;
  while (auto more = meeting.world.run(opened->stream->read_some(buffer))) {
    count += *more;
    if (*more == 0) {
      break;
    }
  }
  CHECK(count == 100'000);
}

TEST_CASE("close codes: a limit, a gater, and room that was made are told apart") {
  {
    Meeting meeting([](HostOptions& options) { options.limits.connections_per_peer_max = 1; });
    REQUIRE(meeting.dial());
    REQUIRE(meeting.dial({.force_new = true}));
    CHECK(meeting.ended().cause == CloseCause::remote);
    CHECK(meeting.ended().code == CloseCode::limit_exceeded);
    CHECK(meeting.dialer.host.peers().size() == 1);
  }
  {
    Meeting meeting(
        [](HostOptions& options) { options.gater = std::make_unique<RefuseAtTheEnd>(); });
    REQUIRE(meeting.dial());
    CHECK(meeting.ended().code == CloseCode::gated);
    CHECK(meeting.host->peers().empty());
  }
  {
    Meeting meeting([](HostOptions& options) {
      options.connection_manager = {.low_water = 0, .high_water = 0, .grace = 1s};
    });
    REQUIRE(meeting.dial());
    CHECK(meeting.ended().code == CloseCode::garbage_collected);
  }
}

TEST_CASE("close codes: who breaks the protocol is told so, in yamux's own words") {
  Siege siege;
  auto upgraded = siege.attacker.secured();
  Bytes bytes(yamux::k_header_bytes);
  yamux::encode_header(bytes, {.type = yamux::FrameType::data,
                               .flags = yamux::k_flag_syn,
                               .stream = 1,
                               .length = yamux::k_initial_window_bytes + 1});
  REQUIRE(siege.world.run(upgraded.stream->write(bytes)));
  const auto all = siege.world.run(read_to_end(*upgraded.stream));
  REQUIRE(all);
  REQUIRE(all->size() >= yamux::k_header_bytes);
  const auto last =
      yamux::decode_header(BytesView(*all).subspan(all->size() - yamux::k_header_bytes)).value();
  CHECK(last.type == yamux::FrameType::go_away);
  CHECK(last.length == static_cast<std::uint32_t>(yamux::GoAwayCode::protocol_error));
}

TEST_CASE("close codes: few are told at once why they are refused, the others are just dropped") {
  Meeting meeting([](HostOptions& options) {
    options.limits.handshakes_max = 200;
    options.gater = std::make_unique<RefuseAtTheEnd>();
  });
  std::vector<std::unique_ptr<TestHost>> dialers;
  for (int i = 0; i < 40; ++i) {
    dialers.push_back(
        std::make_unique<TestHost>(meeting.world.add_node("dialer " + std::to_string(i))));
  }
  rt::TaskGroup tasks(meeting.node.loop());
  const auto dial = [](Host& host, PeerId peer, Multiaddr address) -> rt::Co<void> {
    (void)co_await host.connect(peer, {address});
  };
  for (const auto& each : dialers) {
    tasks.spawn("dial", dial(each->host, meeting.host->peer_id(), meeting.address));
  }
  meeting.world.run_for(10s);
  std::size_t told = 0;
  for (const auto& each : dialers) {
    const auto* const end = each->last(Kind::disconnected);
    told += end != nullptr && end->reason->code == CloseCode::gated ? 1 : 0;
    CHECK(each->host.peers().empty());
  }
  CHECK(told > 0);
  CHECK(told == 32);
  CHECK(meeting.world.connections_open() == 0);
  meeting.world.run(tasks.stop());
  for (const auto& each : dialers) {
    meeting.world.run(each->host.stop());
  }
}
