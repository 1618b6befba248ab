// Hosts with other transports and security protocols than TCP and Noise.
#include "vivim/libp2p/host/host_test_detail.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/host/tcp_transport.hpp"
#include "vivim/libp2p/host/yamux_muxer.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using rt::sim::World;

namespace {

/// Noise by another name.
class OtherSecurity final : public Security {
 public:
  OtherSecurity(std::string name, const crypto::KeyPair& key, rt::Rng& rng)
      : name_(std::move(name)),
        noise_(noise::Identity(key, [&rng](MutableBytes out) { rng.fill(out); }), rng) {}
  std::string_view protocol_id() const override { return name_; }
  rt::Co<Result<SecureChannel>> secure(std::unique_ptr<rt::Stream> transport, Direction direction,
                                       std::optional<PeerId> expected,
                                       std::vector<std::string> muxers) override {
    return noise_.secure(std::move(transport), direction, expected, std::move(muxers));
  }

 private:
  std::string name_;
  NoiseSecurity noise_;
  YamuxMuxer yamux_{yamux::Config{}};
};

/// TCP that claims a property: limited connections, or ones that are secured already.
class OtherTransport final : public Transport {
 public:
  enum class Kind : std::uint8_t { limited, secured };

  OtherTransport(Kind kind, rt::sim::Node& node, const crypto::KeyPair& key)
      : kind_(kind),
        node_(node),
        tcp_(node.network()),
        noise_(noise::Identity(key, [&node](MutableBytes out) { node.rng().fill(out); }),
               node.rng()) {}

  std::string_view name() const override { return "other"; }
  bool can_dial(const Multiaddr& address) const override { return tcp_.can_dial(address); }
  bool can_listen(const Multiaddr& address) const override { return tcp_.can_listen(address); }
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override;
  rt::Co<Result<TransportConnection>> dial(Multiaddr address, DialOptions options) override {
    VIVIM_CO_TRY(auto connection, co_await tcp_.dial(std::move(address), options));
    co_return co_await change(std::move(connection), Direction::outbound);
  }
  void cancel_dials() override { tcp_.cancel_dials(); }
  rt::Co<void> stop() override {
    ++stops;
    co_return;
  }

  rt::Co<Result<TransportConnection>> change(TransportConnection connection, Direction direction) {
    auto& raw = std::get<RawConnection>(connection);
    if (kind_ == Kind::limited) {
      raw.limited = true;
      co_return connection;
    }
    UpgradeProtocols protocols{.securities = {&noise_},
                               .muxers = {std::string(yamux::k_protocol_id)}};
    VIVIM_CO_TRY(auto upgraded, co_await upgrade(std::move(raw.stream), std::move(protocols),
                                                 {.direction = direction}));
    co_return SecuredConnection{
        .peer = upgraded.peer,
        .connection = yamux_.make(node_.loop(), direction, std::move(upgraded.stream),
                                  std::move(upgraded.early)),
        .local = raw.local,
        .remote = raw.remote,
        .security = "inside",
        .muxer = "inside too"};
  }

  static inline int stops = 0;

 private:
  Kind kind_;
  rt::sim::Node& node_;
  TcpTransport tcp_;
  NoiseSecurity noise_;
  YamuxMuxer yamux_{yamux::Config{}};
};

class OtherListener final : public TransportListener {
 public:
  OtherListener(OtherTransport& transport, std::unique_ptr<TransportListener> tcp)
      : transport_(transport), tcp_(std::move(tcp)) {}
  rt::Co<Result<TransportConnection>> accept() override {
    VIVIM_CO_TRY(auto connection, co_await tcp_->accept());
    co_return co_await transport_.change(std::move(connection), Direction::inbound);
  }
  Multiaddr local() const override { return tcp_->local(); }
  void close() override { tcp_->close(); }

 private:
  OtherTransport& transport_;
  std::unique_ptr<TransportListener> tcp_;
};

Result<std::unique_ptr<TransportListener>> OtherTransport::listen(const Multiaddr& address) {
  VIVIM_TRY(auto listener, tcp_.listen(address));
  return std::make_unique<OtherListener>(*this, std::move(listener));
}

struct Party {
  Party(World& world, const std::string& name)
      : node(world.add_node(name)),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })) {}

  void start(HostOptions options) {
    host = std::make_unique<Host>(std::move(options), node.loop(), node.network(), node.rng());
    CHECK(host->handle(std::string(k_echo), echo));
    address = host->listen(Multiaddr::from_tcp(node.ip().to_string(), k_port).value())
                  .value()
                  .with_peer(host->peer_id())
                  .value();
  }
  HostOptions speaking(const std::vector<std::string>& securities) {
    HostOptions options{.key = key};
    for (const auto& name : securities) {
      options.securities.push_back(std::make_unique<OtherSecurity>(name, key, node.rng()));
    }
    return options;
  }
  HostOptions over(OtherTransport::Kind kind) {
    HostOptions options{.key = key};
    options.transports.push_back(std::make_unique<OtherTransport>(kind, node, key));
    return options;
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  std::unique_ptr<Host> host;
  Multiaddr address;
};

