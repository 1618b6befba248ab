#include "vivim/libp2p/quic/quic_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::quic;
using namespace vivim::libp2p::quic::test;
using namespace std::chrono_literals;
using rt::sim::LinkOptions;
using rt::sim::World;

namespace {

/// `count` streams echo at once.
void exchange(std::uint64_t seed, LinkOptions link, std::size_t count, std::size_t bytes) {
  CAPTURE(seed);
  World world(seed);
  world.set_default_link(link);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  {
    Pair pair(world, alice, bob);
    CHECK(pair.client->peer == bob.id);
    CHECK(pair.server->peer == alice.id);
    rt::TaskGroup tasks(alice.node.loop());
    tasks.spawn("echo", echo_all(pair.b(), tasks));
    std::size_t good = 0;
    for (std::size_t i = 0; i < count; ++i) {
      tasks.spawn("exchange",
                  echo_once(pair.a(), tasks, pattern(bytes, static_cast<std::uint8_t>(i)), good));
    }
    CHECK(world.run_until([&] { return good == count; }, 120s));
    CHECK(good == count);
    CHECK(pair.a().rtt().value_or(0s) >= 2 * link.latency);
    pair.stop();
    world.run(tasks.stop());
  }
  world.run(alice.stop());
  world.run(bob.stop());
}

rt::Co<void> half_close(MuxedConnection& a, MuxedConnection& b) {
  auto stream = a.open_stream().value();
  CHECK(co_await stream->write(as_bytes("last words")));
  CHECK(co_await stream->close_write());
  CHECK((co_await stream->write(as_bytes("x"))).error().is(rt::RtError::closed));
  auto other = co_await b.accept();
  const auto heard = co_await read_to_end(*other);
  CHECK(as_text(heard.value()) == "last words");
  CHECK(co_await other->write(as_bytes("heard")));
  CHECK(co_await other->close_write());
  const auto answer = co_await read_to_end(*stream);
  CHECK(as_text(answer.value()) == "heard");
}

rt::Co<void> resets(MuxedConnection& a, MuxedConnection& b) {
  auto stream = a.open_stream().value();
  CHECK(co_await stream->write(as_bytes("x")));
  auto other = co_await b.accept();
  Bytes buffer(1);
  CHECK(co_await other->read_some(buffer));
  other->reset(4242);
  CHECK((co_await other->read_some(buffer)).error().is(rt::RtError::closed));
  const auto got = co_await stream->read_some(buffer);
  REQUIRE(!got);
  CHECK(got.error().is(rt::RtError::reset));
  CHECK(got.error().detail() == 4242);
  // Writing fails too, as soon as it is noticed.
  const Bytes more(100'000);
  Result<void> written{};
  for (int i = 0; i < 100 && written; ++i) {
    written = co_await stream->write(more);
  }
  REQUIRE(!written);
  CHECK(written.error().is(rt::RtError::reset));
  CHECK(written.error().detail() == 4242);
}

rt::Co<Result<std::size_t>> read_one(rt::Stream& stream) {
  Bytes buffer(1);
  co_return co_await stream.read_some(buffer);
}

rt::Co<void> open_with_byte(MuxedConnection& a, std::unique_ptr<rt::Stream>& into) {
  into = a.open_stream().value();
  CHECK(co_await into->write(as_bytes("x")));
}

}  // namespace

TEST_CASE("quic: two peers know each other and exchange streams") {
  exchange(1, {.latency = 10ms}, 1, 10);
  exchange(2, {.latency = 1ms}, 1, 3'000'000);
  exchange(3, {.latency = 10ms}, 200, 20'000);
}

TEST_CASE("quic: loss, doubling and reordering change nothing") {
  for (std::uint64_t seed = 10; seed < 18; ++seed) {
    exchange(seed, {.latency = 10ms, .jitter = 15ms, .loss_ppm = 50'000, .duplicate_ppm = 50'000},
             20, 50'000);
  }
}

TEST_CASE("quic: a path smaller than Ethernet's, and a slow one") {
  exchange(1, {.latency = 5ms, .datagram_bytes_max = 1280}, 3, 300'000);
  exchange(2, {.latency = 20ms, .bytes_per_second = 500'000, .queue_bytes_max = 30'000}, 3,
           300'000);
}

TEST_CASE("quic: half close, resets with their codes") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  {
    Pair pair(world, alice, bob);
    world.run(half_close(pair.a(), pair.b()));
    world.run(half_close(pair.b(), pair.a()));
    world.run(resets(pair.a(), pair.b()));
    world.run_for(1s);
    CHECK(pair.a().streams() == 0);
    CHECK(pair.b().streams() == 0);
    pair.stop();
  }
  world.run(alice.stop());
  world.run(bob.stop());
}

TEST_CASE("quic: the end of a connection reaches its streams and the peer, with its reason") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  {
    Pair pair(world, alice, bob);
    std::unique_ptr<rt::Stream> stream;
    world.run(open_with_byte(pair.a(), stream));
    auto other = world.run(pair.b().accept());
    bool idle = false;
    pair.a().when_idle([&idle] { idle = true; });
    pair.b().close({.cause = CloseCause::limit});
    CHECK(world.run_until([&] { return pair.a().closed(); }, 5s));
    CHECK(pair.a().reason().cause == CloseCause::remote);
    CHECK(pair.a().reason().code == CloseCode::limit_exceeded);
    CHECK(!pair.a().open());
    CHECK(pair.a().open_stream().error().is(rt::RtError::closed));
    CHECK(world.run(read_one(*stream)).error().is(rt::RtError::reset));
    CHECK(!idle);
    stream.reset();
    CHECK(idle);
    CHECK(world.run(read_one(*other)).has_value());
    pair.stop();
    CHECK(world.run(read_one(*other)).error().is(rt::RtError::closed));
  }
  world.run(alice.stop());
  world.run(bob.stop());
}

TEST_CASE("quic: what was written before an orderly close arrives") {
  World world(5);
  world.set_default_link({.latency = 30ms, .loss_ppm = 20'000});
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  {
    Pair pair(world, alice, bob);
    auto stream = pair.a().open_stream().value();
    const Bytes sent = pattern(200'000);
    world.run(write_and_close(*stream, sent));
    pair.a().close({.cause = CloseCause::local});
    auto other = world.run(pair.b().accept());
    REQUIRE(other);
    const auto got = world.run(read_to_end(*other));
    REQUIRE(got);
    CHECK(*got == sent);
    CHECK(world.run_until([&] { return pair.b().closed(); }, 5s));
    CHECK(pair.b().reason().cause == CloseCause::remote);
    stream.reset();
    other.reset();
    pair.stop();
  }
  world.run(alice.stop());
  world.run(bob.stop());
}

TEST_CASE("quic: a peer that goes silent is noticed; a quiet one is kept") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  {
    Pair pair(world, alice, bob);
    world.run_for(5min);
    CHECK(!pair.a().closed());
    CHECK(!pair.b().closed());
    world.partition(alice.node, bob.node);
    world.run_for(40s);
    REQUIRE(pair.a().closed());
    REQUIRE(pair.b().closed());
    CHECK(pair.a().reason().cause == CloseCause::lost);
    CHECK(pair.a().reason().error->is(QuicError::idle_timeout));
    pair.stop();
  }
  world.run(alice.stop());
  world.run(bob.stop());
}

TEST_CASE("quic: a peer that restarts answers with a stateless reset or nothing") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  auto bob = std::make_unique<TestPeer>(world.add_node("bob"));
  {
    Pair pair(world, alice, *bob);
    bob->node.crash(rt::sim::CrashKind::power);
    world.run_for(100ms);
    CHECK(pair.b().closed());
    CHECK(world.run_until([&] { return pair.a().closed(); }, 60s));
    CHECK(pair.a().reason().cause == CloseCause::lost);
    pair.stop();
  }
  world.run(alice.stop());
  world.run(bob->stop());
}

TEST_CASE("quic: one port carries connections in both directions; dials reuse it") {
  World world(1);
  TestPeer alice(world.add_node("alice"));
  TestPeer bob(world.add_node("bob"));
  TestPeer carol(world.add_node("carol"));
  alice.listen();
  bob.listen();
  {
    Pair first(world, alice, bob);
    Pair second(world, bob, alice);
    Pair third(world, carol, alice);
    Pair fourth(world, alice, bob);
    CHECK(first.server->remote == alice.address);
    CHECK(first.client->local == alice.address);
    CHECK(second.server->remote == bob.address);
    CHECK(fourth.server->remote == alice.address);
    CHECK(third.server->remote != carol.address);
    for (Pair* const pair : {&first, &second, &third, &fourth}) {
      world.run(half_close(pair->a(), pair->b()));
      CHECK(pair->client->security == "tls");
      CHECK(pair->client->muxer == "quic");
    }
    for (Pair* const pair : {&fourth, &third, &second, &first}) {
      pair->stop();
    }
  }
  for (TestPeer* const peer : {&alice, &bob, &carol}) {
    world.run(peer->stop());
  }
}
