#pragma once

#include <doctest/doctest.h>

#include "vivim/base/assert.hpp"
#include "vivim/gateway/client_test_detail.hpp"
#include "vivim/gateway/error.hpp"
#include "vivim/gateway/server.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::gateway::test {

using namespace std::chrono_literals;

/// Pieces of `size` bytes, `count` of them, then the end or an error.
class Pieces final : public BodySource {
 public:
  Pieces(std::size_t count, std::size_t size, bool fails = false)
      : count_(count), size_(size), fails_(fails) {}
  Co<Result<Bytes>> next() override {
    if (count_ == 0) {
      co_return fails_ ? Result<Bytes>(fail(rt::RtError::io)) : Bytes{};
    }
    --count_;
    co_return Bytes(size_, 'x');
  }

 private:
  std::size_t count_;
  std::size_t size_;
  bool fails_;
};

/// Answers what the tests ask for.
class TestHandler final : public Handler {
 public:
  explicit TestHandler(rt::Loop& loop) : gate(loop) {}

  Co<Response> handle(Request request) override {
    targets.push_back(request.target);
    if (request.wants_websocket) {
      co_return Response::upgrade([this](WebSocket& socket) { return talk(socket); });
    }
    if (request.target == "/wait") {
      co_await gate.wait();
      co_return Response::text(200, "text/plain", "waited");
    }
    if (request.target == "/ignore") {
      co_return Response::text(200, "text/plain", "ignored");
    }
    if (request.target == "/throw") {
      throw std::runtime_error("planted");
    }
    if (request.target == "/stream" || request.target == "/broken") {
      Response response;
      response.body = std::make_unique<Pieces>(3, 1000, request.target == "/broken");
      co_return std::move(response);
    }
    if (request.target == "/big") {
      co_return Response::text(200, "text/plain", std::string(1 << 20, 'b'));
    }
    if (request.target == "/empty") {
      co_return Response::no_content();
    }
    if (request.target == "/inject") {
      Response response = Response::redirect("/a\r\nX-Evil: 1");
      co_return std::move(response);
    }
    co_return co_await echo(std::move(request));
  }

  Co<Response> echo(Request request) {
    auto body = co_await read_body(request, 100'000);
    if (!body) {
      last_error = body.error();
      co_return Response::text(413, "text/plain", "too large");
    }
    co_return Response::text(200, "text/plain",
                             std::string(method_name(request.method)) + " " + *body);
  }

  /// Echoes; "flood" sends until the queue overflows; "bye" closes.
  Co<void> talk(WebSocket& socket) {
    current = &socket;
    for (;;) {
      auto message = co_await socket.receive();
      if (!message) {
        last_error = message.error();
        break;
      }
      if (as_text(message->data) == "flood") {
        flooded = 0;
        while (socket.try_send(Message::binary(Bytes(1000, 'f')))) {
          ++flooded;
        }
      } else if (as_text(message->data) == "bye") {
        socket.close(CloseCode::no_such_document, "no such document");
      } else {
        (void)co_await socket.send(std::move(*message));
      }
    }
    current = nullptr;
  }

  rt::Event gate;
  std::vector<std::string> targets;
  std::optional<Error> last_error;
  WebSocket* current = nullptr;
  std::size_t flooded = 0;
};

/// A server and a client machine under virtual time.
struct Fixture {
  explicit Fixture(ServerLimits limits = {})
      : host(world.add_node("server")),
        guest(world.add_node("client")),
        handler(host.loop()),
        server(limits, host.loop(), handler) {
    auto listening = server.listen(host.network(), {.ip = host.ip(), .port = 0});
    REQUIRE(listening);
    at = *listening;
  }
  ~Fixture() {
    if (!stopped) {
      world.run(server.stop());
    }
  }

  std::unique_ptr<Client> connect() {
    auto client = world.run(test::connect(guest.network(), at));
    REQUIRE(client);
    return std::move(*client);
  }
  Result<Reply> ask(Client& client, std::string text) {
    return world.run(client.ask(std::move(text)));
  }
  void stop() {
    world.run(server.stop());
    stopped = true;
  }

  rt::sim::World world{7};
  rt::sim::Node& host;
  rt::sim::Node& guest;
  TestHandler handler;
  Server server;
  rt::Endpoint at;
  bool stopped = false;
};

inline std::string get(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

inline std::string post(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

}  // namespace vivim::gateway::test
