// Circles of whole nodes, over real sockets: what one says the others hear, also who was away.
#include <map>

#include "vivim/node/nodes_test_detail.hpp"

using namespace vivim;
using namespace vivim::node;
using namespace vivim::node::test;

namespace {

/// What stands behind "name":" in JSON.
std::string value_of(const std::string& json, const std::string& name) {
  const std::string key = "\"" + name + "\":\"";
  const auto at = json.find(key);
  REQUIRE(at != std::string::npos);
  const auto begin = at + key.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

/// The texts of what came, the first one first.
std::vector<std::string> texts_of(Running& node) {
  const std::string json = node.get("/api/v2/messages?limit=500");
  std::vector<std::string> texts;
  const std::string key = R"("text":")";
  for (auto at = json.find(key); at != std::string::npos; at = json.find(key, at + 1)) {
    const auto begin = at + key.size();
    texts.push_back(json.substr(begin, json.find('"', begin) - begin));
  }
  std::ranges::reverse(texts);
  return texts;
}

bool hears(Running& node, const std::string& text) {
  return contains(node.get("/api/v2/messages?limit=500"), R"("text":")" + text + "\"");
}

struct Family {
  Family() {
    const auto made = alice.post("/api/v2/circles", R"({"name":"family"})");
    secret = value_of(made, "secret");
    id = value_of(made, "id");
    topic = value_of(made, "topic");
  }
  void join(Running& node) {
    REQUIRE(node.post("/api/v2/circles", R"({"name":"us","secret":")" + secret + "\"}")
                .starts_with("201"));
    REQUIRE(node.connect(alice.address()).starts_with("200"));
    machine.until("the mesh", [&] {
      const auto topics = node.get("/api/v2/topics");
      const auto at = topics.find(topic);
      return at != std::string::npos &&
             !contains(topics.substr(at, topics.find('}', at) - at), R"("mesh_peers":0)");
    });
  }
  void say(Running& node, const std::string& text) {
    REQUIRE(node.post("/api/v2/circles/" + id + "/messages", R"({"text":")" + text + "\"}")
                .starts_with("201"));
  }

  Machine machine;
  Running alice{machine, "alice", listening()};
  std::string secret;
  std::string id;
  std::string topic;
};

}  // namespace

TEST_CASE("circles: an answer never comes before its question, and who was away hears it all") {
  Family family;
  auto& machine = family.machine;
  Running bob(machine, "bob", listening());
  auto carol = std::make_unique<Running>(machine, "carol", listening());
  family.join(bob);
  family.join(*carol);
  family.say(family.alice, "question");
  machine.until("bob to hear it", [&] { return hears(bob, "question"); });
  family.say(bob, "answer");
  machine.until("carol to hear it", [&] { return hears(*carol, "answer"); });
  CHECK(texts_of(*carol) == std::vector<std::string>{"question", "answer"});

  carol.reset();
  std::vector<std::string> expected{"question", "answer"};
  for (int i = 0; i < 20; ++i) {
    const auto text = "away " + std::to_string(i);
    auto& speaker = i % 2 == 0 ? family.alice : bob;
    auto& listener = i % 2 == 0 ? bob : family.alice;
    family.say(speaker, text);
    machine.until("the other to hear it", [&] { return hears(listener, text); });
    expected.push_back(text);
  }
  carol = std::make_unique<Running>(machine, "carol", listening());
  REQUIRE(carol->connect(family.alice.address()).starts_with("200"));
  machine.until("carol to catch up", [&] { return hears(*carol, expected.back()); });
  CHECK(texts_of(*carol) == expected);
  // The last ones may have come by gossip.
  CHECK_FALSE(carol->counts(R"(vivim_circle_messages_total{result="caught_up"} 0)"));
  CHECK(carol->counts(R"(vivim_circle_messages_total{result="gaps"} 0)"));
  family.say(*carol, "back");
  machine.until("bob to hear her", [&] { return hears(bob, "back"); });
}

TEST_CASE("circles: who has not the secret reads nothing and says nothing") {
  Family family;
  auto& machine = family.machine;
  Running bob(machine, "bob", listening());
  family.join(bob);
  Running mallory(machine, "mallory", listening());
  const auto topic = R"({"topic":")" + family.topic + "\"";
  REQUIRE(mallory.post("/api/v2/topics/subscribe", topic + "}").starts_with("200"));
  REQUIRE(mallory.connect(family.alice.address()).starts_with("200"));
  machine.until("mallory in the mesh",
                [&] { return contains(mallory.get("/api/v2/topics"), R"("mesh_peers":1)"); });
  family.say(family.alice, "between us");
  machine.until("bob to hear it", [&] { return hears(bob, "between us"); });
  machine.until("mallory to carry it", [&] {
    return contains(mallory.get("/api/v2/topics/messages?topic=" + family.topic), R"("data":")");
  });
  CHECK_FALSE(contains(mallory.get("/api/v2/topics/messages?topic=" + family.topic), "between us"));
  CHECK_FALSE(contains(mallory.get("/api/v2/messages"), "between us"));
  REQUIRE(mallory.post("/api/v2/topics/publish", topic + R"(,"text":"believe me"})")
              .starts_with("200"));
  machine.until("alice to refuse it", [&] {
    return family.alice.counts(R"(vivim_circle_messages_total{result="refused"} 1)");
  });
  family.say(bob, "still here");
  machine.until("alice to hear bob", [&] { return hears(family.alice, "still here"); });
  CHECK(texts_of(family.alice) == std::vector<std::string>{"still here"});
  CHECK(texts_of(bob) == std::vector<std::string>{"between us"});
  CHECK(mallory.post("/api/v2/circles/" + family.id + "/messages", R"({"text":"x"})")
            .starts_with("404"));
}
