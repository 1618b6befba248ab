#include "vivim/libp2p/quic/endpoint.hpp"

#include "vivim/libp2p/quic/endpoint_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::quic;
using namespace vivim::libp2p::quic::test;
using namespace std::chrono_literals;

namespace {

struct Two {
  explicit Two(EndpointLimits limits = {}, SessionConfig config = {})
      : client(1, 1), server(2, 2, config, limits) {
    server.endpoint->set_listening(true);
  }

  SessionId connect(std::optional<PeerId> expected = std::nullopt) {
    return client.endpoint->connect({.local = client.at, .remote = server.at}, expected, now)
        .value();
  }

  Machine client;
  Machine server;
  Time now = 1s;
  std::size_t events_from = 0;
};

/// Carries datagrams between two machines with a delay, a millisecond at a time.
struct LongPath {
  struct Flying {
    Time due;
    Machine* to;
    Machine::Packet packet;
  };

  void step() {
    for (auto [from, to] :
         {std::pair{&two.client, &two.server}, std::pair{&two.server, &two.client}}) {
      for (auto& packet : from->packets(two.now)) {
        flying.push_back({.due = two.now + delay, .to = to, .packet = std::move(packet)});
      }
    }
    two.now += 1ms;
    while (!flying.empty() && flying.front().due <= two.now) {
      const auto arrived = std::move(flying.front());
      flying.pop_front();
      arrived.to->feed(arrived.packet.from, arrived.packet.bytes, two.now);
    }
    two.client.endpoint->on_deadline(two.now);
    two.server.endpoint->on_deadline(two.now);
  }

  Two& two;
  Time delay = 30ms;
  std::deque<Flying> flying = {};
};

Bytes first_packet(std::uint64_t seed, Time now) {
  Machine machine(1, seed);
  (void)machine.endpoint->connect({.local = machine.at, .remote = place(2)}, std::nullopt, now);
  return machine.packets(now).front().bytes;
}

/// Error of the last `closed` of a machine's sessions.
Error error_of(Machine& machine) {
  for (auto at = machine.events.rbegin(); at != machine.events.rend(); ++at) {
    if (at->event.kind == EventKind::closed) {
      return machine.endpoint->find(at->session)->error();
    }
  }
  FAIL("nothing was closed");
  return QuicError::internal;
}

}  // namespace

TEST_CASE("endpoint: a handshake, a stream, an end") {
  Two two;
  const SessionId id = two.connect(two.server.id);
  carry(two.client, two.server, two.now);
  REQUIRE(two.client.count(EventKind::connected) == 1);
  REQUIRE(two.server.count(EventKind::connected) == 1);
  Session& session = *two.client.endpoint->find(id);
  CHECK(session.peer() == two.server.id);
  CHECK(!session.inbound());
  Session& inbound = *two.server.endpoint->find(two.server.events.front().session);
  CHECK(inbound.peer() == two.client.id);
  CHECK(inbound.inbound());
  CHECK(two.server.endpoint->half_open() == 0);

  const StreamId stream = session.open_stream().value();
  CHECK(session.write(stream, as_bytes("hello")).value() == 5);
  CHECK(session.close_write(stream));
  CHECK(session.write(stream, as_bytes("x")).error().is(QuicError::stream_closed));
  CHECK(!session.flush());
  two.client.endpoint->touch(id);
  carry(two.client, two.server, two.now);
  CHECK(two.client.count(EventKind::flushed) == 1);
  CHECK(two.server.count(EventKind::opened) == 1);
  Bytes buffer(10);
  const auto got = inbound.read(stream, buffer);
  REQUIRE(got);
  CHECK(got->count == 5);
  CHECK(got->at_end);

  session.close(77, two.now);
  two.client.endpoint->touch(id);
  carry(two.client, two.server, two.now);
  CHECK(error_of(two.client).is(QuicError::closed));
  CHECK(error_of(two.server).is(QuicError::closed_by_peer));
  CHECK(error_of(two.server).detail() == 77);
  CHECK(session.open_stream().error().is(QuicError::closed));
  for (Machine* const machine : {&two.client, &two.server}) {
    machine->endpoint->release(machine->events.front().session, two.now);
    two.now += 10s;
    machine->endpoint->on_deadline(two.now);
    (void)machine->packets(two.now);
    CHECK(machine->endpoint->sessions() == 0);
  }
}

