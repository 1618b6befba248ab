#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/event.hpp"
#include "vivim/crdt/list_map_test_detail.hpp"
#include "vivim/crdt/peers_detail.hpp"

// Arrays, maps and their observers. The names are those of Yjs' own tests (y-array.tests.js,
// y-map.tests.js).
namespace vivim::crdt {
namespace {

Any one(const std::vector<Value>& values) {
  Any::Array plain;
  for (const Value& value : values) {
    plain.push_back(value.to_any());
  }
  return Any(std::move(plain));
}
void insert(Doc& doc, Array array, std::uint32_t index, std::vector<Any> values) {
  edit(doc, [&](auto& t) { array.insert(t, index, std::move(values)); });
}

}  // namespace

TEST_CASE("y-array: testSlice") {
  Doc doc(ClientId{1});
  Array array = doc.array("a");
  insert(doc, array, 0, {1, 2, 3});
  CHECK(one(array.slice()).to_json() == "[1,2,3]");
  CHECK(one(array.slice(1)).to_json() == "[2,3]");
  CHECK(one(array.slice(0, -1)).to_json() == "[1,2]");
  insert(doc, array, 0, {0});
  CHECK(one(array.slice(0, 2)).to_json() == "[0,1]");
  CHECK(one(array.slice(-2)).to_json() == "[2,3]");
  CHECK(array.slice(3, 1).empty());
  CHECK(array.slice(-9, 99).size() == 4);
}

TEST_CASE("y-array: testLengthIssue, testDeleteInsert, testInsertThreeElementsTryRegetProperty") {
  Peers peers(2);
  Array array = peers.array(0);
  edit(peers[0], [&](auto& t) {
    array.push(t, {Any(0), Any(1), Any(2), Any(3)});
    array.remove(t, 0);
    array.insert(t, 0, {Any(0)});
  });
  CHECK(array.length() == 4);
  edit(peers[0], [&](auto& t) {
    array.remove(t, 1);
    CHECK(array.length() == 3);
    array.insert(t, 1, {Any(1)});
    CHECK(array.length() == 4);
    array.remove(t, 2);
    array.insert(t, 2, {Any(2)});
    array.remove(t, 0, 0);
  });
  CHECK(json(array) == "[0,1,2,3]");
  edit(peers[0], [&](auto& t) { array.unshift(t, {Any(true), Any(false)}); });
  peers.sync();
  CHECK(json(peers.array(1)) == "[true,false,0,1,2,3]");
}

TEST_CASE("y-array: testConcurrentInsertDeleteWithThreeConflicts, testDeletionsInLateSync") {
  Peers peers(3);
  insert(peers[0], peers.array(0), 0, {"x", "y", "z"});
  peers.sync();
  insert(peers[0], peers.array(0), 1, {0});
  edit(peers[1], [&](auto& t) {
    peers.array(1).remove(t, 0);
    peers.array(1).remove(t, 1, 1);
  });
  insert(peers[2], peers.array(2), 1, {2});
  peers.sync();
  CHECK(peers.equal());
  CHECK(json(peers.array(0)) == R"([0,2,"y"])");
}

TEST_CASE("y-array: testInsertAndDeleteEvents, testInsertAndDeleteEventsForTypes") {
  Peers peers(1);
  Array array = peers.array(0);
  std::vector<std::size_t> steps;
  ArrayDelta delta;
  const auto watching = array.observe([&](const ArrayEvent& event) {
    delta = event.delta;
    steps.push_back(delta.size());
  });
  insert(peers[0], array, 0, {0, 1, 2});
  CHECK(one(std::get<InsertElements>(delta[0]).values).to_json() == "[0,1,2]");
  edit(peers[0], [&](auto& t) { array.remove(t, 0); });
  CHECK(delta == ArrayDelta{Remove{1}});
  edit(peers[0], [&](auto& t) { array.insert_array(t, 1); });
  CHECK(delta.size() == 2);
  edit(peers[0], [&](auto& t) { array.remove(t, 0, 2); });
  CHECK(delta == ArrayDelta{Remove{2}});
  CHECK(steps.size() == 4);
}

TEST_CASE("y-array: testNestedObserverEvents: an observer's edit is a transaction of its own") {
  Peers peers(1);
  Array array = peers.array(0);
  std::vector<std::string> seen;
  const auto watching = array.observe([&](const ArrayEvent&) {
    if (array.length() == 1) {
      insert(peers[0], array, 1, {1});
      seen.emplace_back("first");
    } else {
      seen.emplace_back("second");
    }
  });
  insert(peers[0], array, 0, {0});
  CHECK(seen == std::vector<std::string>{"first", "second"});
  CHECK(json(array) == "[0,1]");
}

TEST_CASE("y-array: testObserveDeepEventOrder, testObservedeepIndexes") {
  Peers peers(1);
  Map map = peers.map(0);
  std::vector<Path> paths;
  const auto watching = map.observe_deep([&](const std::vector<Event>& events) {
    for (const Event& event : events) {
      paths.push_back(event.path);
    }
  });
  std::optional<Array> list;
  std::optional<Map> inner;
  edit(peers[0], [&](auto& t) {
    list = map.set_array(t, "my-array");
    list->push(t, {Any("item1"), Any("item2")});
    inner = list->insert_map(t, 2);
  });
  CHECK(paths == std::vector<Path>{{}});
  paths.clear();
  edit(peers[0], [&](auto& t) {
    inner->set(t, "b", 1);
    list->insert(t, 0, {Any("item0")});
    map.set(t, "c", 2);
  });
  // What is higher is told first; indexes are those of now.
  CHECK(paths == std::vector<Path>{{}, {"my-array"}, {"my-array", std::uint32_t{3}}});
}

TEST_CASE("y-array: testNewChildDoesNotEmitEventInTransaction") {
  Peers peers(1);
  int told = 0;
  const auto watching = peers.array(0).observe_deep(
      [&](const auto& events) { told += static_cast<int>(events.size()); });
  edit(peers[0], [&](auto& t) {
    Map fresh = peers.array(0).insert_map(t, 0);
    fresh.set(t, "k", 1);
    fresh.set(t, "k", 2);
  });
  CHECK(told == 1);
}

TEST_CASE("y-array: testGarbageCollector: whoever was away sees the same gaps") {
  Peers peers(2);
  insert(peers[0], peers.array(0), 0, {"x", "y", "z"});
  edit(peers[0], [&](auto& t) { peers.array(0).remove(t, 0, 3); });
  peers.sync();
  CHECK(peers.equal());
  CHECK(peers.array(1).length() == 0);
}

TEST_CASE("y-map: testBasicMapTests, testSetAndClearOfMapProperties") {
  Peers peers(2);
  Map map = peers.map(0);
  edit(peers[0], [&](auto& t) {
    map.set(t, "null", nullptr);
    map.set(t, "number", 1);
    map.set(t, "object", Any(Any::Object{{"key", Any(Any::Object{{"key2", "value"}})}}));
    map.set_map(t, "y-map").set_array(t, "y-array").push(t, Any(0));
    map.set(t, "boolean", true);
  });
  peers.sync();
  CHECK(json(peers.map(1)) == R"({"null":null,"number":1,"object":{"key":{"key2":"value"}},)"
                              R"("y-map":{"y-array":[0]},"boolean":true})");
  CHECK(map.size() == 5);
  edit(peers[0], [&](auto& t) { map.clear(t); });
  peers.sync();
  CHECK(peers.map(1).size() == 0);
  CHECK(peers.equal());
}

TEST_CASE("y-map: testGetAndSetOfMapPropertyWithThreeConflicts: the highest client wins") {
  Peers peers(3);
  for (std::size_t i = 0; i < 3; ++i) {
    set(peers[2 - i], peers.map(2 - i), "stuff", static_cast<int>(2 - i));
  }
  peers.sync();
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(json(peers.map(i)) == R"({"stuff":2})");
  }
  CHECK(peers.equal());
}

