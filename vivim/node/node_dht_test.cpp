// The DHT of whole nodes on one machine.
#include "vivim/node/node_dht.hpp"

#include "vivim/node/nodes_test_detail.hpp"

using namespace vivim;
using namespace vivim::node;
using namespace vivim::node::test;

namespace {

NetworkConfig in_dht() {
  NetworkConfig config = listening();
  config.dht.mode = libp2p::kad::Mode::server;
  config.mdns = false;
  config.port_mapping = false;
  return config;
}

/// The text of a member, as the JSON has it: enough for ids.
std::string text_of(const std::string& json, const std::string& name) {
  const std::string begin = "\"" + name + "\":\"";
  const auto at = json.find(begin);
  REQUIRE(at != std::string::npos);
  const auto from = at + begin.size();
  return json.substr(from, json.find('"', from) - from);
}

void meet(Machine& machine, Running& one, Running& other) {
  REQUIRE(contains(one.connect(other.address()), "200 "));
  machine.until("both are in the DHT", [&] {
    return one.counts("libp2p_kad_table_peers 1") && other.counts("libp2p_kad_table_peers 1");
  });
}

}  // namespace

TEST_CASE("node dht: what one shares is found by another under its id") {
  Machine machine;
  Running alice(machine, "alice", in_dht());
  Running bob(machine, "bob", in_dht());
  meet(machine, alice, bob);
  const auto made = alice.post("/api/v2/conversations", R"({"title": "Shared"})");
  const auto id = text_of(made, "id");
  const auto path = "/api/v2/network/content/" + id + "/providers";
  CHECK(contains(bob.get(path), R"("providers":[])"));
  REQUIRE(contains(alice.post("/api/v2/conversations/" + id + "/share", ""), "\"ticket\""));
  machine.until("bob finds it",
                [&] { return contains(bob.get(path), R"("peer_id":")" + alice.id() + "\""); });
  CHECK(contains(bob.get(path), R"("signed":true)"));
  CHECK(alice.counts("libp2p_kad_published 1"));
}

TEST_CASE("node dht: values, providers and nodes over the API, and what is wrong with requests") {
  Machine machine;
  Running alice(machine, "alice", in_dht());
  Running bob(machine, "bob", in_dht());
  const std::string cid = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq";
  const auto content = "/api/v2/network/content/" + cid + "/providers";
  CHECK(contains(alice.get(content), "503 "));
  CHECK(contains(alice.get(content), "dht_alone"));
  meet(machine, alice, bob);
  CHECK(contains(alice.post(content, ""), R"("stored":1)"));
  CHECK(contains(bob.get(content), R"("peer_id":")" + alice.id() + "\""));
  const auto put = alice.post("/api/v2/network/value", R"({"name": "profile", "text": "Hello"})");
  CHECK(contains(put, R"("stored":1)"));
  const auto value = "/api/v2/network/value?key=/vivim/content/" + alice.id() + "/profile";
  CHECK(contains(bob.get(value), R"("text":"Hello")"));
  CHECK(contains(bob.get(value), R"("publisher":")" + alice.id() + "\""));
  CHECK(contains(bob.get("/api/v2/network/peers/" + alice.id()), R"("signed":true)"));
  CHECK(contains(bob.get("/api/v2/network/peers/nobody"), "400 "));
  CHECK(contains(bob.get("/api/v2/network/value?key=/other/x"), "400 "));
  CHECK(contains(bob.get("/api/v2/network/value?key=/vivim/content/x/y"), "404 "));
  CHECK(contains(alice.post("/api/v2/network/value", R"({"name": "", "text": "x"})"), "400 "));
}

TEST_CASE("node dht: off where the configuration says so") {
  Machine machine;
  NetworkConfig config = in_dht();
  config.dht.on = false;
  Running alice(machine, "alice", config);
  CHECK(contains(alice.get("/api/v2/network/value?key=/pk/x"), "503 "));
  CHECK(contains(alice.get("/api/v2/network/value?key=/pk/x"), "dht_off"));
}
