#include "vivim/gateway/server.hpp"

#include "vivim/gateway/server_test_detail.hpp"

namespace vivim::gateway::test {

TEST_CASE("server: requests one after the other on one connection") {
  Fixture f;
  const auto client = f.connect();
  const auto first = f.ask(*client, get("/a"));
  REQUIRE(first);
  CHECK(first->status == 200);
  CHECK(first->body == "GET ");
  CHECK(first->headers.get("Content-Type") == "text/plain");
  CHECK(first->headers.get("Date").ends_with(" GMT"));
  const auto second = f.ask(*client, post("/b", "hello"));
  REQUIRE(second);
  CHECK(second->body == "POST hello");
  CHECK(f.server.stats().accepted == 1);
  CHECK(f.server.stats().requests == 2);
}

TEST_CASE("server: pipelined requests are answered in order, also behind a chunked body") {
  Fixture f;
  const auto client = f.connect();
  std::string all = get("/1") + post("/2", "two");
  all += "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthree\r\n0\r\n\r\n";
  all += "\r\n" + get("/empty") + get("/5");
  REQUIRE(f.world.run(client->send(all)));
  CHECK(f.world.run(client->receive())->body == "GET ");
  CHECK(f.world.run(client->receive())->body == "POST two");
  CHECK(f.world.run(client->receive())->body == "POST three");
  CHECK(f.world.run(client->receive())->status == 204);
  CHECK(f.world.run(client->receive())->body == "GET ");
  CHECK(f.handler.targets == std::vector<std::string>{"/1", "/2", "/3", "/empty", "/5"});
}

TEST_CASE("server: HEAD, HTTP/1.0, Connection: close") {
  Fixture f;
  const auto client = f.connect();
  REQUIRE(f.world.run(client->send("HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n")));
  const auto head = f.world.run(client->receive(Method::head));
  CHECK(head->headers.get("Content-Length") == "1048576");
  CHECK(f.ask(*client, get("/a"))->body == "GET ");

  const auto old = f.connect();
  const auto reply = f.ask(*old, "GET /stream HTTP/1.0\r\n\r\n");
  CHECK(reply->body.size() == 3000);
  CHECK(reply->headers.get("Connection") == "close");
  CHECK_FALSE(reply->headers.find("Transfer-Encoding"));

  const auto last = f.connect();
  CHECK(f.ask(*last, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")->status == 200);
  CHECK(f.world.run(last->rest()) == "");
}

TEST_CASE("server: streamed, large, broken and hostile responses") {
  Fixture f;
  const auto client = f.connect();
  const auto streamed = f.ask(*client, get("/stream"));
  CHECK(streamed->headers.get("Transfer-Encoding") == "chunked");
  CHECK(streamed->body.size() == 3000);
  CHECK(f.ask(*client, get("/big"))->body == std::string(1 << 20, 'b'));
  const auto injected = f.ask(*client, get("/inject"));
  CHECK_FALSE(injected->headers.find("X-Evil"));
  CHECK(f.ask(*client, get("/throw"))->status == 500);
  CHECK(f.ask(*client, get("/a"))->status == 200);
  // A stream that fails midway must not look complete.
  CHECK_FALSE(f.ask(*client, get("/broken")));
}

TEST_CASE("server: bodies: limit of the handler, unread bodies, expect-continue") {
  Fixture f({.body_drain_bytes_max = 10'000});
  const auto client = f.connect();
  CHECK(f.ask(*client, post("/ignore", std::string(9'000, 'x')))->body == "ignored");
  CHECK(f.ask(*client, post("/a", std::string(5, 'x')))->body == "POST xxxxx");
  CHECK(f.ask(*client, post("/ignore", std::string(200'000, 'x')))->body == "ignored");
  CHECK(f.world.run(client->rest()) == "");  // too much to drain: closed

  const auto other = f.connect();
  CHECK(f.ask(*other, post("/a", std::string(100'001, 'x')))->status == 413);
  CHECK(f.handler.last_error->is(GatewayError::body_too_large));

  const auto polite = f.connect();
  const std::string head =
      "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  CHECK(f.ask(*polite, head)->status == 100);
  CHECK(f.ask(*polite, "ok")->body == "POST ok");
}

TEST_CASE("server: what is not HTTP gets an answer and the end") {
  Fixture f;
  const std::vector<std::pair<std::string, unsigned>> cases{
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\n\r\n", 505},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(20'000, 'x'), 431},
      {"GET /" + std::string(5'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
  };
  for (const auto& [text, status] : cases) {
    const auto client = f.connect();
    const auto reply = f.ask(*client, text);
    REQUIRE(reply);
    CHECK(reply->status == status);
    CHECK(reply->headers.get("Content-Type") == "application/problem+json");
    CHECK(reply->headers.get("Connection") == "close");
    CHECK(f.world.run(client->rest()) == "");
  }
  CHECK(f.server.stats().malformed == cases.size());
  CHECK(f.handler.targets.empty());
}

TEST_CASE("server: slow headers, slow bodies and idle connections are ended") {
  Fixture f;
  const auto slow_head = f.connect();
  REQUIRE(f.world.run(slow_head->send("GET / HTTP/1.1\r\n")));
  const auto slow_body = f.connect();
  REQUIRE(
      f.world.run(slow_body->send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx")));
  const auto idle = f.connect();
  CHECK(f.ask(*idle, get("/a")));
  CHECK(f.server.stats().connections == 3);
  // A byte now and then does not move the deadline of a header.
  f.world.run_for(5s);
  REQUIRE(f.world.run(slow_head->send("X: y\r\n")));
  f.world.run_for(6s);
  CHECK(f.server.stats().connections == 2);
  CHECK(f.server.stats().timeouts == 1);
  f.world.run_for(55s);
  CHECK(f.server.stats().connections == 1);
  f.world.run_for(20s);
  CHECK(f.server.stats().connections == 0);
  CHECK(f.server.stats().timeouts == 3);
}

TEST_CASE("server: a client that does not read is ended") {
  Fixture f;
  const auto client = f.connect();
  REQUIRE(f.world.run(client->send(get("/big"))));
  f.world.run_for(59s);
  CHECK(f.server.stats().connections == 1);
  f.world.run_for(3s);
  CHECK(f.server.stats().connections == 0);
}

TEST_CASE("server: connections above the limit are refused, and welcome when others leave") {
  Fixture f({.connections_max = 2});
  const auto first = f.connect();
  auto second = f.connect();
  CHECK(f.ask(*first, get("/a")));
  CHECK(f.ask(*second, get("/a")));
  const auto third = f.connect();
  const auto refused = f.world.run(third->receive());
  REQUIRE(refused);
  CHECK(refused->status == 503);
  CHECK(f.server.stats().refused == 1);
  second.reset();
  f.world.run_for(1s);
  const auto fourth = f.connect();
  CHECK(f.ask(*fourth, get("/a"))->status == 200);
}

TEST_CASE("server: stop ends idle connections at once and lets a request finish") {
  Fixture f;
  const auto idle = f.connect();
  CHECK(f.ask(*idle, get("/a")));
  const auto busy = f.connect();
  REQUIRE(f.world.run(busy->send(get("/wait"))));
  f.world.run_for(1s);
  f.world.after(1s, [&] { f.handler.gate.set(); });
  const auto began = f.world.now();
  f.stop();
  CHECK(f.world.now() - began < 4s);
  const auto reply = f.world.run(busy->receive());
  REQUIRE(reply);
  CHECK(reply->body == "waited");
  CHECK(reply->headers.get("Connection") == "close");
}

TEST_CASE("server: stop does not wait for ever for a request that gets no answer") {
  Fixture f;
  const auto busy = f.connect();
  REQUIRE(f.world.run(busy->send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n")));
  f.world.run_for(1s);
  const auto began = f.world.now();
  f.stop();
  CHECK(f.world.now() - began < 4s);
}

}  // namespace vivim::gateway::test