TEST_CASE("endpoint: another peer than the expected one is refused by the dialer") {
  Two two;
  two.connect(two.client.id);
  carry(two.client, two.server, two.now);
  CHECK(two.client.count(EventKind::connected) == 0);
  CHECK(error_of(two.client).is(QuicError::wrong_peer));
  CHECK(two.server.count(EventKind::connected) == 0);
  CHECK(error_of(two.server).is(QuicError::handshake_failed));
}

TEST_CASE("endpoint: a certificate that does not prove an identity is refused by both sides") {
  const CertificateVerifier deny = [](BytesView) -> Result<PeerId> {
    return fail(QuicError::identity);
  };
  for (const bool at_server : {true, false}) {
    Two two;
    Machine& strict = at_server ? two.server : two.client;
    strict.endpoint = Endpoint::make(strict.options.identity, deny, strict.rng).value();
    strict.endpoint->set_listening(true);
    two.connect();
    carry(two.client, two.server, two.now);
    CHECK(error_of(strict).is(QuicError::identity));
    Machine& other = at_server ? two.client : two.server;
    CHECK(error_of(other).is(QuicError::handshake_failed));
  }
}

TEST_CASE("GHSA-5hq8-qhww-jm7q: a certificate that expires while its handshake goes on") {
  for (const bool before_first_check : {true, false}) {
    Two two;
    bool expired = false;
    const auto verify = two.server.options.verify;
    const CertificateVerifier expiring = [&](BytesView der) -> Result<PeerId> {
      if (std::exchange(expired, true)) {  // valid once at most
        return fail(QuicError::identity);
      }
      return verify(der);
    };
    two.server.endpoint =
        Endpoint::make(two.server.options.identity, expiring, two.server.rng).value();
    two.server.endpoint->set_listening(true);
    expired = before_first_check;
    two.connect(two.server.id);
    carry(two.client, two.server, two.now);
    CHECK(two.server.count(EventKind::connected) == (before_first_check ? 0 : 1));
    if (before_first_check) {
      CHECK(error_of(two.server).is(QuicError::identity));
    } else {  // who it is was decided by the handshake, and is not asked again
      CHECK(two.server.endpoint->find(two.server.last_session())->peer() == two.client.id);
    }
    expired = false;
    Machine honest(3, 3);
    (void)honest.endpoint->connect({.local = honest.at, .remote = two.server.at}, two.server.id,
                                   two.now);
    carry(honest, two.server, two.now);
    CHECK(honest.count(EventKind::connected) == 1);
  }
}

TEST_CASE("endpoint: garbage is dropped, and nothing is made for it") {
  Two two;
  rt::sim::SeededRng rng(7);
  for (int i = 0; i < 5000; ++i) {
    Bytes bytes(1 + rng.next() % 1500);
    rng.fill(bytes);
    two.server.feed(two.client.at, bytes, two.now);
    const std::size_t sent = two.server.packets(two.now).size();
    CHECK(sent <= 1);
  }
  CHECK(two.server.endpoint->sessions() == 0);
  const auto& stats = two.server.endpoint->stats();
  CHECK(stats.dropped + stats.resets + stats.version_answers == 5000);
}