struct Pair {
  ~Pair() {
    world.run(a.host->stop());
    world.run(b.host->stop());
    CHECK(world.connections_open() == 0);
  }
  Result<PeerId> connect() { return world.run(a.host->connect(b.address)); }
  bool echoes() {
    const auto got =
        world.run(echo_once(*a.host, a.node.loop(), b.host->peer_id(), to_bytes("something")));
    return got.has_value() && *got == to_bytes("something");
  }

  World world{5};
  Party a{world, "a"};
  Party b{world, "b"};
};

}  // namespace

TEST_CASE("transports: the first security protocol that both have, though the first is refused") {
  Pair pair;
  pair.a.start(pair.a.speaking({"/x/1", "/y/1"}));
  pair.b.start(pair.b.speaking({"/y/1", "/z/1"}));
  REQUIRE(pair.connect());
  pair.world.run_for(1s);
  CHECK(pair.a.host->peers().front().security == "/y/1");
  CHECK(pair.b.host->peers().front().security == "/y/1");
  CHECK(pair.a.host->peers().front().muxer == yamux::k_protocol_id);
  CHECK(pair.a.host->peers().front().transport == "tcp");
  CHECK(pair.echoes());
}

TEST_CASE("transports: no security protocol in common") {
  Pair pair;
  pair.a.start(pair.a.speaking({"/x/1", "/y/1"}));
  pair.b.start(pair.b.speaking({"/z/1"}));
  CHECK(pair.connect().error().is(HostError::no_common_security));
  pair.world.run_for(1s);
}

TEST_CASE("transports: the first security protocol costs no round trip of its own") {
  for (const std::size_t first : {0UL, 1UL}) {
    Pair pair;
    pair.a.start(pair.a.speaking({"/x/1", "/y/1"}));
    pair.b.start(pair.b.speaking({first == 0 ? "/x/1" : "/y/1"}));
    pair.world.set_default_link({.latency = 20ms});
    const auto start = pair.world.now();
    REQUIRE(pair.connect());
    // TCP, then proposal and handshake together; twice when the first is refused.
    CHECK((pair.world.now() - start <= 80ms) == (first == 0));
  }
}

TEST_CASE("transports: connections that come secured") {
  Pair pair;
  pair.a.start(pair.a.over(OtherTransport::Kind::secured));
  pair.b.start(pair.b.over(OtherTransport::Kind::secured));
  REQUIRE(pair.connect());
  CHECK(pair.echoes());
  const PeerInfo seen = pair.b.host->peers().front();
  CHECK(seen.transport == "other");
  CHECK(seen.security == "inside");
  CHECK(seen.muxer == "inside too");
  const auto wrong = pair.b.address
                         .with_peer(PeerId::of(crypto::KeyPair::generate(
                             [&](MutableBytes out) { pair.a.node.rng().fill(out); })))
                         .value();
  CHECK(pair.world.run(pair.a.host->connect(wrong)).error().is(HostError::wrong_peer));
  const int before = OtherTransport::stops;
  pair.world.run(pair.a.host->stop());
  CHECK(OtherTransport::stops == before + 1);
}

TEST_CASE("transports: a listener that failed is not told to peers any more") {
  Pair pair;
  pair.a.start(pair.a.speaking({"/x/1"}));
  pair.b.start(pair.b.over(OtherTransport::Kind::secured));
  std::size_t changes = 0;
  const auto subscription = pair.b.host->subscribe([&](const HostEvent& event) {
    changes += event.kind == HostEvent::Kind::addresses_changed ? 1 : 0;
  });
  pair.b.host->listeners_changed();
  REQUIRE(pair.b.host->listen_addresses().size() == 1);
  changes = 0;
  CHECK(!pair.connect());  // which that transport takes for an error of its listener
  pair.world.run_for(1s);
  CHECK(pair.b.host->listen_addresses().empty());
  CHECK(changes == 1);
  CHECK(pair.b.host->listen(Multiaddr::from_tcp(pair.b.node.ip().to_string(), k_port).value()));
}

TEST_CASE("transports: limited connections carry only what asks for them") {
  Pair pair;
  pair.a.start(pair.a.over(OtherTransport::Kind::limited));
  pair.b.start(pair.b.over(OtherTransport::Kind::limited));
  CHECK(pair.b.host->handle("/patient/1", echo, {.allow_limited = true}));
  REQUIRE(pair.connect());
  const PeerId b = pair.b.host->peer_id();
  CHECK(!pair.a.host->connected(b));
  CHECK(pair.a.host->peers().front().limited);
  CHECK(pair.world.run(open_echo(*pair.a.host, b)).error().is(HostError::not_connected));
  const std::vector<std::string> patient{"/patient/1"};
  auto opened = pair.world.run(pair.a.host->open_stream(b, patient, {.allow_limited = true}));
  REQUIRE(opened);
  CHECK(pair.world.run(opened->stream->write(as_bytes("x"))));
  CHECK(pair.world.run(opened->stream->close_write()));
  CHECK(pair.world.run(read_to_end(*opened->stream)).value() == to_bytes("x"));
  // A peer that ignores the rule is reset.
  const std::vector<std::string> impatient{std::string(k_echo)};
  auto refused = pair.world.run(pair.a.host->open_stream(b, impatient, {.allow_limited = true}));
  CHECK((!refused || !pair.world.run(read_to_end(*refused->stream))));
  CHECK(pair.world.run(pair.a.host->ping(b)));
}
