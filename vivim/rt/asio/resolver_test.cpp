// The resolver against a name server of the test's own, on the loopback interface.
#include "vivim/rt/asio/resolver.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::rt;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t k_type_a = 1;
constexpr std::uint16_t k_type_txt = 16;
constexpr std::uint16_t k_type_aaaa = 28;
constexpr std::uint8_t k_no_such_name = 3;

void append_be16(Bytes& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// "known.test": one A, one AAAA; "many.test": twelve TXT; "text.test": two, one of two strings;
/// "silent.test": no answer; the rest does not exist.
std::vector<Bytes> records_of(std::string_view name, std::uint16_t type) {
  if (name == "known.test") {
    if (type == k_type_a) {
      return {{192, 0, 2, 7}};
    }
    Bytes six(16);
    six[0] = 0x20;
    six[15] = 7;
    return type == k_type_aaaa ? std::vector<Bytes>{six} : std::vector<Bytes>{};
  }
  if (name == "text.test" && type == k_type_txt) {
    return {to_bytes("\x03one"), to_bytes("\x02tw\x01o")};
  }
  if (name == "many.test" && type == k_type_txt) {
    return std::vector<Bytes>(12, to_bytes("\x01x"));
  }
  return {};
}

std::optional<Bytes> answer_to(BytesView query) {
  std::string name;
  std::size_t at = 12;
  for (; query[at] != 0; at += query[at] + 1u) {
    name += (name.empty() ? "" : ".") + std::string(as_text(query.subspan(at + 1, query[at])));
  }
  if (name == "silent.test") {
    return std::nullopt;
  }
  const std::uint16_t type = load_be16(query.subspan(at + 1));
  const auto records = records_of(name, type);
  const bool known = name.ends_with("n.test") || !records.empty();
  Bytes reply = to_bytes(query.first(2));
  reply.push_back(0x81);
  reply.push_back(static_cast<std::uint8_t>(0x80 | (known ? 0 : k_no_such_name)));
  for (const std::size_t count : {std::size_t{1}, records.size(), std::size_t{0}, std::size_t{0}}) {
    append_be16(reply, count);
  }
  append(reply, query.subspan(12, at + 5 - 12));
  for (const auto& record : records) {
    append(reply, Bytes{0xc0, 12});
    append_be16(reply, type);
    append(reply, Bytes{0, 1, 0, 0, 0, 60});
    append_be16(reply, record.size());
    append(reply, record);
  }
  return reply;
}

Co<void> serve(DatagramSocket& socket) {
  for (;;) {
    const auto received = co_await socket.receive();
    if (!received) {
      co_return;
    }
    for (const auto& datagram : *received) {
      const Endpoint to = datagram.remote;
      if (const auto reply = answer_to(datagram.bytes)) {
        (void)co_await socket.send(to, *reply);
      }
    }
  }
}

struct Fixture {
  Fixture()
      : network(loop),
        socket(network.open_datagram({.ip = IpAddress::v4(127, 0, 0, 1)}, {}).value()),
        resolver(loop, {.servers = {socket->local()}, .try_time = 5000ms, .tries = 2}),
        tasks(loop) {
    tasks.on_stop([this] { socket->close(); });
    tasks.spawn("name server", serve(*socket));
  }
  ~Fixture() { loop.run(tasks.stop()); }

  auto addresses(std::string name, AddressFamily family) {
    return loop.run(resolver.addresses(std::move(name), family, 10s));
  }

  asio_::Loop loop;
  asio_::TcpNetwork network;
  std::unique_ptr<DatagramSocket> socket;
  asio_::DnsResolver resolver;
  TaskGroup tasks;
};

Co<void> cancel_soon(Loop& loop, Resolver& resolver) {
  co_await sleep_for(loop, 20ms);
  resolver.cancel();
}

Co<void> ask_silent(Resolver& resolver, Duration timeout, std::vector<Error>& errors) {
  const auto answer = co_await resolver.texts("silent.test", timeout);
  REQUIRE_FALSE(answer);
  errors.push_back(answer.error());
}

Co<void> flood(Loop& loop, Resolver& resolver, std::vector<Error>& errors) {
  TaskGroup tasks(loop);
  for (std::size_t i = 0; i <= asio_::k_resolver_questions_max; ++i) {
    tasks.spawn("question", ask_silent(resolver, 30s, errors));
  }
  while (errors.empty()) {
    co_await sleep_for(loop, 1ms);
  }
  CHECK(errors.size() == 1);
  CHECK(errors.front().is(RtError::limit));
  resolver.cancel();
  while (tasks.running() > 0) {
    co_await sleep_for(loop, 1ms);
  }
  co_await tasks.stop();
}

}  // namespace

TEST_CASE("resolver: addresses and texts over UDP") {
  Fixture f;
  const auto four = f.addresses("known.test", AddressFamily::v4);
  REQUIRE(four);
  CHECK(four->front().to_string() == "192.0.2.7");
  const auto six = f.addresses("known.test", AddressFamily::v6);
  REQUIRE(six);
  CHECK(six->front().to_string() == "2000::7");
  const auto texts = f.loop.run(f.resolver.texts("text.test", 10s));
  REQUIRE(texts);
  CHECK(*texts == std::vector<std::string>{"one", "two"});
  CHECK(f.loop.run(f.resolver.texts("many.test", 10s))->size() == 12);
}

TEST_CASE("resolver: what is not known, and what is no name") {
  Fixture f;
  CHECK(f.addresses("other.test", AddressFamily::v4).error().is(RtError::no_such_name));
  CHECK(f.loop.run(f.resolver.texts("known.test", 10s)).error().is(RtError::no_such_name));
  CHECK(f.addresses("", AddressFamily::v4).error().is(RtError::bad_address));
  CHECK(f.addresses(std::string(254, 'x'), AddressFamily::v4).error().is(RtError::bad_address));
  CHECK(f.addresses(std::string("a\0b", 3), AddressFamily::v4).error().is(RtError::bad_address));
}

TEST_CASE("resolver: silence ends in time, cancel() ends at once, questions are limited") {
  Fixture f;
  std::vector<Error> errors;
  f.loop.run(ask_silent(f.resolver, 30ms, errors));
  CHECK(errors.back().is(RtError::timed_out));
  f.tasks.spawn("cancel", cancel_soon(f.loop, f.resolver));
  f.loop.run(ask_silent(f.resolver, 30s, errors));
  CHECK(errors.back().is(RtError::closed));
  errors.clear();
  f.loop.run(flood(f.loop, f.resolver, errors));
  CHECK(errors.size() == asio_::k_resolver_questions_max + 1);
  CHECK(f.addresses("known.test", AddressFamily::v4));
}
