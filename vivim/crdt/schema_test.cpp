#include "vivim/crdt/schema.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/peers_detail.hpp"

namespace vivim::crdt {
namespace {

struct Part {
  static constexpr Key<Part, std::string> kind{"kind"};
};
struct Turn {
  static constexpr Key<Turn, std::string> role{"role"};
  static constexpr Key<Turn, double> time{"time"};
  static constexpr Key<Turn, bool> hidden{"hidden"};
  static constexpr Key<Turn, Text> text{"text"};
  static constexpr Key<Turn, List<View<Part>>> parts{"parts"};
  static constexpr Key<Turn, List<std::string>> tags{"tags"};
};
struct Conversation {
  static constexpr Key<Conversation, Text> title{"title"};
  static constexpr Key<Conversation, Dictionary<View<Turn>>> turns{"turns"};
};

}  // namespace

TEST_CASE("schema: what is written by key is read by key, here and elsewhere") {
  Peers peers(2);
  edit(peers[0], [&](auto& t) {
    root(peers[0], Conversation::title).insert(t, 0, "A title");
    auto turn = root(peers[0], Conversation::turns).make(t, "first");
    turn.set(t, Turn::role, "user");
    turn.set(t, Turn::time, 12.5);
    turn.set(t, Turn::hidden, true);
    turn.make(t, Turn::text).insert(t, 0, "Hello");
    turn.make(t, Turn::parts).make(t, 0).set(t, Part::kind, "image");
    turn.get_or_make(t, Turn::tags).push(t, "x");
    turn.get_or_make(t, Turn::tags).push(t, "y");
  });
  peers.sync();
  const auto turns = root(peers[1], Conversation::turns);
  const auto turn = turns.get("first");
  REQUIRE(turn.has_value());
  CHECK(turn->get(Turn::role) == "user");
  CHECK(turn->get(Turn::time) == 12.5);
  CHECK(turn->get_or(Turn::hidden, false));
  CHECK(turn->get(Turn::text)->to_string() == "Hello");
  CHECK(turn->get(Turn::parts)->get(0)->get(Part::kind) == "image");
  CHECK(turn->get(Turn::tags)->length() == 2);
  CHECK(root(peers[1], Conversation::title).to_string() == "A title");
  CHECK_FALSE(turns.get("second").has_value());
}

TEST_CASE("schema: a value of another type reads as absent") {
  Doc doc(ClientId{1});
  edit(doc, [&](auto& t) {
    doc.map("turns").set(t, "plain", 1);
    Map turn = doc.map("turns").set_map(t, "odd");
    turn.set(t, "role", 7);
    turn.set(t, "text", "not a text");
    turn.set_array(t, "tags").push(t, std::vector<Any>{Any(1), Any("kept")});
  });
  std::vector<std::string> seen;
  root(doc, Conversation::turns).for_each([&](std::string_view id, const View<Turn>& turn) {
    seen.emplace_back(id);
    CHECK_FALSE(turn.get(Turn::role).has_value());
    CHECK_FALSE(turn.get(Turn::text).has_value());
    CHECK(turn.get_or(Turn::time, 3) == 3);
    turn.get(Turn::tags)->for_each([&](const std::string& tag) { seen.push_back(tag); });
  });
  CHECK(seen == std::vector<std::string>{"odd", "kept"});
}

TEST_CASE("schema: observers of one key hear of that key, with what it was") {
  Doc doc(ClientId{1});
  std::optional<View<Turn>> turn;
  edit(doc, [&](auto& t) { turn = root(doc, Conversation::turns).make(t, "first"); });
  std::vector<std::string> heard;
  const auto watching = turn->observe(Turn::role, [&](const std::optional<std::string>& before) {
    heard.push_back(before.value_or("nothing") + " > " + turn->get_or(Turn::role, "nothing"));
  });
  edit(doc, [&](auto& t) { turn->set(t, Turn::role, "user"); });
  edit(doc, [&](auto& t) { turn->set(t, Turn::hidden, true); });
  edit(doc, [&](auto& t) { turn->set(t, Turn::role, "assistant"); });
  edit(doc, [&](auto& t) { turn->erase(t, Turn::role); });
  CHECK(heard ==
        std::vector<std::string>{"nothing > user", "user > assistant", "assistant > nothing"});
}

}  // namespace vivim::crdt