TEST_CASE("y-map: testSetAndClearOfMapPropertiesWithConflicts") {
  Peers peers(3);
  for (std::size_t i = 0; i < 3; ++i) {
    set(peers[i], peers.map(i), "stuff", static_cast<int>(i));
    set(peers[i], peers.map(i), "otherstuff", "c");
  }
  peers.sync();
  set(peers[0], peers.map(0), "stuff", "c0");
  edit(peers[2], [&](auto& t) { peers.map(2).clear(t); });
  peers.sync();
  CHECK(peers.equal());
  CHECK_FALSE(peers.map(1).contains("otherstuff"));
}

TEST_CASE("y-map: testChangeEvent, testThrowsAddAndUpdateAndDeleteEvents") {
  Peers peers(1);
  Map map = peers.map(0);
  std::vector<MapChange> changes;
  const auto watching = map.observe([&](const MapEvent& event) { changes = event.changes; });
  set(peers[0], map, "a", 1);
  CHECK(changes == std::vector<MapChange>{{"a", MapAction::add, Any()}});
  set(peers[0], map, "a", 2);
  CHECK(changes == std::vector<MapChange>{{"a", MapAction::update, Any(1)}});
  edit(peers[0], [&](auto& t) {
    map.set(t, "a", 3);
    map.set(t, "a", 4);
  });
  CHECK(changes == std::vector<MapChange>{{"a", MapAction::update, Any(2)}});
  edit(peers[0], [&](auto& t) {
    map.set(t, "b", 3);
    map.set(t, "b", 4);
  });
  CHECK(changes == std::vector<MapChange>{{"b", MapAction::add, Any()}});
  edit(peers[0], [&](auto& t) {
    map.set(t, "c", 1);
    map.erase(t, "c");
  });
  CHECK(changes.empty());
  edit(peers[0], [&](auto& t) {
    map.set(t, "d", 1);
    map.set(t, "d", 2);
    map.erase(t, "a");
  });
  CHECK(changes ==
        std::vector<MapChange>{{"d", MapAction::add, Any()}, {"a", MapAction::remove, Any(4)}});
}

