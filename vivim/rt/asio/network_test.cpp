#include "vivim/rt/asio/network.hpp"

#include <csignal>
#include <thread>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;

namespace {

const Endpoint k_any_port{.ip = IpAddress::v4(127, 0, 0, 1)};

struct Pair {
  Connection client;
  Connection server;
};

Co<void> accept_into(Listener& listener, Result<Connection>& into, Event& done) {
  into = co_await listener.accept();
  done.set();
}

Co<Pair> connect(asio_::Loop& loop, TaskGroup& tasks) {
  asio_::TcpNetwork network(loop);
  auto listener = network.listen(k_any_port).value();
  Result<Connection> accepted = fail(RtError::closed);
  Event done(loop);
  tasks.spawn("accept", accept_into(*listener, accepted, done));
  auto dialled = co_await network.dial(listener->local(), 5s);
  REQUIRE(dialled);
  co_await done.wait();
  REQUIRE(accepted);
  co_return Pair{.client = std::move(*dialled), .server = std::move(*accepted)};
}

Co<Result<Bytes>> read_bytes(Stream& stream, std::size_t count) {
  Bytes bytes(count);
  VIVIM_CO_TRYV(co_await read_exactly(stream, bytes));
  co_return bytes;
}

Co<void> write_all(Stream& stream, const Bytes& bytes, Result<void>& result, Event& done) {
  result = co_await stream.write(bytes);
  done.set();
}

Co<void> read_error(Stream& stream, std::optional<Error>& error) {
  const auto bytes = co_await read_bytes(stream, 1);
  if (!bytes) {
    error = bytes.error();
  }
}

Co<void> half_close(asio_::Loop& loop) {
  TaskGroup tasks(loop);
  auto pair = co_await connect(loop, tasks);
  CHECK(pair.client.local == pair.server.remote);
  CHECK(pair.client.remote == pair.server.local);
  CHECK(co_await pair.client.stream->write(as_bytes("last words")));
  CHECK(co_await pair.client.stream->close_write());
  CHECK((co_await pair.client.stream->write(as_bytes("x"))).error().is(RtError::closed));
  CHECK(as_text((co_await read_bytes(*pair.server.stream, 10)).value()) == "last words");
  CHECK((co_await read_bytes(*pair.server.stream, 1)).error().is(RtError::end_of_stream));
  CHECK(co_await pair.server.stream->write(as_bytes("heard")));
  CHECK(as_text((co_await read_bytes(*pair.client.stream, 5)).value()) == "heard");
  co_await tasks.stop();
}

Co<void> resets(asio_::Loop& loop) {
  TaskGroup tasks(loop);
  auto pair = co_await connect(loop, tasks);
  std::optional<Error> at_client;
  std::optional<Error> at_server;
  tasks.spawn("client", read_error(*pair.client.stream, at_client));
  tasks.spawn("server", read_error(*pair.server.stream, at_server));
  co_await sleep_for(loop, 1ms);
  pair.client.stream->reset(0);
  pair.client.stream->reset(0);
  co_await tasks.stop();
  CHECK(at_client->is(RtError::closed));
  CHECK(at_server->is(RtError::reset));
  CHECK((co_await pair.client.stream->write(as_bytes("x"))).error().is(RtError::closed));
}

Co<void> bulk(asio_::Loop& loop) {
  TaskGroup tasks(loop);
  auto pair = co_await connect(loop, tasks);
  Bytes sent(8 * 1024 * 1024);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    sent[i] = static_cast<std::uint8_t>(i * 31 >> 3);
  }
  Result<void> written = fail(RtError::io);
  Event done(loop);
  tasks.spawn("write", write_all(*pair.client.stream, sent, written, done));
  co_await sleep_for(loop, 5ms);
  CHECK(!done.is_set());  // back-pressure: nobody reads yet
  const auto received = co_await read_bytes(*pair.server.stream, sent.size());
  REQUIRE(received);
  CHECK(*received == sent);
  co_await done.wait();
  CHECK(written);
  co_await tasks.stop();
}

Co<void> dial_failures(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  auto listener = network.listen(k_any_port).value();
  const Endpoint at = listener->local();
  CHECK(network.listen(at).error().is(RtError::address_in_use));
  CHECK(network.listen({.ip = IpAddress::v4(192, 0, 2, 1)}).error().is(RtError::bad_address));
  listener->close();
  CHECK((co_await listener->accept()).error().is(RtError::closed));
  CHECK((co_await network.dial(at, 5s)).error().is(RtError::refused));
}

