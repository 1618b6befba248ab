#pragma once

#include <deque>
#include <optional>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/quic/endpoint.hpp"
#include "vivim/libp2p/quic/transport.hpp"
#include "vivim/rt/sim/engine.hpp"

namespace vivim::libp2p::quic::test {

/// A clock that stands still until it is moved.
struct StillClock final : rt::Clock {
  rt::TimePoint now() const override { return at; }
  rt::WallMs wall_now_ms() const override { return 1'767'225'600'000; }
  rt::TimePoint at{};
};

inline rt::Endpoint place(std::uint8_t host, std::uint16_t port = 4001) {
  return {.ip = rt::IpAddress::v4(10, 0, 0, host), .port = port};
}

/// An endpoint with an identity, and what it said.
struct Machine {
  Machine(std::uint8_t host, std::uint64_t seed, SessionConfig config = {},
          EndpointLimits limits = {})
      : rng(seed),
        key(crypto::KeyPair::generate([this](MutableBytes out) { rng.fill(out); })),
        id(PeerId::of(key)),
        at(place(host)),
        options(make_options(key, clock, rng)),
        endpoint(
            Endpoint::make(options.identity, options.verify, rng, config, limits, options.secret)
                .value()) {}

  struct Packet {
    rt::Endpoint from;
    rt::Endpoint to;
    Bytes bytes;
  };

  /// What it sends now, datagram by datagram.
  std::vector<Packet> packets(Time now) {
    std::vector<Packet> all;
    Bytes buffer(std::size_t{64} * 1024);
    while (const auto transmit = endpoint->poll_transmit(buffer, now)) {
      BytesView bytes = BytesView(buffer).first(transmit->bytes);
      while (!bytes.empty()) {
        const std::size_t count = std::min(bytes.size(), transmit->segment_bytes);
        all.push_back({at, transmit->path.remote, to_bytes(bytes.first(count))});
        bytes = bytes.subspan(count);
      }
    }
    collect();
    return all;
  }

  void feed(const rt::Endpoint& from, BytesView bytes, Time now) {
    endpoint->feed({.local = at, .remote = from}, std::nullopt, bytes, now);
    collect();
  }

  void collect() {
    while (const auto event = endpoint->poll_event()) {
      events.push_back(*event);
    }
  }

  std::size_t count(EventKind kind) const {
    std::size_t total = 0;
    for (const auto& event : events) {
      total += event.event.kind == kind ? 1 : 0;
    }
    return total;
  }
  SessionId last_session() const { return events.empty() ? 0 : events.back().session; }

  StillClock clock;
  rt::sim::SeededRng rng;
  crypto::KeyPair key;
  PeerId id;
  rt::Endpoint at;
  QuicOptions options;
  std::unique_ptr<Endpoint> endpoint;
  std::vector<EndpointEvent> events;
};

/// Carries datagrams between two machines, a millisecond at a time, until neither has had any for a
/// while; returns how many.
inline std::size_t carry(Machine& a, Machine& b, Time& now, int quiet_max = 50) {
  std::size_t total = 0;
  for (int quiet = 0; quiet < quiet_max && total < 100'000; ++quiet) {
    for (auto [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
      for (const auto& packet : from->packets(now)) {
        if (packet.to == to->at) {
          to->feed(packet.from, packet.bytes, now);
        }
        quiet = 0;
        ++total;
      }
    }
    now += std::chrono::milliseconds(1);
    a.endpoint->on_deadline(now);
    b.endpoint->on_deadline(now);
  }
  return total;
}

}  // namespace vivim::libp2p::quic::test
