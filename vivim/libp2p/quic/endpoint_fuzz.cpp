// Random and mutated datagrams against an endpoint that listens, with an honest client beside.
#include <cstddef>
#include <cstdint>

#include "vivim/libp2p/quic/endpoint.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/libp2p/tls/certificate.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::quic;

namespace {

struct StillClock final : rt::Clock {
  rt::TimePoint now() const override { return {}; }
  rt::WallMs wall_now_ms() const override { return 1'767'225'600'000; }
};

rt::Endpoint place(std::uint8_t host) {
  return {.ip = rt::IpAddress::v4(10, 0, 0, host), .port = 4001};
}

QuicOptions options_of(rt::Rng& rng) {
  StillClock clock;
  auto options = make_options(
      crypto::KeyPair::generate([&rng](MutableBytes out) { rng.fill(out); }), clock, rng);
  options.verify = [](BytesView der) -> Result<PeerId> {
    VIVIM_TRY(const auto key, tls::verify_certificate_der(der, 1'767'225'600'000));
    return PeerId::of(key);
  };
  return options;
}

/// Reads the input as instructions.
class Script {
 public:
  explicit Script(BytesView bytes) : bytes_(bytes) {}
  bool done() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) {
      return 0;
    }
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  Bytes take(std::size_t count) {
    const std::size_t n = std::min(count, bytes_.size());
    Bytes taken = to_bytes(bytes_.first(n));
    bytes_ = bytes_.subspan(n);
    return taken;
  }

 private:
  BytesView bytes_;
};

void mutate(Bytes& packet, Script& script) {
  const std::uint8_t how = script.byte();
  if (how % 4 == 1) {
    packet[(std::size_t{script.byte()} * 256 + script.byte()) % packet.size()] ^= script.byte();
  } else if (how % 4 == 2) {
    packet.resize(1 + (std::size_t{script.byte()} * 256 + script.byte()) % packet.size());
  } else if (how % 4 == 3) {
    append(packet, script.take(script.byte()));
  }
}

struct Machine {
  Machine(std::uint8_t host, const QuicOptions& options, std::uint64_t seed)
      : at(place(host)),
        rng(seed),
        endpoint(Endpoint::make(options.identity, options.verify, rng).value()) {}

  std::vector<Bytes> packets(Time now) {
    std::vector<Bytes> all;
    Bytes buffer(65'536);
    while (const auto transmit = endpoint->poll_transmit(buffer, now)) {
      for (std::size_t begin = 0; begin < transmit->bytes; begin += transmit->segment_bytes) {
        const std::size_t n = std::min(transmit->segment_bytes, transmit->bytes - begin);
        all.push_back(to_bytes(BytesView(buffer).subspan(begin, n)));
      }
    }
    return all;
  }

  rt::Endpoint at;
  rt::sim::SeededRng rng;
  std::unique_ptr<Endpoint> endpoint;
};

void act(Machine& machine, Script& script) {
  while (const auto event = machine.endpoint->poll_event()) {
    Session* const session = machine.endpoint->find(event->session);
    if (event->event.kind == EventKind::connected) {
      if (const auto stream = session->open_stream()) {
        (void)session->write(*stream, script.take(script.byte()));
      }
    } else if (event->event.kind == EventKind::readable) {
      Bytes into(64);
      (void)session->read(event->event.stream, into);
    }
    machine.endpoint->touch(event->session);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static rt::sim::SeededRng identity_rng(1);
  static const QuicOptions options = options_of(identity_rng);
  Script script(BytesView(data, size));
  Machine client(1, options, 2);
  Machine server(2, options, 3);
  server.endpoint->set_listening(true);
  Time now = std::chrono::seconds(1);
  const auto to_server = Path{.local = server.at, .remote = client.at};
  const auto to_client = Path{.local = client.at, .remote = server.at};
  (void)client.endpoint->connect(to_client, std::nullopt, now);
  for (int round = 0; round < 64 && !script.done(); ++round) {
    if (script.byte() % 4 == 0) {
      const Bytes raw = script.take(std::size_t{script.byte()} * 8);
      server.endpoint->feed(to_server, std::nullopt, raw, now);
    }
    for (Bytes& packet : client.packets(now)) {
      mutate(packet, script);
      server.endpoint->feed(to_server, std::nullopt, packet, now);
    }
    for (Bytes& packet : server.packets(now)) {
      mutate(packet, script);
      client.endpoint->feed(to_client, std::nullopt, packet, now);
    }
    act(client, script);
    act(server, script);
    now += std::chrono::milliseconds(script.byte());
    client.endpoint->on_deadline(now);
    server.endpoint->on_deadline(now);
  }
  return 0;
}