Co<void> dial_error(asio_::TcpNetwork& network, Endpoint to, std::optional<Error>& error) {
  const auto connection = co_await network.dial(to, 1h);
  if (!connection) {
    error = connection.error();
  }
}

/// Dials a listener whose backlog is full and that never accepts: the system does not answer any
/// more.
Co<void> dial_timeout(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(fd, 0) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  const Endpoint at{.ip = k_any_port.ip, .port = ntohs(address.sin_port)};
  std::vector<Connection> open;
  std::optional<Error> error;
  for (int i = 0; i < 4 && !error; ++i) {
    auto connection = co_await network.dial(at, 20ms);
    if (connection) {
      open.push_back(std::move(*connection));
    } else {
      error = connection.error();
    }
  }
  REQUIRE(error);
  CHECK(error->is(RtError::timed_out));
  TaskGroup tasks(loop);
  std::optional<Error> cancelled;
  tasks.on_stop([&network] { network.cancel_dials(); });
  tasks.spawn("dial", dial_error(network, at, cancelled));
  co_await sleep_for(loop, 1ms);
  co_await tasks.stop();
  REQUIRE(cancelled);
  CHECK(cancelled->is(RtError::closed));
  ::close(fd);
}

Co<void> close_while_accepting(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  auto listener = network.listen(k_any_port).value();
  TaskGroup tasks(loop);
  tasks.on_stop([&] { listener->close(); });
  Result<Connection> accepted = fail(RtError::io);
  Event done(loop);
  tasks.spawn("accept", accept_into(*listener, accepted, done));
  co_await sleep_for(loop, 1ms);
  co_await tasks.stop();
  CHECK(accepted.error().is(RtError::closed));
}

/// Leaves the process without descriptors; gives them back at the end of the scope.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    rlimit low{.rlim_cur = 64, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
    for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) {
      taken_.push_back(fd);
    }
  }
  ~NoDescriptors() {
    release(taken_.size());
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  void release(std::size_t count) {
    for (; count > 0; --count) {
      ::close(taken_.back());
      taken_.pop_back();
    }
  }

 private:
  rlimit before_{};
  std::vector<int> taken_;
};

Co<void> out_of_descriptors(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  auto listener = network.listen(k_any_port).value();
  TaskGroup tasks(loop);
  Result<Connection> accepted = fail(RtError::io);
  Event done(loop);
  NoDescriptors scarce;
  CHECK((co_await network.dial(listener->local(), 5s)).error().is(RtError::limit));
  scarce.release(1);
  auto client = co_await network.dial(listener->local(), 5s);
  REQUIRE(client);
  tasks.spawn("accept", accept_into(*listener, accepted, done));
  co_await sleep_for(loop, 20ms);
  CHECK(!done.is_set());
  scarce.release(2);
  co_await done.wait();
  CHECK(accepted);
  co_await tasks.stop();
}

Co<void> signals(asio_::Loop& loop) {
  asio_::Signals set(loop, {SIGINT, SIGTERM});
  ::raise(SIGTERM);
  CHECK((co_await set.next()).value() == SIGTERM);
  loop.post([&] { set.cancel(); });
  CHECK((co_await set.next()).error().is(RtError::closed));
}

Co<void> wait_timer(Timer& timer, std::vector<bool>& answers) {
  answers.push_back(co_await timer.wait());
}

Co<void> timers(asio_::Loop& loop) {
  TaskGroup tasks(loop);
  const auto timer = loop.make_timer();
  std::vector<bool> answers;
  const TimePoint start = loop.clock().now();
  timer->expire_at(start + 1h);
  tasks.spawn("wait", wait_timer(*timer, answers));
  co_await sleep_for(loop, 1ms);
  timer->expire_at(start + 2h);    // later
  timer->expire_at(start + 10ms);  // earlier
  co_await sleep_for(loop, 30ms);
  CHECK(answers == std::vector{true});
  timer->expire_at(loop.clock().now() + 1h);
  tasks.spawn("wait", wait_timer(*timer, answers));
  co_await sleep_for(loop, 1ms);
  timer->cancel();
  timer->expire_at(loop.clock().now() + 1h);
  co_await sleep_for(loop, 1ms);
  CHECK(answers == std::vector{true, false});
  timer->cancel();
  CHECK(!co_await timer->wait());
  co_await tasks.stop();
}

