// Every security protocol with every muxer, agreed on early and late, in private networks, and with
// peers that break TLS or mplex.
#include "vivim/libp2p/host/host_test_detail.hpp"
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/host/tcp_transport.hpp"
#include "vivim/libp2p/host/upgrade.hpp"
#include "vivim/libp2p/host/yamux_muxer.hpp"
#include "vivim/libp2p/mplex/muxer.hpp"
#include "vivim/libp2p/pnet/transport.hpp"
#include "vivim/libp2p/tls/security.hpp"
#include "vivim/libp2p/tls/stream.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::test;
using namespace std::chrono_literals;
using rt::sim::World;

namespace {

enum class Sec : std::uint8_t { noise, tls };
enum class Mux : std::uint8_t { yamux, mplex };

/// Names no muxer within the handshake, as peers that know nothing of that.
class LateSecurity final : public Security {
 public:
  explicit LateSecurity(std::unique_ptr<Security> inner) : inner_(std::move(inner)) {}
  std::string_view protocol_id() const override { return inner_->protocol_id(); }
  rt::Co<Result<SecureChannel>> secure(std::unique_ptr<rt::Stream> transport, Direction direction,
                                       std::optional<PeerId> expected,
                                       std::vector<std::string>) override {
    return inner_->secure(std::move(transport), direction, std::move(expected), {});
  }

 private:
  std::unique_ptr<Security> inner_;
};

struct Speaks {
  std::vector<Sec> securities;
  std::vector<Mux> muxers;
  bool early = true;
  std::string network_key = {};  ///< a key file
  HostTimes times = {};
};

struct Speaker {
  Speaker(World& world, const std::string& name)
      : node(world.add_node(name)),
        random([this](MutableBytes out) { node.rng().fill(out); }),
        key(crypto::KeyPair::generate(random)) {}

  std::unique_ptr<Security> make(Sec sec, bool early) {
    std::unique_ptr<Security> made;
    if (sec == Sec::noise) {
      made = std::make_unique<NoiseSecurity>(noise::Identity(key, random), node.rng());
    } else {
      made = std::make_unique<tls::TlsSecurity>(key, random, node.clock());
    }
    return early ? std::move(made) : std::make_unique<LateSecurity>(std::move(made));
  }
  static std::unique_ptr<Muxer> make(Mux mux) {
    if (mux == Mux::yamux) {
      return std::make_unique<YamuxMuxer>(yamux_config({}, {}));
    }
    return std::make_unique<mplex::MplexMuxer>();
  }

  void start(const Speaks& speaks) {
    HostOptions options{.key = key, .times = speaks.times};
    for (const Sec sec : speaks.securities) {
      options.securities.push_back(make(sec, speaks.early));
    }
    for (const Mux mux : speaks.muxers) {
      options.muxers.push_back(make(mux));
    }
    if (!speaks.network_key.empty()) {
      options.transports.push_back(pnet::make_private(
          std::make_unique<TcpTransport>(node.network()),
          pnet::PreSharedKey::parse(as_bytes(speaks.network_key)).value(), random));
    }
    host = std::make_unique<Host>(std::move(options), node.loop(), node.network(), node.rng());
    CHECK(host->handle(std::string(k_echo), echo));
    address = host->listen(Multiaddr::from_tcp(node.ip().to_string(), k_port).value())
                  .value()
                  .with_peer(host->peer_id())
                  .value();
  }

  rt::sim::Node& node;
  crypto::RandomSource random;
  crypto::KeyPair key;
  std::unique_ptr<Host> host;
  Multiaddr address;
};

Bytes numbered(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  }
  return out;
}

struct SpeakerPair {
  ~SpeakerPair() {
    world.run(a.host->stop());
    world.run(b.host->stop());
    CHECK(world.connections_open() == 0);
  }
  Result<PeerId> connect() { return world.run(a.host->connect(b.address)); }
  bool echoes(std::size_t size) {
    const Bytes sent = numbered(size);
    const auto got = world.run(echo_once(*a.host, a.node.loop(), b.host->peer_id(), sent));
    return got.has_value() && *got == sent;
  }

  World world{5};
  Speaker a{world, "a"};
  Speaker b{world, "b"};
};

