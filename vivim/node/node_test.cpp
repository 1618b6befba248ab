#include "vivim/node/node.hpp"

#include <doctest/doctest.h>

#include "vivim/gateway/http.hpp"
#include "vivim/node/recovery.hpp"
#include "vivim/node/temporary_folder_test_detail.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/resolver.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/asio/worker.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/search.hpp"

namespace vivim::node {
namespace {

/// A machine with one home.
struct NodeFixture {
  TemporaryFolder folder;
  HomePaths home{.root = folder.path()};
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
  Outcome<std::unique_ptr<Node>> open(const HomePaths& where) {
    return loop.run(Node::open(world(), {.home = where, .version = "1.2.3"}));
  }
  std::unique_ptr<Node> open() { return open(home).value(); }

  std::string ask(Node& node, gateway::Method method, std::string path, std::string json = "") {
    gateway::Request request;
    request.method = method;
    request.target = std::move(path);
    if (!json.empty()) {
      request.headers.set("Content-Type", "application/json");
      request.body = std::move(json);
    }
    auto response = loop.run(node.router().dispatch(std::move(request)));
    return std::to_string(response.status) + " " +
           loop.run(gateway::read_body(response, 1 << 20)).value();
  }
};

ServeOptions any_port() {
  return {.http = {.ip = rt::IpAddress::v4(127, 0, 0, 1), .port = 0},
          .network = {.listen = {*multiformats::Multiaddr::parse("/ip4/127.0.0.1/tcp/0")},
                      .listen_is_default = false},
          .token = std::string(64, 't')};
}

TEST_CASE_FIXTURE(NodeFixture,
                  "node: without serving it answers in process, and keeps what it was told") {
  std::string peer_id;
  {
    const auto node = open();
    peer_id = node->peer_id();
    CHECK(node->http().empty());
    CHECK(node->listen_addresses().empty());
    CHECK(ask(*node, gateway::Method::post, "/api/v2/conversations", R"({"title":"Kept"})")
              .starts_with("201"));
    CHECK(ask(*node, gateway::Method::get, "/api/v2/status").find("\"1.2.3\"") !=
          std::string::npos);
    loop.run(node->stop());
    loop.run(node->stop());
  }
  const auto node = open();
  CHECK(node->peer_id() == peer_id);
  CHECK(ask(*node, gateway::Method::get, "/api/v2/conversations").find("\"Kept\"") !=
        std::string::npos);
  loop.run(node->stop());
}

TEST_CASE_FIXTURE(NodeFixture, "node: serves, and stops when it is asked to") {
  const auto node = open();
  REQUIRE(loop.run(node->serve(any_port())));
  CHECK(node->http().starts_with("http://127.0.0.1:"));
  REQUIRE(node->listen_addresses().size() == 1);
  CHECK(node->listen_addresses()[0].ends_with("/p2p/" + node->peer_id()));
  CHECK(ask(*node, gateway::Method::post, "/api/v2/stop").starts_with("202"));
  loop.run(node->wait_stop_requested());
  loop.run(node->stop());
}

TEST_CASE_FIXTURE(NodeFixture,
                  "node: a home that is open, or is something else, is a clear problem") {
  const auto node = open();
  const auto second = open(home);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == "home_in_use");
  CHECK(second.error().kind == ProblemKind::conflict);
  loop.run(node->stop());
  const HomePaths other{.root = folder.path() + "/other"};
  REQUIRE(make_home(other));
  REQUIRE(write_private(other.database(), std::string(8192, 'x')));
  const auto broken = open(other);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().message.find(other.database()) != std::string::npos);
  CHECK_FALSE(broken.error().hint.empty());
}

TEST_CASE_FIXTURE(NodeFixture, "node: a port that is taken is a conflict, unless any will do") {
  const auto listener = network.listen({.ip = rt::IpAddress::v4(127, 0, 0, 1), .port = 0}).value();
  const auto taken = listener->local();
  auto options = any_port();
  options.http = taken;
  const auto node = open();
  const auto served = loop.run(node->serve(options));
  REQUIRE_FALSE(served);
  CHECK(served.error().code == "address_in_use");
  loop.run(node->stop());

  options = any_port();
  options.network.listen = {*multiformats::Multiaddr::from_tcp("127.0.0.1", taken.port)};
  const auto second = open();
  CHECK_FALSE(loop.run(second->serve(options)));
  loop.run(second->stop());
  const auto third = open();
  options.network.listen_is_default = true;
  CHECK(loop.run(third->serve(options)));
  CHECK(third->listen_addresses().size() == 1);
  loop.run(third->stop());
}

TEST_CASE_FIXTURE(NodeFixture,
                  "recovery: documents with updates after their snapshot are queued again") {
  auto opened = store::Database::open({.path = home.database()}).value();
  const store::DocumentId quiet{.bytes = {1}};
  const store::DocumentId edited{.bytes = {2}};
  store::Documents documents(*opened);
  REQUIRE(documents.create(quiet, store::DocumentKind::conversation, 1));
  REQUIRE(documents.create(edited, store::DocumentKind::conversation, 1));
  REQUIRE(documents.append_update(edited, to_bytes("update")));
  CHECK(queue_unindexed(*opened).value() == 1);
  CHECK(store::Search(*opened).queued(10).value() == std::vector{edited});
}

}  // namespace
}  // namespace vivim::node