TEST_CASE("endpoint: mutated handshakes end nothing but themselves") {
  rt::sim::SeededRng rng(9);
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    Two two;
    two.connect();
    for (int round = 0; round < 40; ++round) {
      for (auto [from, to] : {std::pair{&two.client, &two.server}, {&two.server, &two.client}}) {
        for (auto& packet : from->packets(two.now)) {
          if (rng.chance(300'000)) {
            packet.bytes[rng.next() % packet.bytes.size()] ^= static_cast<std::uint8_t>(rng.next());
          }
          if (rng.chance(100'000)) {
            packet.bytes.resize(1 + rng.next() % packet.bytes.size());
          }
          to->feed(packet.from, packet.bytes, two.now);
        }
      }
      two.now += 50ms;
      two.client.endpoint->on_deadline(two.now);
      two.server.endpoint->on_deadline(two.now);
    }
    CHECK(two.server.endpoint->sessions() <= 2);
  }
}

TEST_CASE("endpoint: before an address is proven, three bytes are sent for one at most") {
  Two two;
  const Bytes initial = first_packet(5, two.now);
  two.server.feed(two.client.at, initial, two.now);
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    for (const auto& packet : two.server.packets(two.now)) {
      sent += packet.bytes.size();
    }
    two.now += 100ms;
    two.server.endpoint->on_deadline(two.now);
  }
  CHECK(sent > 0);
  CHECK(sent <= 3 * initial.size());
  // And the half-open handshake is gone in time.
  two.now += 10s;
  two.server.endpoint->on_deadline(two.now);
  (void)two.server.packets(two.now);
  CHECK(two.server.endpoint->half_open() == 0);
}

TEST_CASE(
    "endpoint: above a number of half-open handshakes clients must prove their address "
    "(RUSTSEC-2024-0373)") {
  Two two({.half_open_max = 64, .retry_above = 4});
  for (std::uint64_t seed = 10; seed < 200; ++seed) {
    two.server.feed(place(9, static_cast<std::uint16_t>(seed)), first_packet(seed, two.now),
                    two.now);
    (void)two.server.packets(two.now);
  }
  CHECK(two.server.endpoint->half_open() == 4);
  CHECK(two.server.endpoint->stats().retries == 186);
  // An honest client proves its address and is served.
  two.connect(two.server.id);
  carry(two.client, two.server, two.now);
  CHECK(two.client.count(EventKind::connected) == 1);
  CHECK(two.server.count(EventKind::connected) == 1);
}

TEST_CASE("endpoint: one address that proves itself again and again leaves room for others") {
  Two two({.half_open_max = 64, .retry_above = 0, .half_open_per_address_max = 8});
  const auto begin = [&two](std::uint8_t host, std::uint16_t port) {
    Machine crowd(host, std::uint64_t{1000} + port);
    crowd.at = place(host, port);
    REQUIRE(crowd.endpoint->connect({.local = crowd.at, .remote = two.server.at}, std::nullopt,
                                    two.now));
    for (int flight = 0; flight < 2; ++flight) {  // one more after the Retry, and no answer to it
      for (const auto& packet : crowd.packets(two.now)) {
        two.server.feed(packet.from, packet.bytes, two.now);
      }
      for (const auto& packet : two.server.packets(two.now)) {
        if (flight == 0 && packet.to == crowd.at) {
          crowd.feed(packet.from, packet.bytes, two.now);
        }
      }
    }
  };
  for (std::uint16_t port = 1; port <= 20; ++port) {
    begin(9, port);
  }
  CHECK(two.server.endpoint->half_open() == 8);
  CHECK(two.server.endpoint->stats().refused == 12);
  begin(8, 1);
  CHECK(two.server.endpoint->half_open() == 9);
  two.connect(two.server.id);
  carry(two.client, two.server, two.now);
  CHECK(two.client.count(EventKind::connected) == 1);
}

TEST_CASE("endpoint: half-open handshakes and sessions are limited, and refused so") {
  Two two({.half_open_max = 8, .retry_above = 1000});
  for (std::uint64_t seed = 10; seed < 100; ++seed) {
    two.server.feed(place(9, static_cast<std::uint16_t>(seed)), first_packet(seed, two.now),
                    two.now);
  }
  CHECK(two.server.endpoint->half_open() == 8);
  CHECK(two.server.endpoint->stats().refused == 82);
  CHECK(two.server.packets(two.now).size() <= 8 * 4 + 64);  // answers_max
  two.connect();
  carry(two.client, two.server, two.now);
  CHECK(error_of(two.client).is(QuicError::refused));

  Two full({.sessions_max = 1});
  full.connect();
  carry(full.client, full.server, full.now);
  CHECK(full.client.count(EventKind::connected) == 1);
  full.connect();
  carry(full.client, full.server, full.now);
  CHECK(error_of(full.client).is(QuicError::refused));
  Machine small(3, 3, {}, {.sessions_max = 1});
  const Path path{.local = small.at, .remote = full.server.at};
  CHECK(small.endpoint->connect(path, std::nullopt, full.now));
  const auto refused = small.endpoint->connect(path, std::nullopt, full.now);
  REQUIRE(!refused);
  CHECK(refused.error().is(QuicError::too_many_connections));
}