std::string_view name_of(Sec sec) {
  return sec == Sec::noise ? noise::k_protocol_id : tls::k_protocol_id;
}

std::string_view name_of(Mux mux) {
  return mux == Mux::yamux ? yamux::k_protocol_id : mplex::k_protocol_id;
}

rt::Co<void> echo_into(SpeakerPair& pair, std::size_t size, int& good) {
  const Bytes sent = numbered(size);
  const auto got =
      co_await echo_once(*pair.a.host, pair.a.node.loop(), pair.b.host->peer_id(), sent);
  good += got.has_value() && *got == sent ? 1 : 0;
}

/// The victim speaks TLS and mplex alone; the attacker is a node without a host.
struct TlsSiege {
  TlsSiege() {
    pair.b.start(
        {.securities = {Sec::tls}, .muxers = {Mux::mplex}, .times = {.handshake_max = 5s}});
    pair.a.start({.securities = {Sec::tls}, .muxers = {Mux::mplex}});
  }
  ~TlsSiege() {
    pair.world.run_for(1s);
    CHECK(pair.b.host->peers().empty());
    REQUIRE(pair.connect());  // an honest peer is served all the same
    CHECK(pair.echoes(1000));
  }
  std::unique_ptr<rt::Stream> dial() {
    auto connection =
        pair.world.run(attacker.network().dial({.ip = pair.b.node.ip(), .port = k_port}, 5s));
    REQUIRE(connection);
    return std::move(connection->stream);
  }
  /// A connection on which TLS was agreed on.
  std::unique_ptr<rt::Stream> dial_tls() {
    auto stream = dial();
    const auto agreement = pair.world.run(propose(*stream, {std::string(tls::k_protocol_id)}));
    REQUIRE(agreement);
    return stream;
  }
  /// Whether the victim ends `stream` within `time`.
  bool ended(rt::Stream& stream, rt::Duration time = 1s) {
    rt::TaskGroup tasks(attacker.loop());
    bool over = false;
    tasks.spawn("read", read_until_over(stream, over));
    tasks.on_stop([&stream] { stream.reset(0); });
    pair.world.run_for(time);
    const bool was_over = over;
    pair.world.run(tasks.stop());
    return was_over;
  }
  static rt::Co<void> read_until_over(rt::Stream& stream, bool& over) {
    Bytes buffer(1000);
    for (;;) {
      const auto count = co_await stream.read_some(buffer);
      if (!count || *count == 0) {
        over = true;
        co_return;
      }
    }
  }
  tls::SessionOptions options() {
    return {.protocols = {std::string(mplex::k_protocol_id), "libp2p"},
            .now = attacker.clock().wall_now_ms()};
  }

  SpeakerPair pair;
  rt::sim::Node& attacker = pair.world.add_node("attacker");
};

rt::Co<Result<std::unique_ptr<tls::TlsStream>>> shake(std::unique_ptr<rt::Stream> stream,
                                                      tls::Session session) {
  return tls::shake_hands(std::move(stream), std::move(session));
}

}  // namespace

