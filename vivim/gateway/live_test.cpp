// The whole gateway behind its server: over real loopback sockets, and with WebSockets under
// virtual time.
#include <doctest/doctest.h>

#include "vivim/gateway/api.hpp"
#include "vivim/gateway/client_test_detail.hpp"
#include "vivim/gateway/fake_services_test_detail.hpp"
#include "vivim/gateway/gateway.hpp"
#include "vivim/gateway/server.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::gateway::test {

namespace {

/// Everything but loop and network.
struct Parts {
  explicit Parts(rt::Loop& loop) : tasks(loop), server({}, loop, gateway) {}

  Result<rt::Endpoint> listen(rt::Network& network, rt::IpAddress ip) {
    VIVIM_TRY(const auto at, server.listen(network, {.ip = ip, .port = 0}));
    gateway.allow_port(at.port);
    host = "127.0.0.1:" + std::to_string(at.port);
    return at;
  }
  std::string request(std::string_view line, std::string_view body = "") const {
    return std::string(line) + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " +
           k_token +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
  }

  rt::TaskGroup tasks;
  FakeServices fake;
  EventHub events;
  Router router;
  Api api{router,
          {.library = fake,
           .imports = fake,
           .shares = fake,
           .node = fake,
           .network = fake,
           .reachability = fake,
           .dht = fake,
           .messages = fake,
           .documents = fake,
           .topics = fake,
           .events = events},
          tasks};
  Gateway gateway{{.token = k_token, .names = {}}, router, nullptr};
  Server server;
  std::string host;
};

Co<void> talk_over_loopback(Parts& parts, rt::Network& network, rt::Endpoint at) {
  auto client = co_await connect(network, at);
  REQUIRE(client);
  const auto stranger =
      co_await (*client)->ask("GET /api/v2/status HTTP/1.1\r\nHost: " + parts.host + "\r\n\r\n");
  CHECK(stranger->status == 401);
  const auto rebound =
      co_await (*client)->ask("GET /api/v2/status HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK(rebound->status == 421);
  const auto status = co_await (*client)->ask(parts.request("GET /api/v2/status"));
  CHECK(status->status == 200);
  CHECK(status->headers.get("X-Content-Type-Options") == "nosniff");
  const auto made = co_await (*client)->ask(
      parts.request("POST /api/v2/conversations", R"({"title": "over TCP"})"));
  CHECK(made->status == 201);
  for (const std::string line : {"GET /metrics", "GET /metrics/"}) {
    CHECK(
        (co_await (*client)->ask(line + " HTTP/1.1\r\nHost: " + parts.host + "\r\n\r\n"))->status ==
        401);
  }
  const auto metrics = co_await (*client)->ask(parts.request("GET /metrics"));
  CHECK(metrics->status == 200);
  CHECK(metrics->headers.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(metrics->body == "# TYPE a counter\na 1\n");
  const auto description = co_await (*client)->ask(parts.request("GET /api/v2/openapi.json"));
  CHECK(description->body == openapi_json());
  client->reset();
  co_await parts.server.stop();
  co_await parts.tasks.stop();
}

std::unique_ptr<Client> open_socket(rt::sim::World& world, Parts& parts, rt::sim::Node& guest,
                                    rt::Endpoint at, std::string target) {
  auto client = world.run(connect(guest.network(), at));
  REQUIRE(client);
  const auto reply =
      world.run((*client)->ask("GET " + target + " HTTP/1.1\r\nHost: " + parts.host +
                               "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                               "Sec-WebSocket-Version: 13\r\n"
                               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
  REQUIRE(reply);
  CHECK(reply->status == 101);
  return std::move(*client);
}

}  // namespace

TEST_CASE("live: the API over real sockets") {
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  Parts parts(loop);
  const auto at = parts.listen(network, rt::IpAddress::v4(127, 0, 0, 1));
  REQUIRE(at);
  loop.run(talk_over_loopback(parts, network, *at));
  CHECK(parts.fake.conversations.size() == 1);
}

TEST_CASE("live: events, documents, and sockets without a session") {
  rt::sim::World world(3);
  auto& host = world.add_node("node");
  auto& guest = world.add_node("browser");
  Parts parts(host.loop());
  const auto at = parts.listen(host.network(), host.ip());
  REQUIRE(at);
  const auto open = [&](std::string target) {
    return open_socket(world, parts, guest, *at, std::move(target));
  };

  const auto listener = open("/api/v2/events?token=" + k_token);
  world.run_for(std::chrono::milliseconds(100));
  REQUIRE(parts.events.listeners() == 1);
  parts.events.publish(indexing_event(2));
  CHECK(as_text(world.run(listener->receive_frame())->data) ==
        R"({"type":"indexing:progress","pending":2})");

  const auto document = open("/sync/abc?token=" + k_token);
  REQUIRE(world.run(document->send_frame(Opcode::binary, "step")));
  CHECK(as_text(world.run(document->receive_frame())->data) == "step");
  CHECK(parts.fake.served == std::vector<std::string>{"abc"});

  for (const char* target : {"/api/v2/events", "/sync/abc", "/sync/abc?token=wrong"}) {
    CHECK(world.run(open(target)->receive_frame())->close_code == 4403);
  }
  world.run(parts.server.stop());
  CHECK(world.run(listener->receive_frame())->close_code == 1001);
  CHECK(parts.events.listeners() == 0);
  world.run(parts.tasks.stop());
}

TEST_CASE("events: listeners are limited") {
  rt::sim::World world(3);
  auto& host = world.add_node("node");
  auto& guest = world.add_node("browser");
  Parts parts(host.loop());
  const auto at = parts.listen(host.network(), host.ip());
  REQUIRE(at);
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i <= k_event_listeners_max; ++i) {
    clients.push_back(open_socket(world, parts, guest, *at, "/api/v2/events?token=" + k_token));
  }
  CHECK(world.run(clients.back()->receive_frame())->close_code == 1013);
  CHECK(parts.events.listeners() == k_event_listeners_max);
  world.run(parts.server.stop());
  world.run(parts.tasks.stop());
}

}  // namespace vivim::gateway::test