TEST_CASE("endpoint: who is not let in gets no byte of a handshake, and knows at once") {
  Two two;
  std::vector<rt::Endpoint> asked;
  two.server.endpoint->set_admission([&](const rt::Endpoint& remote) {
    asked.push_back(remote);
    return false;
  });
  const SessionId id = two.connect(two.server.id);
  for (const auto& packet : two.client.packets(two.now)) {
    two.server.feed(packet.from, packet.bytes, two.now);
  }
  CHECK(two.server.endpoint->sessions() == 0);
  CHECK(two.server.endpoint->stats().gated == 1);
  CHECK(asked == std::vector{two.client.at});
  const auto answers = two.server.packets(two.now);
  REQUIRE(answers.size() == 1);
  CHECK(answers.front().bytes.size() < 100);  // no hello fits into that
  two.client.feed(answers.front().from, answers.front().bytes, two.now);
  REQUIRE(two.client.count(EventKind::closed) == 1);
  CHECK(two.client.endpoint->find(id)->error().is(QuicError::refused));
}

TEST_CASE("endpoint: other versions are answered with ours, once, and only when long enough") {
  Two two;
  Bytes packet(1200);
  packet[0] = 0xc0;
  store_be32(MutableBytes(packet).subspan(1), 0x1a2a3a4a);
  packet[5] = 8;
  packet[14] = 4;
  two.server.feed(two.client.at, packet, two.now);
  const auto answers = two.server.packets(two.now);
  REQUIRE(answers.size() == 1);
  CHECK(load_be32(BytesView(answers[0].bytes).subspan(1)) == 0);
  CHECK(load_be32(BytesView(answers[0].bytes).last(4)) == 1);
  packet.resize(1199);
  two.server.feed(two.client.at, packet, two.now);
  CHECK(two.server.packets(two.now).empty());
}

TEST_CASE("endpoint: an answer comes from the address that was asked") {
  Two two;
  Bytes packet(1200);
  packet[0] = 0xc0;
  store_be32(MutableBytes(packet).subspan(1), 0x1a2a3a4a);
  const auto asked = rt::IpAddress::v4(10, 0, 0, 99);
  two.server.endpoint->feed({.local = two.server.at, .remote = two.client.at}, asked, packet,
                            two.now);
  Bytes buffer(std::size_t{64} * 1024);
  const auto answer = two.server.endpoint->poll_transmit(buffer, two.now);
  REQUIRE(answer);
  CHECK(answer->from == asked);
}

TEST_CASE("endpoint: who forgot a connection says so, and is believed") {
  Two two;
  two.connect();
  carry(two.client, two.server, two.now);
  REQUIRE(two.client.count(EventKind::connected) == 1);
  // The server starts again: the same identity, nothing else.
  const auto& options = two.server.options;
  two.server.endpoint =
      Endpoint::make(options.identity, options.verify, two.server.rng, {}, {}, options.secret)
          .value();
  two.server.endpoint->set_listening(true);
  Session& session = *two.client.endpoint->find(two.client.events.front().session);
  const StreamId stream = session.open_stream().value();
  CHECK(session.write(stream, Bytes(200, 7)));
  two.client.endpoint->touch(session.id());
  carry(two.client, two.server, two.now);
  CHECK(two.server.endpoint->stats().resets >= 1);
  REQUIRE(session.closed());
  CHECK(session.error().is(QuicError::stateless_reset));
}

