// Yjs' own tests of snapshots (tests/snapshot.tests.js of 13.6.31), by their names.

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

using Words = Any::Array;

/// A document that keeps everything, edited by single calls as Yjs' tests do.
struct Keeper {
  explicit Keeper(std::uint64_t client = 1) : doc(ClientId{client}, {.collect_garbage = false}) {}

  void insert(std::uint32_t index, Words words) {
    doc.transact([&](Transaction& t) { doc.array("array").insert(t, index, std::move(words)); });
  }
  void remove(std::uint32_t index) {
    doc.transact([&](Transaction& t) { doc.array("array").remove(t, index); });
  }
  Any now() { return doc.array("array").to_any(); }
  Any at(const Snapshot& version) {
    Doc old(ClientId{9});
    REQUIRE(create_doc_from_snapshot(doc, version, old).has_value());
    return old.array("array").to_any();
  }

  Doc doc;
};

void exchange(Doc& a, Doc& b) {
  REQUIRE(apply_update(a, encode_state_as_update(b)).has_value());
  REQUIRE(apply_update(b, encode_state_as_update(a)).has_value());
}

TEST_CASE("yjs snapshot: testBasic") {
  Doc doc(ClientId{1}, {.collect_garbage = false});
  doc.transact([&](Transaction& t) { doc.text("").insert(t, 0, "world!"); });
  const Snapshot version = snapshot(doc);
  doc.transact([&](Transaction& t) { doc.text("").insert(t, 0, "hello "); });
  Doc restored(ClientId{2});
  REQUIRE(create_doc_from_snapshot(doc, version, restored).has_value());
  CHECK(restored.text("").to_string() == "world!");
}

TEST_CASE("yjs snapshot: testBasicRestoreSnapshot") {
  Keeper keeper;
  keeper.insert(0, {"hello"});
  const Snapshot version = snapshot(keeper.doc);
  keeper.insert(1, {"world"});
  CHECK(keeper.at(version) == Any(Words{"hello"}));
  CHECK(keeper.now() == Any(Words{"hello", "world"}));
}

TEST_CASE("yjs snapshot: testEmptyRestoreSnapshot") {
  Keeper keeper;
  Snapshot version = snapshot(keeper.doc);
  version.state_vector[ClientId{9999}] = 0;
  keeper.insert(0, {"world"});
  CHECK(keeper.at(version) == Any(Words{}));
  CHECK(keeper.now() == Any(Words{"world"}));
  CHECK(keeper.at(snapshot(keeper.doc)) == Any(Words{"world"}));
}

TEST_CASE("yjs snapshot: testRestoreSnapshotWithSubType") {
  Keeper keeper;
  keeper.doc.transact(
      [&](Transaction& t) { keeper.doc.array("array").insert_map(t, 0).set(t, "key1", "value1"); });
  const Snapshot version = snapshot(keeper.doc);
  keeper.doc.transact([&](Transaction& t) {
    Map map = *keeper.doc.array("array").get(0)->if_map();
    map.set(t, "key2", "value2");
  });
  CHECK(keeper.at(version).to_json() == R"([{"key1":"value1"}])");
  CHECK(keeper.now().to_json() == R"([{"key1":"value1","key2":"value2"}])");
}

TEST_CASE("yjs snapshot: testRestoreDeletedItem1") {
  Keeper keeper;
  keeper.insert(0, {"item1", "item2"});
  const Snapshot version = snapshot(keeper.doc);
  keeper.remove(0);
  CHECK(keeper.at(version) == Any(Words{"item1", "item2"}));
  CHECK(keeper.now() == Any(Words{"item2"}));
}

TEST_CASE("yjs snapshot: testRestoreLeftItem") {
  Keeper keeper;
  keeper.insert(0, {"item1"});
  keeper.doc.transact([&](Transaction& t) { keeper.doc.map("map").set(t, "test", 1); });
  keeper.insert(0, {"item0"});
  const Snapshot version = snapshot(keeper.doc);
  keeper.remove(1);
  CHECK(keeper.at(version) == Any(Words{"item0", "item1"}));
  CHECK(keeper.now() == Any(Words{"item0"}));
}

TEST_CASE("yjs snapshot: testDeletedItemsBase") {
  Keeper keeper;
  keeper.insert(0, {"item1"});
  keeper.remove(0);
  const Snapshot version = snapshot(keeper.doc);
  keeper.insert(0, {"item0"});
  CHECK(keeper.at(version) == Any(Words{}));
  CHECK(keeper.now() == Any(Words{"item0"}));
}

TEST_CASE("yjs snapshot: testDeletedItems2") {
  Keeper keeper;
  keeper.insert(0, {"item1", "item2", "item3"});
  keeper.remove(1);
  const Snapshot version = snapshot(keeper.doc);
  keeper.insert(0, {"item0"});
  CHECK(keeper.at(version) == Any(Words{"item1", "item3"}));
  CHECK(keeper.now() == Any(Words{"item0", "item1", "item3"}));
}

TEST_CASE("yjs snapshot: testDependentChanges") {
  Keeper first(1);
  Keeper second(2);
  first.insert(0, {"user1item1"});
  exchange(first.doc, second.doc);
  second.insert(1, {"user2item1"});
  exchange(first.doc, second.doc);
  const Snapshot version = snapshot(first.doc);
  first.insert(2, {"user1item2"});
  exchange(first.doc, second.doc);
  second.insert(3, {"user2item2"});
  exchange(first.doc, second.doc);
  CHECK(first.at(version) == Any(Words{"user1item1", "user2item1"}));
  CHECK(second.at(version) == Any(Words{"user1item1", "user2item1"}));
}

TEST_CASE("yjs snapshot: testContainsUpdate") {
  Doc doc(ClientId{1});
  std::vector<Bytes> updates;
  const auto hearing =
      doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  const Snapshot first = snapshot(doc);
  doc.transact([&](Transaction& t) { doc.array("").insert(t, 0, {1}); });
  const Snapshot second = snapshot(doc);
  doc.transact([&](Transaction& t) { doc.array("").remove(t, 0); });
  const Snapshot last = snapshot(doc);
  CHECK_FALSE(snapshot_contains_update(first, updates[0]).value());
  CHECK_FALSE(snapshot_contains_update(second, updates[1]).value());
  CHECK(snapshot_contains_update(second, updates[0]).value());
  CHECK(snapshot_contains_update(last, updates[0]).value());
  CHECK(snapshot_contains_update(last, updates[1]).value());
}

TEST_CASE("yjs snapshot: testContainsUpdate2") {
  Doc local(ClientId{1});
  Doc remote(ClientId{2});
  local.transact([&](Transaction& t) { local.text("t").insert(t, 0, "abcdefghij"); });
  local.transact([&](Transaction& t) { local.text("t").remove(t, 0, 3); });
  REQUIRE(apply_update(remote, encode_state_as_update(local)).has_value());
  const Snapshot version = snapshot(remote);
  local.transact([&](Transaction& t) { local.text("t").remove(t, 0, 3); });
  CHECK_FALSE(snapshot_contains_update(version, encode_state_as_update(local)).value());
}

}  // namespace
}  // namespace vivim::crdt