TEST_CASE("combinations: every security protocol with every muxer, early and late") {
  for (const Sec sec : {Sec::noise, Sec::tls}) {
    for (const Mux mux : {Mux::yamux, Mux::mplex}) {
      for (const auto& [a_early, b_early] : {std::pair(true, true), {true, false}, {false, true}}) {
        CAPTURE(name_of(sec));
        CAPTURE(name_of(mux));
        CAPTURE(a_early);
        CAPTURE(b_early);
        SpeakerPair pair;
        pair.a.start({.securities = {sec}, .muxers = {mux}, .early = a_early});
        pair.b.start({.securities = {sec}, .muxers = {mux}, .early = b_early});
        REQUIRE(pair.connect());
        pair.world.run_for(1s);
        for (Speaker* party : {&pair.a, &pair.b}) {
          REQUIRE(party->host->peers().size() == 1);
          CHECK(party->host->peers().front().security == name_of(sec));
          CHECK(party->host->peers().front().muxer == name_of(mux));
        }
        CHECK(pair.echoes(0));
        CHECK(pair.echoes(1));
        CHECK(pair.echoes(700'000));
        CHECK(pair.world.run(pair.a.host->ping(pair.b.host->peer_id())));
        int good = 0;
        rt::TaskGroup tasks(pair.a.node.loop());
        for (int i = 0; i < 20; ++i) {
          tasks.spawn("echo", echo_into(pair, 20'000, good));
        }
        pair.world.run_for(1s);
        pair.world.run(tasks.stop());
        CHECK(good == 20);
      }
    }
  }
}

TEST_CASE("combinations: the dialer's muxer wins, by either security protocol") {
  for (const Sec sec : {Sec::noise, Sec::tls}) {
    SpeakerPair pair;
    pair.a.start({.securities = {sec}, .muxers = {Mux::mplex, Mux::yamux}});
    pair.b.start({.securities = {sec}, .muxers = {Mux::yamux, Mux::mplex}});
    REQUIRE(pair.connect());
    CHECK(pair.a.host->peers().front().muxer == mplex::k_protocol_id);
    CHECK(pair.echoes(10));
  }
}

TEST_CASE("combinations: a dialer that prefers what the listener lacks") {
  for (const Sec sec : {Sec::noise, Sec::tls}) {
    const Sec other = sec == Sec::noise ? Sec::tls : Sec::noise;
    SpeakerPair pair;
    pair.a.start({.securities = {other, sec}, .muxers = {Mux::mplex, Mux::yamux}});
    pair.b.start({.securities = {sec}, .muxers = {Mux::yamux}});
    REQUIRE(pair.connect());
    CHECK(pair.a.host->peers().front().security == name_of(sec));
    CHECK(pair.a.host->peers().front().muxer == yamux::k_protocol_id);
    CHECK(pair.echoes(10));
  }
}

TEST_CASE("combinations: no muxer in common") {
  for (const Sec sec : {Sec::noise, Sec::tls}) {
    SpeakerPair pair;
    pair.a.start({.securities = {sec}, .muxers = {Mux::mplex}});
    pair.b.start({.securities = {sec}, .muxers = {Mux::yamux}});
    CHECK(pair.connect().error().is(HostError::no_common_muxer));
    pair.world.run_for(1s);
  }
}

TEST_CASE("combinations: two round trips to a connection, three to the first byte") {
  for (const Sec sec : {Sec::noise, Sec::tls}) {
    for (const Mux mux : {Mux::yamux, Mux::mplex}) {
      SpeakerPair pair;
      pair.a.start({.securities = {sec}, .muxers = {mux}});
      pair.b.start({.securities = {sec}, .muxers = {mux}});
      pair.world.set_default_link({.latency = 20ms});
      const auto start = pair.world.now();
      REQUIRE(pair.connect());
      CHECK(pair.world.now() - start <= 85ms);
    }
  }
}

TEST_CASE("combinations: in a private network") {
  const auto key = pnet::PreSharedKey::generate(crypto::os_random);
  const std::string file(as_text(key.to_file().view()));
  for (const Sec sec : {Sec::noise, Sec::tls}) {
    for (const Mux mux : {Mux::yamux, Mux::mplex}) {
      SpeakerPair pair;
      pair.a.start({.securities = {sec}, .muxers = {mux}, .network_key = file});
      pair.b.start({.securities = {sec}, .muxers = {mux}, .network_key = file});
      pair.world.set_default_link({.latency = 20ms});
      const auto start = pair.world.now();
      REQUIRE(pair.connect());
      CHECK(pair.world.now() - start <= 85ms);  // the nonces cost no round trip
      CHECK(pair.echoes(100'000));
    }
  }
}

TEST_CASE("combinations: a private network keeps others out, and says so") {
  const auto file = [] {
    return std::string(as_text(pnet::PreSharedKey::generate(crypto::os_random).to_file().view()));
  };
  const std::string ours = file();
  for (const std::string& theirs : {file(), std::string()}) {
    SpeakerPair pair;
    pair.a.start({.securities = {Sec::noise}, .muxers = {Mux::yamux}, .network_key = theirs});
    pair.b.start({.securities = {Sec::noise}, .muxers = {Mux::yamux}, .network_key = ours});
    CHECK_FALSE(pair.connect());
    pair.world.run_for(20s);
    CHECK(pair.a.host->peers().empty());
    CHECK(pair.b.host->peers().empty());
    const auto back = pair.world.run(pair.b.host->connect(pair.a.address));
    REQUIRE_FALSE(back);
    CHECK((back.error().is(pnet::PnetError::wrong_key) ||
           back.error().is(pnet::PnetError::public_network) ||
           back.error().is(rt::RtError::reset)));
  }
}

TEST_CASE("hostile tls: another peer than the dialled one") {
  SpeakerPair pair;
  pair.a.start({.securities = {Sec::tls}, .muxers = {Mux::yamux}});
  pair.b.start({.securities = {Sec::tls}, .muxers = {Mux::yamux}});
  const auto wrong = Multiaddr::from_tcp(pair.b.node.ip().to_string(), k_port)
                         .value()
                         .with_peer(PeerId::of(crypto::KeyPair::generate(pair.a.random)))
                         .value();
  CHECK(pair.world.run(pair.a.host->connect(wrong)).error().is(tls::TlsError::wrong_peer));
  pair.world.run_for(1s);
  CHECK(pair.b.host->peers().empty());
}

TEST_CASE("hostile tls: handshakes that stall are ended") {
  TlsSiege siege;
  auto silent = siege.dial();
  CHECK(siege.ended(*silent, 6s));
  auto agreed = siege.dial_tls();
  CHECK(siege.ended(*agreed, 6s));
  auto half = siege.dial_tls();
  tls::Session session(tls::Context::client({.source = tls::Trust::Source::everybody}).value(),
                       siege.options());
  REQUIRE(session.advance());
  const Bytes hello = session.poll_transmit();
  REQUIRE(siege.pair.world.run(half->write(BytesView(hello).first(hello.size() / 2))));
  CHECK(siege.ended(*half, 6s));
}

TEST_CASE("hostile tls: records above the limit, and bytes that are no TLS") {
  TlsSiege siege;
  for (const Bytes& bytes :
       {Bytes{0x16, 0x03, 0x01, 0xff, 0xff}, Bytes{0x17, 0x03, 0x03, 0x50, 0}, Bytes(5000, 0x42)}) {
    auto stream = siege.dial_tls();
    (void)siege.pair.world.run(stream->write(bytes));
    CHECK(siege.ended(*stream));
  }
}

TEST_CASE("hostile tls: bad certificates") {
  TlsSiege siege;
  const auto now = siege.attacker.clock().wall_now_ms();
  const auto key = crypto::KeyPair::generate(crypto::os_random);
  constexpr rt::WallMs k_century = 36'525LL * 24 * 3600 * 1000;
  const auto future = tls::make_certificate(key, crypto::os_random, now + k_century);
  const auto past = tls::make_certificate(key, crypto::os_random, now - 2 * k_century);
  auto forged = tls::make_certificate(key, crypto::os_random, now);
  forged.der.back() ^= 1;
  const std::shared_ptr<const tls::Context> contexts[] = {
      tls::Context::client({.source = tls::Trust::Source::everybody}).value(),  // none at all
      tls::Context::libp2p(future), tls::Context::libp2p(past), tls::Context::libp2p(forged)};
  for (const auto& context : contexts) {
    // The client is done before the server has judged; then it learns.
    auto stream =
        siege.pair.world.run(shake(siege.dial_tls(), tls::Session(context, siege.options())));
    REQUIRE(stream);
    CHECK(siege.ended(**stream));
    CHECK(siege.pair.b.host->peers().empty());
  }
}

TEST_CASE("hostile mplex: what breaks the protocol ends the connection") {
  for (const Bytes& bytes :
       {Bytes{0x07, 0x00}, Bytes{0x02, 0xff, 0xff, 0xff, 0x7f}, Bytes{0x08, 0x00, 0x08, 0x00}}) {
    TlsSiege siege;
    const auto key = crypto::KeyPair::generate(crypto::os_random);
    const auto context = tls::Context::libp2p(
        tls::make_certificate(key, crypto::os_random, siege.attacker.clock().wall_now_ms()));
    auto stream =
        siege.pair.world.run(shake(siege.dial_tls(), tls::Session(context, siege.options())));
    REQUIRE(stream);
    REQUIRE(siege.pair.world.run((*stream)->write(bytes)));
    CHECK(siege.ended(**stream));
  }
}