/// From the port of a listener, which goes on listening.
Co<void> share_a_port(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  auto ours = network.listen(k_any_port).value();
  auto theirs = network.listen(k_any_port).value();
  auto dialled = co_await network.dial_from(ours->local(), theirs->local(), 5s);
  REQUIRE(dialled);
  CHECK(dialled->local == ours->local());
  auto accepted = co_await theirs->accept();
  REQUIRE(accepted);
  CHECK(accepted->remote == ours->local());
  // The same two ends again; and a listener that is there is noticed as before.
  CHECK_FALSE(co_await network.dial_from(ours->local(), theirs->local(), 5s));
  CHECK(network.listen(ours->local()).error().is(RtError::address_in_use));
  auto other = co_await network.dial(ours->local(), 5s);
  REQUIRE(other);
  CHECK(co_await ours->accept());
  // From any address with that port; the system picks which.
  auto third = network.listen(k_any_port).value();
  const Endpoint any{.ip = {}, .port = ours->local().port};
  auto routed = co_await network.dial_from(any, third->local(), 5s);
  REQUIRE(routed);
  CHECK(routed->local == ours->local());
}

/// A port whose connections have just ended can be listened on again, and dialled from.
Co<void> reuse_a_port(asio_::Loop& loop) {
  asio_::TcpNetwork network(loop);
  auto ours = network.listen(k_any_port).value();
  auto theirs = network.listen(k_any_port).value();
  const Endpoint at = ours->local();
  {
    auto dialled = co_await network.dial_from(at, theirs->local(), 5s);
    REQUIRE(dialled);
    auto accepted = co_await theirs->accept();
    REQUIRE(accepted);
    CHECK(co_await dialled->stream->close_write());  // the first to close waits (TIME_WAIT)
    CHECK((co_await read_bytes(*accepted->stream, 1)).error().is(RtError::end_of_stream));
    CHECK(co_await accepted->stream->close_write());
    CHECK((co_await read_bytes(*dialled->stream, 1)).error().is(RtError::end_of_stream));
  }
  const auto again = co_await network.dial_from(at, theirs->local(), 5s);
  CHECK((again || again.error().is(RtError::bad_address) ||
         again.error().is(RtError::address_in_use)));
  auto elsewhere = network.listen(k_any_port).value();
  CHECK(co_await network.dial_from(at, elsewhere->local(), 5s));
  ours->close();
  CHECK(network.listen(at));
}

}  // namespace

TEST_CASE("tcp: half close") {
  asio_::Loop loop;
  loop.run(half_close(loop));
}

TEST_CASE("tcp: reset ends pending operations on both sides") {
  asio_::Loop loop;
  loop.run(resets(loop));
}

TEST_CASE("tcp: eight megabytes arrive whole, and a reader that waits stops the writer") {
  asio_::Loop loop;
  loop.run(bulk(loop));
}

TEST_CASE("tcp: dials from the port of a listener") {
  asio_::Loop loop;
  loop.run(share_a_port(loop));
}

TEST_CASE("tcp: a port is of use again as soon as its connections have ended") {
  asio_::Loop loop;
  loop.run(reuse_a_port(loop));
}

TEST_CASE("tcp: dials and listens that fail") {
  asio_::Loop loop;
  loop.run(dial_failures(loop));
}

TEST_CASE("tcp: a dial ends at its timeout, or when it is cancelled") {
  asio_::Loop loop;
  loop.run(dial_timeout(loop));
}

TEST_CASE("tcp: closing a listener ends a pending accept") {
  asio_::Loop loop;
  loop.run(close_while_accepting(loop));
}

TEST_CASE("tcp: a listener out of descriptors waits instead of failing") {
  asio_::Loop loop;
  loop.run(out_of_descriptors(loop));
}

TEST_CASE("tcp: interfaces include loopback") {
  asio_::Loop loop;
  const auto all = asio_::TcpNetwork(loop).interfaces();
  REQUIRE(all);
  CHECK(std::ranges::any_of(*all, [](const IpAddress& ip) { return ip.is_loopback(); }));
}

TEST_CASE("loop: signals") {
  asio_::Loop loop;
  loop.run(signals(loop));
}

TEST_CASE("loop: timers fire, move, and are cancelled") {
  asio_::Loop loop;
  loop.run(timers(loop));
}

TEST_CASE("loop: post from another thread, stop") {
  asio_::Loop loop;
  CHECK(loop.is_here());
  bool here = false;
  std::thread other([&] {
    CHECK(!loop.is_here() == false);
    loop.post([&] {
      here = loop.is_here();
      loop.stop();
    });
  });
  other.join();
  loop.run();
  CHECK(here);
  std::thread([&] { CHECK(!loop.is_here()); }).join();
}

TEST_CASE("rng: fills with different bytes") {
  asio_::SystemRng rng;
  CHECK(rng.u64() != rng.u64());
  for (int i = 0; i < 100; ++i) {
    CHECK(rng.below(7) < 7);
  }
}