TEST_CASE("y-map: testPathsOfSiblingEvents, testObserversUsingObservedeep") {
  Peers peers(1);
  Map map = peers.map(0);
  std::optional<Text> text1;
  std::optional<Text> text2;
  edit(peers[0], [&](auto& t) {
    Map inner = map.set_map(t, "map");
    text1 = inner.set_text(t, "text1", "initial");
    text2 = map.set_text(t, "text2", "also");
  });
  int calls = 0;
  std::vector<Path> paths;
  const auto watching = map.observe_deep([&](const std::vector<Event>& events) {
    ++calls;
    for (const Event& event : events) {
      paths.push_back(event.path);
      CHECK(event.text == TextDelta{InsertText{"x", {}}});
    }
  });
  edit(peers[0], [&](auto& t) {
    text1->insert(t, 0, "x");
    text2->insert(t, 0, "x");
  });
  CHECK(calls == 1);
  CHECK(paths == std::vector<Path>{{"text2"}, {"map", "text1"}});
}

TEST_CASE("y-map: testYmapEventHasCorrectValueWhenSettingAPrimitiveFromOtherUser") {
  Peers peers(2);
  std::string seen;
  const auto watching = peers.map(0).observe([&](const MapEvent& event) {
    seen = event.target.get_string(event.changes.front().key).value_or("");
    CHECK(event.origin == Origin{99});
  });
  set(peers[1], peers.map(1), "stuff", "2");
  peers.sync();
  CHECK(seen == "2");
}

}  // namespace vivim::crdt
