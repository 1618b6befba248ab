#include "vivim/crdt/effects.hpp"

#include <doctest/doctest.h>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/text.hpp"

namespace vivim::crdt {
namespace {

constexpr ClientId k_ann{1};
constexpr ClientId k_ben{2};

/// What `body` adds to what `doc` held.
template <class Body>
Bytes change(Doc& doc, Body&& body) {
  const Bytes before = encode_state_vector(doc);
  edit(doc, body);
  return encode_state_as_update(doc, before).value();
}

using Counts = std::map<ClientId, std::uint64_t>;

}  // namespace

TEST_CASE("effects: who inserts and deletes how much where, before it is integrated") {
  Peers peers(2);
  const Bytes first = change(peers[0], [&](Transaction& t) {
    peers.text(0).push(t, "title");
    Map turns = peers[0].map("turns");
    turns.set_text(t, "t1").push(t, "hello");
    peers.array(0).insert(t, 0, {Any(1.0), Any(2.0)});
  });
  Doc empty(ClientId{9});
  const auto all = effects_of(empty, first).value();
  CHECK(all.places.size() == 3);
  CHECK(all.places.at({"text", ""}).inserted == Counts{{k_ann, 5}});
  CHECK(all.places.at({"turns", "t1"}).inserted == Counts{{k_ann, 6}});
  CHECK(all.places.at({"array", ""}).inserted == Counts{{k_ann, 2}});
  CHECK(all.writers == std::set<ClientId>{k_ann});
  CHECK_FALSE(all.unplaced);
  CHECK(state_vector(empty).empty());

  peers.sync();
  // What is deep within a key counts there; what is known counts nowhere.
  const Bytes second = change(peers[1], [&](Transaction& t) {
    Text turn = *peers[1].map("turns").get("t1")->if_text();
    turn.insert(t, 5, " you");
    turn.remove(t, 0, 2);
    peers.text(1).remove(t, 4, 1);
  });
  const auto more = effects_of(peers[0], second).value();
  CHECK(more.places.size() == 2);
  CHECK(more.places.at({"turns", "t1"}).inserted == Counts{{k_ben, 4}});
  CHECK(more.places.at({"turns", "t1"}).deleted == Counts{{k_ann, 2}});
  CHECK(more.places.at({"text", ""}).deleted == Counts{{k_ann, 1}});
  CHECK(effects_of(peers[1], second).value().empty());
  CHECK(effects_of(peers[1], encode_state_as_update(peers[0])).value().empty());

  // The same as a whole, in the other format, for somebody who has nothing.
  const auto whole =
      effects_of(empty, encode_state_as_update(peers[1], UpdateFormat::v2), UpdateFormat::v2)
          .value();
  CHECK(whole.writers == std::set<ClientId>{k_ann, k_ben});
  CHECK(whole.places.at({"turns", "t1"}).inserted == Counts{{k_ann, 6}, {k_ben, 4}});
}

TEST_CASE("effects: a key that is set anew deletes what was there, however it is set") {
  Doc doc(k_ann);
  edit(doc, [&](Transaction& t) {
    doc.map("meta").set(t, "model", Any(1.0));
    doc.map("turns").set_map(t, "t1").set(t, "role", Any(1.0));
  });
  const auto known = encode_state_as_update(doc);
  Doc other(k_ben);
  REQUIRE(apply_update(other, known));
  const Bytes anew = change(other, [&](Transaction& t) {
    other.map("meta").set(t, "model", Any(2.0));
    other.map("meta").set(t, "model", Any(3.0));  // its own: deletes nobody else's
    other.map("meta").set(t, "fresh", Any(1.0));
    Map turn = *other.map("turns").get("t1")->if_map();
    turn.set(t, "role", Any(2.0));
  });
  const auto effects = effects_of(doc, anew).value();
  CHECK(effects.places.at({"meta", "model"}).deleted == Counts{{k_ann, 1}});
  CHECK(effects.places.at({"meta", "fresh"}).deleted.empty());
  CHECK(effects.places.at({"turns", "t1"}).deleted == Counts{{k_ann, 1}});

  // Set by somebody who had not seen it: beside, not after.
  Doc blind(ClientId{3});
  const Bytes beside =
      change(blind, [&](Transaction& t) { blind.map("meta").set(t, "model", Any(4.0)); });
  CHECK(effects_of(doc, beside)->places.at({"meta", "model"}).deleted == Counts{{k_ann, 1}});
}

TEST_CASE("effects: in whose maps keys are set") {
  Doc doc(k_ann);
  edit(doc, [&](Transaction& t) {
    Map turn = doc.map("turns").set_map(t, "t1");
    turn.set(t, "role", Any(1.0));
    turn.set_text(t, "text").push(t, "hello");
  });
  Doc other(k_ben);
  REQUIRE(apply_update(other, encode_state_as_update(doc)));
  const Bytes update = change(other, [&](Transaction& t) {
    Map turn = *other.map("turns").get("t1")->if_map();
    Text text = *turn.get("text")->if_text();
    text.push(t, " you");  // adds, and sets no key
    turn.set(t, "deleted", Any(true));
    turn.set(t, "deleted", Any(false));
    turn.set(t, "role", Any(2.0));
    turn.set_map(t, "more").set(t, "a", Any(1.0));  // what is in it is there, too
    Map own = other.map("turns").set_map(t, "t2");
    own.set(t, "role", Any(1.0));
    other.map("meta").set(t, "model", Any(1.0));
  });
  const auto effects = effects_of(doc, update).value();
  CHECK(effects.places.at({"turns", "t1"}).keyed == Counts{{k_ann, 5}});
  CHECK(effects.places.at({"turns", "t1"}).inserted == Counts{{k_ben, 9}});
  CHECK(effects.places.at({"turns", "t2"}).keyed.empty());
  CHECK(effects.places.at({"meta", "model"}).keyed.empty());

  // Its own, once the document has it.
  REQUIRE(apply_update(doc, update));
  const Bytes later = change(other, [&](Transaction& t) {
    Map own = *other.map("turns").get("t2")->if_map();
    own.set(t, "deleted", Any(true));
  });
  CHECK(effects_of(doc, later)->places.at({"turns", "t2"}).keyed == Counts{{k_ben, 1}});
}

TEST_CASE("effects: two who wrote in turns depend on each other, and nothing waits") {
  Peers peers(2);
  for (int i = 0; i < 3; ++i) {
    for (std::size_t writer = 0; writer < 2; ++writer) {
      edit(peers[writer], [&](Transaction& t) { peers.text(writer).push(t, "x"); });
      peers.sync();
    }
  }
  Doc empty(ClientId{9});
  CHECK_FALSE(effects_of(empty, encode_state_as_update(peers[0]))->unplaced);
}

TEST_CASE("effects: what depends on something unknown has no place") {
  Doc writer(k_ann);
  edit(writer, [&](Transaction& t) { writer.text("text").push(t, "a"); });
  const Bytes later = change(writer, [&](Transaction& t) { writer.text("text").push(t, "b"); });
  Doc doc(k_ben);
  CHECK(effects_of(doc, later)->unplaced);
  CHECK(effects_of(doc, later)->writers == std::set<ClientId>{k_ann});
  // Behind a gap, at the beginning or further in: it would be integrated later, unasked.
  Doc setter(k_ann);
  const auto set = [&](double value) {
    return change(setter, [&](Transaction& t) { setter.map("meta").set(t, "key", Any(value)); });
  };
  const Bytes one = set(1);
  const Bytes two = set(2);
  const Bytes three = set(3);
  const auto together = [](const Bytes& a, const Bytes& b) {
    return merge_updates(std::vector<BytesView>{a, b}).value();
  };
  CHECK(effects_of(doc, together(one, three))->unplaced);
  CHECK_FALSE(effects_of(doc, together(one, two))->unplaced);
  REQUIRE(apply_update(doc, one));
  CHECK(effects_of(doc, together(one, three))->unplaced);
  REQUIRE(apply_update(doc, two));
  CHECK_FALSE(effects_of(doc, together(one, three))->unplaced);
  // A deletion of what nobody knows.
  CHECK(effects_of(doc, Bytes{0, 1, 5, 1, 0, 1})->unplaced);
  // Two structs that stand beside each other.
  lib0::Encoder circle;
  circle.var_uint(2);
  circle.raw(Bytes{1, 6, 0, 0x84, 5, 0, 1, 'x'});
  circle.raw(Bytes{1, 5, 0, 0x84, 6, 0, 1, 'y'});
  circle.u8(0);
  CHECK(effects_of(doc, circle.view())->unplaced);
  // What stands behind what is known, but before what nobody knows.
  lib0::Encoder before;
  before.var_uint(1);
  before.raw(Bytes{1, 5, 0, 0xc4, 1, 0, 9, 9, 1, 'x'});
  before.u8(0);
  CHECK(effects_of(doc, before.view())->unplaced);
  // Two that stand behind what is known, and each before the other: neither can be first.
  lib0::Encoder crossed;
  crossed.var_uint(2);
  crossed.raw(Bytes{1, 6, 0, 0xc4, 1, 0, 5, 0, 1, 'x'});
  crossed.raw(Bytes{1, 5, 0, 0xc4, 1, 0, 6, 0, 1, 'y'});
  crossed.u8(0);
  CHECK(effects_of(doc, crossed.view())->unplaced);
  CHECK(effects_of(doc, Bytes{1}).error().is(CrdtError::truncated));
}

}  // namespace vivim::crdt
