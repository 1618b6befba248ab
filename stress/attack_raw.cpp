// Attacks before anything is secured.
#include <array>

#include "stress/attack.hpp"
#include "vivim/libp2p/multistream/message.hpp"
#include "vivim/libp2p/quic/endpoint.hpp"
#include "vivim/libp2p/quic/transport.hpp"

namespace vivim::stress {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
namespace multistream = libp2p::multistream;

constexpr std::size_t k_garbage_bytes = 4096;
constexpr std::size_t k_hello_bytes = 1200;

Bytes proposal() {
  Bytes bytes;
  multistream::append_message(bytes, multistream::k_protocol_id);
  multistream::append_message(bytes, libp2p::noise::k_protocol_id);
  return bytes;
}

// Connects and says nothing.
rt::Co<void> half_open(Ground& ground) {
  const auto stream = co_await ground.dial(ground.rng().below(2) == 0 ? Way::tcp : Way::ws);
  if (stream) {
    co_await ground.linger(3s);
  }
}

// Speaks the protocol, a byte at a time.
rt::Co<void> slow_loris(Ground& ground) {
  const Way way = ground.rng().below(2) == 0 ? Way::tcp : Way::ws;
  const auto stream = co_await ground.dial(way);
  if (!stream) {
    co_return;
  }
  const Bytes words = way == Way::ws ? to_bytes("GET / HTTP/1.1\r\nHost: a\r\n") : proposal();
  for (const auto byte : words) {
    if (ground.over() || !co_await stream->write(BytesView(&byte, 1))) {
      co_return;
    }
    co_await ground.linger(200ms);
  }
}

rt::Co<void> garbage(Ground& ground) {
  const auto stream = co_await ground.dial(ground.rng().below(2) == 0 ? Way::tcp : Way::ws);
  if (!stream) {
    co_return;
  }
  const auto guard = ground.fuse(*stream, 1s);
  Bytes bytes(k_garbage_bytes);
  ground.rng().fill(bytes);
  if (co_await stream->write(bytes)) {
    co_await drain(*stream);
  }
}

// Announces more than anybody reads: of multistream, of Noise, of an HTTP head.
rt::Co<void> oversized(Ground& ground) {
  const auto kind = ground.rng().below(3);
  const auto stream = co_await ground.dial(kind == 2 ? Way::ws : Way::tcp);
  if (!stream) {
    co_return;
  }
  const auto guard = ground.fuse(*stream, 1s);
  Bytes bytes;
  if (kind == 0) {
    bytes = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
  } else if (kind == 1) {
    bytes = proposal();
    append(bytes, Bytes{0xff, 0xff});
  } else {
    bytes = to_bytes("GET / HTTP/1.1\r\nX: ");
  }
  bytes.resize(bytes.size() + 4 * k_garbage_bytes, 'x');
  if (co_await stream->write(bytes)) {
    co_await drain(*stream);
  }
}

// A whole handshake, which costs the target a key exchange, and gone.
rt::Co<void> handshake(Ground& ground) {
  (void)co_await ground.secure();
}

// First packets of QUIC connections that never go on, and packets that are nothing.
rt::Co<void> quic_hellos(Ground& ground) {
  const rt::Endpoint to{.ip = ground.target().ip, .port = ground.target().ports.quic};
  auto socket = ground.network().open_datagram(
      {.ip = to.ip.is_loopback() ? to.ip : rt::IpAddress{}, .port = 0}, {});
  const auto key = crypto::KeyPair::generate([&](MutableBytes out) { ground.rng().fill(out); });
  const auto options = libp2p::quic::make_options(key, ground.loop().clock(), ground.rng());
  if (!socket) {
    co_return;
  }
  Bytes buffer(std::size_t{64} * 1024);
  for (int left = 64; left > 0 && !ground.over(); --left) {
    auto endpoint = libp2p::quic::Endpoint::make(options.identity, options.verify, ground.rng());
    const auto now = ground.loop().clock().now().time_since_epoch();
    if (!endpoint || !(*endpoint)->connect({.local = (*socket)->local(), .remote = to}, {}, now)) {
      co_return;
    }
    while (const auto packet = (*endpoint)->poll_transmit(buffer, now)) {
      (void)co_await (*socket)->send(to, BytesView(buffer).first(packet->bytes));
    }
    Bytes nothing(k_hello_bytes);
    ground.rng().fill(nothing);
    nothing[0] |= 0xc0;
    (void)co_await (*socket)->send(to, nothing);
    co_await rt::sleep_for(ground.loop(), 1ms);
  }
}

constexpr std::array<Attack, 6> k_raw_attacks{{{"half-open connections", half_open, 256},
                                               {"slow loris", slow_loris, 256},
                                               {"garbage", garbage, 16},
                                               {"oversized lengths", oversized, 16},
                                               {"handshakes", handshake, 4, Answer::borne},
                                               {"QUIC hellos", quic_hellos, 4}}};

}  // namespace

std::span<const Attack> raw_attacks() {
  return k_raw_attacks;
}

}  // namespace vivim::stress
