#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/effects.hpp"
#include "vivim/crdt/equivocation.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/gaps_test_detail.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/lazy_doc.hpp"
#include "vivim/crdt/relative_position.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/undo_manager.hpp"

/// What is built on documents, in those that integrate over gaps.
namespace vivim::crdt {

TEST_CASE("gaps: observers hear of what fills one as of any insertion") {
  Writer writer;
  for (const int value : {1, 2, 3}) {
    writer.add([&](Transaction& t) { writer.doc.array("l").insert(t, 0, {Any(value)}); });
  }
  writer.keys("ab");
  Doc doc(ClientId{9}, k_v14);
  hear(doc, writer.updates[0]);
  hear(doc, writer.updates[4]);
  std::vector<ArrayDelta> deltas;
  const auto list =
      doc.array("l").observe([&](const ArrayEvent& event) { deltas.push_back(event.delta); });
  std::vector<std::string> keys;
  const auto map = doc.map("m").observe([&](const MapEvent& event) {
    for (const MapChange& change : event.changes) {
      keys.push_back(change.key);
    }
  });
  hear(doc, writer.updates[3]);
  CHECK(keys == std::vector<std::string>{"a"});
  CHECK(deltas.empty());
  hear(doc, writer.updates[1]);
  REQUIRE(deltas.size() == 1);
  CHECK(deltas[0] == ArrayDelta{InsertElements{{Value(Any(2))}}});
  CHECK(doc.array("l").to_any().to_json() == "[2,1]");
}

TEST_CASE("gaps: undo takes back what its transaction brought, and no more") {
  Writer writer;
  writer.keys("abcd");
  Doc doc(ClientId{9}, k_v14);
  UndoManager undo(doc, {doc.map("m")}, {.capture_timeout_ms = 0, .tracked_origins = {Origin{5}}});
  hear(doc, writer.updates[0]);
  hear(doc, writer.updates[3], Origin{5});
  CHECK(undo.undo_steps() == 1);
  hear(doc, writer.updates[1], Origin{5});
  CHECK(undo.undo_steps() == 2);
  hear(doc, writer.updates[2]);
  CHECK(doc.map("m").size() == 4);
  CHECK(undo.undo());
  CHECK(consistent(doc));
  CHECK_FALSE(doc.map("m").get("b").has_value());
  CHECK(doc.map("m").size() == 3);
  CHECK(undo.undo());
  CHECK_FALSE(doc.map("m").get("d").has_value());
  CHECK(doc.map("m").size() == 2);
  CHECK(undo.redo());
  CHECK(undo.redo());
  CHECK(doc.map("m").size() == 4);
  CHECK(consistent(doc));
}

TEST_CASE("gaps: versions end before the first one") {
  Writer writer;
  writer.keys("abc");
  Doc doc(ClientId{9}, {.collect_garbage = false, .gap_mode = GapMode::v14});
  hear(doc, writer.updates[0]);
  hear(doc, writer.updates[2]);
  const Snapshot version = snapshot(doc);
  CHECK(version.shows({.client = ClientId{1}, .clock = 0}));
  CHECK_FALSE(version.shows({.client = ClientId{1}, .clock = 2}));
  Doc old(ClientId{3}, k_v14);
  REQUIRE(create_doc_from_snapshot(doc, version, old));
  CHECK(shown(old) == R"({"a":1})");
  Doc whole(ClientId{4});
  hear(whole, encode_state_as_update(writer.doc));
  Doc never(ClientId{5}, k_v14);
  CHECK(
      create_doc_from_snapshot(doc, snapshot(whole), never).error().is(CrdtError::not_restorable));
}

TEST_CASE("gaps: every struct is listed, gaps too") {
  const Updates updates = Writer().keys("abc").updates;
  Doc doc(ClientId{9}, k_v14);
  hear(doc, updates[2]);
  const auto all = structs(doc);
  REQUIRE(all.size() == 2);
  CHECK(all[0].kind == StructKind::skip);
  CHECK(all[0].len == 2);
  CHECK_FALSE(all[0].deleted);
}

TEST_CASE("gaps: a position in one is nowhere until it is filled") {
  Writer writer;
  writer.add([&](Transaction& t) { writer.doc.text("t").push(t, "word"); });
  writer.keys("a");
  const auto position = relative_position(writer.doc, writer.doc.text("t"), 2);
  Doc doc(ClientId{9}, k_v14);
  doc.text("t");
  hear(doc, writer.updates[1]);
  CHECK_FALSE(absolute_position(doc, position).has_value());
  hear(doc, writer.updates[0]);
  REQUIRE(absolute_position(doc, position).has_value());
  CHECK(absolute_position(doc, position)->index == 2);
}

TEST_CASE("gaps: what an update would do is told of what is not here") {
  const Updates updates = Writer().keys("abc").updates;
  Doc doc(ClientId{9}, k_v14);
  hear(doc, updates[0]);
  const auto over = effects_of(doc, updates[2]).value();
  CHECK_FALSE(over.unplaced);
  hear(doc, updates[2]);
  CHECK(effects_of(doc, updates[2]).value().writers.empty());
  const auto fill = effects_of(doc, updates[1]).value();
  CHECK(fill.writers == std::set<ClientId>{ClientId{1}});
  REQUIRE(fill.places.size() == 1);
  CHECK(fill.places.begin()->second.inserted.at(ClientId{1}) == 1);
  // A deletion of what is here, and of what is not.
  Writer other(ClientId{2});
  for (const Bytes& update : updates) {
    hear(other.doc, update);
  }
  other.updates.clear();
  other.add([&](Transaction& t) {
    other.doc.map("m").erase(t, "a");
    other.doc.map("m").erase(t, "b");
  });
  const auto erase = effects_of(doc, other.updates[0]).value();
  CHECK(erase.unplaced);
  CHECK(erase.places.begin()->second.deleted.at(ClientId{1}) == 1);
}

TEST_CASE("gaps: two things of one id are found around one, and who sent which is known") {
  const Updates honest = Writer().keys("abcd").updates;
  const Updates forged = Writer().keys("abxy").updates;
  Doc doc(ClientId{9}, k_v14);
  hear(doc, honest[0], Origin{1});
  hear(doc, honest[3], Origin{2});
  hear(doc, forged[1], Origin{3});  // the same
  hear(doc, honest[2], Origin{4});
  CHECK(equivocations(doc) == 0);
  Writer forger;
  forger.keys("abxy");
  hear(doc, encode_state_as_update(forger.doc), Origin{5});
  const auto found = take_equivocations(doc);
  REQUIRE(found.size() == 1);
  CHECK(found[0].clocks == ClockRange{2, 3});
  CHECK(found[0].from == Origin{5});
  CHECK(found[0].kept_from == Origin{4});
  hear(doc, forged[3], Origin{6});
  const auto again = take_equivocations(doc);
  REQUIRE(again.size() == 1);
  CHECK(again[0].kept_from == Origin{2});
}

TEST_CASE("gaps: a lazy document shows over them, and is bytes again when they are filled") {
  const Updates updates = Writer().keys("abc").updates;
  LazyDoc doc(ClientId{9}, k_v14);
  REQUIRE(doc.apply(updates[0]));
  CHECK_FALSE(doc.resident());
  CHECK(doc.apply(updates[2]).value().size() == 1);
  CHECK_FALSE(doc.parked());
  CHECK(shown(*doc.doc().value()) == R"({"a":1,"c":3})");
  CHECK(doc.state_vector().value() == StateVector{{ClientId{1}, 1}});
  // The gap is in the bytes.
  CHECK(doc.rest());
  CHECK(doc.state_vector().value() == StateVector{{ClientId{1}, 1}});
  CHECK(doc.rest());
  REQUIRE(doc.compact());
  CHECK(doc.apply(updates[2]).value().empty());
  CHECK(doc.apply(updates[1]).value().size() == 1);
  REQUIRE(doc.compact());
  CHECK(doc.rest());
  CHECK(doc.state_vector().value() == StateVector{{ClientId{1}, 3}});
  CHECK_FALSE(doc.resident());
}

}  // namespace vivim::crdt
