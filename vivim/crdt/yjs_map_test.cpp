// Yjs' own tests of maps (tests/y-map.tests.js of 13.6.31), by their names.

#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/yjs_users_test_detail.hpp"

namespace vivim::crdt {
namespace {

std::string json(Users& users, std::size_t i) {
  return users.map(i).to_any().to_json();
}

Any value(Users& users, std::size_t i, std::string_view key) {
  const auto found = users.map(i).get(key);
  return found ? *found->if_any() : Any();
}

TEST_CASE("yjs map: testMapHavingIterableAsConstructorParamTests") {
  Users users(1);
  users.edit(0, [&](Transaction& t) {
    Map first = users.map(0).set_map(t, "m1");
    first.set(t, "number", 1);
    first.set(t, "string", "hello");
    Map second = users.map(0).set_map(t, "m2");
    second.set(t, "object", Any::Object{{"x", 1}});
    second.set(t, "boolean", true);
    Map third = users.map(0).set_map(t, "m3");
    for (const Map& from : {first, second}) {
      from.for_each(
          [&](std::string_view key, const Value& member) { third.set(t, key, *member.if_any()); });
    }
  });
  CHECK(json(users, 0) ==
        R"({"m1":{"number":1,"string":"hello"},"m2":{"object":{"x":1},"boolean":true},)"
        R"("m3":{"number":1,"string":"hello","object":{"x":1},"boolean":true}})");
}

TEST_CASE("yjs map: testBasicMapTests") {
  Users users(3);
  users.disconnect(2);
  users.set(0, "null", nullptr);
  users.set(0, "number", 1);
  users.set(0, "string", "hello Y");
  users.set(0, "object", Any::Object{{"key", Any::Object{{"key2", "value"}}}});
  users.edit(0, [&](Transaction& t) {
    Array array = users.map(0).set_map(t, "y-map").set_array(t, "y-array");
    array.insert(t, 0, {0});
    array.insert(t, 0, {-1});
  });
  users.set(0, "boolean1", true);
  users.set(0, "boolean0", false);
  const std::string all =
      R"({"null":null,"number":1,"string":"hello Y","object":{"key":{"key2":"value"}},)"
      R"("y-map":{"y-array":[-1,0]},"boolean1":true,"boolean0":false})";
  CHECK(json(users, 0) == all);
  CHECK(users.map(0).size() == 7);
  users.connect(2);
  users.flush();
  for (const std::size_t i : {1, 2}) {
    CHECK(json(users, i) == all);
    CHECK(users.map(i).size() == 7);
  }
  users.compare();
}

TEST_CASE("yjs map: testGetAndSetOfMapProperty") {
  Users users(2);
  users.set(0, "stuff", "stuffy");
  users.set(0, "undefined", Any());
  users.set(0, "null", nullptr);
  users.flush();
  for (std::size_t i = 0; i < users.size(); ++i) {
    CHECK(value(users, i, "stuff") == Any("stuffy"));
    CHECK(value(users, i, "undefined").is_undefined());
    CHECK(value(users, i, "null").is_null());
  }
  users.compare();
}

TEST_CASE("yjs map: testYmapSetsYmap") {
  Users users(2);
  users.edit(0, [&](Transaction& t) {
    Map map = users.map(0).set_map(t, "Map");
    CHECK(*users.map(0).get("Map")->if_map() == map);
    map.set(t, "one", 1);
    CHECK(*map.get("one")->if_any() == Any(1));
  });
  users.compare();
}

TEST_CASE("yjs map: testYmapSetsYarray") {
  Users users(2);
  users.edit(0, [&](Transaction& t) {
    Array array = users.map(0).set_array(t, "Array");
    CHECK(*users.map(0).get("Array")->if_array() == array);
    array.insert(t, 0, {1, 2, 3});
  });
  CHECK(json(users, 0) == R"({"Array":[1,2,3]})");
  users.compare();
}

TEST_CASE("yjs map: testGetAndSetOfMapPropertySyncs") {
  Users users(2);
  users.set(0, "stuff", "stuffy");
  users.flush();
  CHECK(value(users, 1, "stuff") == Any("stuffy"));
  users.compare();
}

TEST_CASE("yjs map: testGetAndSetOfMapPropertyWithConflict") {
  Users users(3);
  users.set(0, "stuff", "c0");
  users.set(1, "stuff", "c1");
  users.flush();
  for (std::size_t i = 0; i < users.size(); ++i) {
    CHECK(value(users, i, "stuff") == Any("c1"));
  }
  users.compare();
}

TEST_CASE("yjs map: testSizeAndDeleteOfMapProperty") {
  Users users(1);
  users.set(0, "stuff", "c0");
  users.set(0, "otherstuff", "c1");
  CHECK(users.map(0).size() == 2);
  users.erase(0, "stuff");
  CHECK(users.map(0).size() == 1);
  users.erase(0, "otherstuff");
  CHECK(users.map(0).size() == 0);
}

TEST_CASE("yjs map: testGetAndSetAndDeleteOfMapProperty") {
  Users users(3);
  users.set(0, "stuff", "c0");
  users.set(1, "stuff", "c1");
  users.erase(1, "stuff");
  users.flush();
  for (std::size_t i = 0; i < users.size(); ++i) {
    CHECK_FALSE(users.map(i).get("stuff").has_value());
  }
  users.compare();
}

TEST_CASE("yjs map: testGetAndSetOfMapPropertyWithThreeConflicts") {
  Users users(3);
  users.set(0, "stuff", "c0");
  users.set(1, "stuff", "c1");
  users.set(1, "stuff", "c2");
  users.set(2, "stuff", "c3");
  users.flush();
  for (std::size_t i = 0; i < users.size(); ++i) {
    CHECK(value(users, i, "stuff") == Any("c3"));
  }
  users.compare();
}

TEST_CASE("yjs map: testGetAndSetAndDeleteOfMapPropertyWithThreeConflicts") {
  Users users(4);
  users.set(0, "stuff", "c0");
  users.set(1, "stuff", "c1");
  users.set(1, "stuff", "c2");
  users.set(2, "stuff", "c3");
  users.flush();
  users.set(0, "stuff", "deleteme");
  users.set(1, "stuff", "c1");
  users.set(2, "stuff", "c2");
  users.set(3, "stuff", "c3");
  users.erase(3, "stuff");
  users.flush();
  for (std::size_t i = 0; i < users.size(); ++i) {
    CHECK_FALSE(users.map(i).get("stuff").has_value());
  }
  users.compare();
}

}  // namespace
}  // namespace vivim::crdt