TEST_CASE("endpoint: two that know nothing of each other do not answer forever") {
  Two two;
  Machine other(7, 7);
  other.endpoint->set_listening(true);
  two.server.feed(other.at, Bytes(60, 0x41), two.now);
  auto flying = two.server.packets(two.now);
  REQUIRE(flying.size() == 1);
  CHECK(flying[0].bytes.size() < 60);
  std::size_t rounds = 0;
  for (; !flying.empty() && rounds < 100; ++rounds) {
    Machine& to = rounds % 2 == 0 ? other : two.server;
    to.feed(flying[0].from, flying[0].bytes, two.now);
    flying = to.packets(two.now);
  }
  CHECK(rounds < 50);
}

TEST_CASE("endpoint: a client's hello in several packets, in any order") {
  for (const bool reversed : {false, true}) {
    CAPTURE(reversed);
    SessionConfig config;
    // A large key share first: as clients with post-quantum keys send it.
    config.tls_priorities =
        "%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:"
        "-GROUP-ALL:+GROUP-FFDHE8192:+GROUP-X25519";
    Two two;
    two.client.endpoint = Endpoint::make(two.client.options.identity, two.client.options.verify,
                                         two.client.rng, config)
                              .value();
    two.connect(two.server.id);
    auto first = two.client.packets(two.now);
    REQUIRE(first.size() == 2);
    if (reversed) {
      std::swap(first[0], first[1]);
    }
    for (const auto& packet : first) {
      two.server.feed(packet.from, packet.bytes, two.now);
    }
    CHECK(two.server.endpoint->sessions() == 1);
    carry(two.client, two.server, two.now);
    CHECK(two.client.count(EventKind::connected) == 1);
    CHECK(two.server.count(EventKind::connected) == 1);
  }
}

TEST_CASE("endpoint: a client whose address changes on the way is followed, once it is proven") {
  Two two;
  two.connect();
  carry(two.client, two.server, two.now);
  Session& session = *two.client.endpoint->find(two.client.events.front().session);
  Session& inbound = *two.server.endpoint->find(two.server.events.front().session);
  const StreamId stream = session.open_stream().value();
  CHECK(session.write(stream, Bytes(100, 7)));
  two.client.endpoint->touch(session.id());
  // Its address translator gives it another port.
  const rt::Endpoint before = two.client.at;
  const rt::Endpoint after = place(1, 5555);
  for (int i = 0; i < 200; ++i) {
    for (const auto& packet : two.client.packets(two.now)) {
      two.server.feed(after, packet.bytes, two.now);
    }
    for (const auto& packet : two.server.packets(two.now)) {
      if (packet.to == after) {
        two.client.feed(two.server.at, packet.bytes, two.now);
      }
    }
    two.now += 5ms;
    two.client.endpoint->on_deadline(two.now);
    two.server.endpoint->on_deadline(two.now);
  }
  CHECK(before != after);
  CHECK(inbound.path().remote == after);
  Bytes buffer(200);
  CHECK(inbound.read(stream, buffer).value().count == 100);
  CHECK(session.unacknowledged() == 0);
}

TEST_CASE("endpoint: streams of a peer are limited, and come back when they end") {
  Two two({}, {.inbound_streams_max = 4});
  const SessionId id = two.connect();
  carry(two.client, two.server, two.now);
  Session& session = *two.client.endpoint->find(id);
  std::vector<StreamId> streams;
  for (int i = 0; i < 4; ++i) {
    streams.push_back(session.open_stream().value());
    CHECK(session.write(streams.back(), as_bytes("x")));
  }
  const auto refused = session.open_stream();
  REQUIRE(!refused);
  CHECK(refused.error().is(QuicError::too_many_streams));
  two.client.endpoint->touch(id);
  carry(two.client, two.server, two.now);
  Session& inbound = *two.server.endpoint->find(two.server.events.front().session);
  session.reset(streams[0], 9);
  session.release(streams[0]);
  two.client.endpoint->touch(id);
  carry(two.client, two.server, two.now);
  Bytes buffer(4);
  const auto got = inbound.read(streams[0], buffer);
  REQUIRE(!got);
  CHECK(got.error().is(QuicError::stream_reset));
  CHECK(got.error().detail() == 9);
  CHECK(!session.open_stream());
  inbound.release(streams[0]);
  two.server.endpoint->touch(inbound.id());
  carry(two.client, two.server, two.now);
  CHECK(two.client.count(EventKind::can_open) >= 1);
  CHECK(session.open_stream());
}

