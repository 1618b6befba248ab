#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "vivim/gateway/http.hpp"
#include "vivim/node/node.hpp"
#include "vivim/node/temporary_folder_test_detail.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/resolver.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/asio/worker.hpp"

namespace vivim::node::test {

/// One machine, for several nodes that find each other on its loopback address.
struct Machine {
  TemporaryFolder folder;
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network{loop};
  rt::asio_::DnsResolver resolver{loop};
  rt::asio_::SystemRng rng;
  rt::asio_::ThreadWorker worker{loop, "work"};
  rt::asio_::ThreadWorker database{loop, "database"};

  World world() {
    return {.loop = loop,
            .network = network,
            .resolver = resolver,
            .rng = rng,
            .database = database,
            .reader = worker,
            .packer = worker,
            .files = worker,
            .router = worker};
  }

  /// Looks again and again; the deadline is only for when it never becomes so.
  void until(const char* what, const std::function<bool()>& condition) {
    const auto deadline = loop.clock().now() + std::chrono::seconds(60);
    while (!condition()) {
      INFO(what);
      REQUIRE(loop.clock().now() < deadline);
      loop.run(rt::sleep_for(loop, std::chrono::milliseconds(10)));
    }
  }
};

/// A node that serves on `machine`, with a home of its own.
class Running {
 public:
  Running(Machine& machine, const std::string& name, NetworkConfig config, NodeOptions options = {})
      : machine_(machine) {
    options.home.root = machine.folder.path() + "/" + name;
    options.version = "1.2.3";
    REQUIRE(make_home(options.home));
    auto secrets = read_secrets(config, machine.folder.path());
    if (!secrets) {
      FAIL(secrets.error().message);
    }
    options.secrets = std::move(*secrets);
    node_ = machine.loop.run(Node::open(machine.world(), std::move(options))).value();
    const auto served =
        machine.loop.run(node_->serve({.http = {.ip = rt::IpAddress::v4(127, 0, 0, 1), .port = 0},
                                       .network = std::move(config),
                                       .names = {},
                                       .token = std::string(64, 't'),
                                       .uploads_path = {}}));
    if (!served) {
      FAIL(served.error().message);
    }
  }
  ~Running() { machine_.loop.run(node_->stop()); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  std::string id() const { return node_->peer_id(); }
  /// Where it is, ending in /p2p.
  std::string address() const { return node_->listen_addresses().at(0); }
  multiformats::Multiaddr multiaddr() const {
    return multiformats::Multiaddr::parse(address()).value();
  }

  std::string get(const std::string& path) { return ask(gateway::Method::get, path, ""); }
  /// "200 {...}".
  std::string post(const std::string& path, std::string json) {
    return ask(gateway::Method::post, path, std::move(json));
  }
  std::string connect(const std::string& to) {
    return post("/api/v2/network/connect", R"({"multiaddr":")" + to + "\"}");
  }
  bool has_peer(const Running& other) {
    return get("/api/v2/network/peers").find("\"id\":\"" + other.id()) != std::string::npos;
  }
  bool counts(const std::string& line) {
    return get("/metrics").find("\n" + line + "\n") != std::string::npos;
  }

 private:
  std::string ask(gateway::Method method, const std::string& path, std::string json) {
    gateway::Request request;
    request.method = method;
    request.target = path;
    if (!json.empty()) {
      request.headers.set("Content-Type", "application/json");
      request.body = std::move(json);
    }
    auto response = machine_.loop.run(node_->router().dispatch(std::move(request)));
    return std::to_string(response.status) + " " +
           machine_.loop.run(gateway::read_body(response, 1 << 20)).value();
  }

  Machine& machine_;
  std::unique_ptr<Node> node_;
};

/// A configuration that listens on loopback, at a port that the system picks.
inline NetworkConfig listening(const std::string& address = "/ip4/127.0.0.1/tcp/0") {
  return {.listen = {multiformats::Multiaddr::parse(address).value()}, .listen_is_default = false};
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace vivim::node::test