TEST_CASE(
    "endpoint: what nobody reads is bounded by the windows, on both sides (RUSTSEC-2026-0185)") {
  SessionConfig config;
  config.stream_window_bytes = config.stream_window_bytes_max = 100'000;
  config.connection_window_bytes = config.connection_window_bytes_max = 150'000;
  Two two({}, config);
  const SessionId id = two.connect();
  carry(two.client, two.server, two.now);
  Session& session = *two.client.endpoint->find(id);
  const Bytes much(50'000'000);
  std::size_t taken = 0;
  for (int i = 0; i < 20; ++i) {
    const StreamId stream = session.open_stream().value();
    taken += session.write(stream, much).value();
  }
  CHECK(taken < 20'000'000);
  two.client.endpoint->touch(id);
  for (int i = 0; i < 20; ++i) {
    carry(two.client, two.server, two.now);
    two.now += 100ms;
  }
  CHECK(taken - session.unacknowledged() <= 150'000);
  CHECK(taken - session.unacknowledged() >= 140'000);
  CHECK(!session.closed());
}

TEST_CASE(
    "endpoint: windows grow to what a long path needs, stay within their limits, and do not grow "
    "beyond the budget of all connections") {
  const SessionConfig config;
  EndpointLimits limits;
  limits.window_budget_bytes = config.connection_window_bytes_max - config.connection_window_bytes;
  Two two(limits);
  const Bytes much(16'000'000);
  // Reads everything for a while, then nothing: what arrives after that is the window.
  const auto window = [&](SessionId id) {
    LongPath path{two};
    Session& session = *two.client.endpoint->find(id);
    Session& inbound = *two.server.endpoint->find(two.server.events.at(two.events_from).session);
    const StreamId stream = session.open_stream().value();
    Bytes buffer(1'000'000);
    std::size_t taken = 0;
    std::size_t read = 0;
    for (int i = 0; i < 1000; ++i) {
      taken += session.write(stream, much).value();
      two.client.endpoint->touch(id);
      path.step();
      if (i > 30 && i < 800) {
        while (const std::size_t count = inbound.read(stream, buffer)->count) {
          read += count;
        }
        two.server.endpoint->touch(inbound.id());
      }
    }
    return taken - session.unacknowledged() - read;
  };
  const auto connect = [&] {
    two.events_from = two.server.events.size();
    const SessionId id = two.connect();
    LongPath path{two};
    for (int i = 0; i < 200; ++i) {
      path.step();
    }
    return id;
  };
  const SessionId first = connect();
  const std::size_t grown = window(first);
  CHECK(grown <= config.stream_window_bytes_max);
  CHECK(grown >= config.stream_window_bytes_max - config.stream_window_bytes);
  CHECK(window(connect()) <= config.connection_window_bytes);
  // The end of a session gives back what its windows had grown.
  two.client.endpoint->release(first, two.now);
  carry(two.client, two.server, two.now, 1000);
  two.server.endpoint->release(two.server.events.front().session, two.now);
  carry(two.client, two.server, two.now, 1000);
  CHECK(window(connect()) > config.connection_window_bytes);
}

TEST_CASE("endpoint: connections begin with less when their budget is short, and give it back") {
  constexpr std::size_t k_least = std::size_t{128} * 1024;
  EndpointLimits limits;
  limits.window_budget_bytes = std::size_t{4} * 1024 * 1024;
  Two two(limits);
  const Bytes much(2'000'000);
  // What arrives of one stream that nobody reads is the stream's window.
  const auto first_window = [&](SessionId id) {
    Session& session = *two.client.endpoint->find(id);
    std::size_t taken = 0;
    for (int i = 0; i < 4; ++i) {
      taken += session.write(session.open_stream().value(), much).value();
    }
    for (int i = 0; i < 20; ++i) {
      two.client.endpoint->touch(id);
      carry(two.client, two.server, two.now);
      two.now += 100ms;
    }
    return taken - session.unacknowledged();
  };
  std::vector<SessionId> sessions;
  std::vector<std::size_t> windows;
  for (int i = 0; i < 60; ++i) {
    sessions.push_back(two.connect());
    carry(two.client, two.server, two.now);
    if (i == 0 || i == 59) {
      windows.push_back(first_window(sessions.back()));
    }
  }
  CHECK(windows[0] > 2 * k_least);
  CHECK(windows[0] <= k_least + limits.window_budget_bytes / 16);
  CHECK(windows[1] >= k_least);
  CHECK(windows[1] < k_least + k_least / 8);
}

TEST_CASE("endpoint: what the library holds for a session counts, out of order bytes too") {
  Two two;
  const SessionId id = two.connect();
  carry(two.client, two.server, two.now);
  Session& inbound = *two.server.endpoint->find(two.server.events.front().session);
  const std::size_t rests = inbound.held_bytes();
  CHECK(rests < 10'000);
  Session& session = *two.client.endpoint->find(id);
  const StreamId stream = session.open_stream().value();
  REQUIRE(session.write(stream, Bytes(400'000)).value() > 0);
  two.client.endpoint->touch(id);
  // The first packet of the stream is lost: the library keeps what is behind it.
  const auto packets = two.client.packets(two.now);
  REQUIRE(packets.size() > 5);
  std::size_t bytes = 0;
  for (std::size_t i = 1; i < packets.size(); ++i) {
    two.server.feed(packets[i].from, packets[i].bytes, two.now);
    bytes += packets[i].bytes.size();
  }
  CHECK(inbound.held_bytes() > rests + bytes / 2);
}

TEST_CASE("endpoint: a question and its answer after a handshake wait for no pace") {
  Two two;
  const SessionId id = two.connect();
  LongPath path{two};
  const auto until = [&](auto told) {
    const Time begin = two.now;
    while (!told() && two.now < begin + 1s) {
      path.step();
    }
    return two.now - begin;
  };
  const auto is_readable = [](const Machine& machine) {
    return machine.count(EventKind::readable) > 0;
  };
  CHECK(until([&] { return two.client.count(EventKind::connected) == 1; }) <= 2 * path.delay + 2ms);
  Session& session = *two.client.endpoint->find(id);
  const StreamId stream = session.open_stream().value();
  REQUIRE(session.write(stream, Bytes(2000)));
  two.client.endpoint->touch(id);
  CHECK(until([&] { return is_readable(two.server); }) <= path.delay + 2ms);
  Session& inbound = *two.server.endpoint->find(two.server.events.front().session);
  REQUIRE(inbound.write(stream, Bytes(2000)));
  two.server.endpoint->touch(inbound.id());
  CHECK(until([&] { return is_readable(two.client); }) <= path.delay + 2ms);
}

TEST_CASE("endpoint: no flight of a handshake waits for a pace that nobody has measured") {
  Two two;
  two.connect(two.server.id);
  const Time begin = two.now;
  // A path of a millisecond each way: the round trips and no timer.
  for (int flight = 0; flight < 4; ++flight) {
    Machine& from = flight % 2 == 0 ? two.client : two.server;
    Machine& to = flight % 2 == 0 ? two.server : two.client;
    const auto flying = from.packets(two.now);
    two.now += std::chrono::milliseconds(1);
    for (const auto& packet : flying) {
      to.feed(packet.from, packet.bytes, two.now);
    }
  }
  CHECK(two.client.count(EventKind::connected) == 1);
  CHECK(two.server.count(EventKind::connected) == 1);
  CHECK(two.now - begin == std::chrono::milliseconds(4));
}
