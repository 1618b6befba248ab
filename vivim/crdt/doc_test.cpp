#include "vivim/crdt/doc.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

std::string hex_of(const Doc& doc) {
  return to_hex(encode_state_as_update(doc));
}

struct Recorder {
  explicit Recorder(Doc& doc)
      : subscription(doc.on_update([this](BytesView update, Origin origin) {
          updates.push_back(to_bytes(update));
          origins.push_back(origin);
        })) {}
  std::vector<Bytes> updates;
  std::vector<Origin> origins;
  Subscription subscription;
};

}  // namespace

TEST_CASE("an empty document is two zero bytes") {
  Doc doc(ClientId{1});
  doc.text("t");
  CHECK(hex_of(doc) == "0000");
  CHECK(to_hex(encode_state_vector(doc)) == "00");
}

TEST_CASE("text: insert, remove, and the bytes that Yjs writes for it") {
  Doc doc(ClientId{1});
  Recorder recorder(doc);
  Text text = doc.text("t");
  doc.transact([&](Transaction& t) { text.insert(t, 0, "abc"); });
  doc.transact([&](Transaction& t) { text.insert(t, 3, "def"); });
  CHECK(text.to_string() == "abcdef");
  CHECK(text.length() == 6);
  CHECK(hex_of(doc) ==
        "0101010004010174066162636465660"
        "0");
  doc.transact([&](Transaction& t) { text.remove(t, 1, 2); });
  CHECK(text.to_string() == "adef");
  CHECK(recorder.updates.size() == 3);
  CHECK(to_hex(recorder.updates[1]) == "010101038401020364656600");
  CHECK(to_hex(recorder.updates[2]) == "000101010102");
}

TEST_CASE("text: positions are UTF-16 and a cut pair becomes two replacement characters") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  doc.transact([&](Transaction& t) {
    text.insert(t, 0,
                "a\xf0\x9f\x98\x80"
                "b");
  });
  CHECK(text.length() == 4);
  doc.transact([&](Transaction& t) { text.insert(t, 2, "X"); });
  CHECK(text.to_string() ==
        "a\xef\xbf\xbdX\xef\xbf\xbd"
        "b");
}

TEST_CASE("map and array: nested types and plain values") {
  Doc doc(ClientId{7});
  Map map = doc.map("m");
  doc.transact([&](Transaction& t) {
    map.set(t, "n", 5);
    map.set(t, "s", "hello");
    Map inner = map.set_map(t, "inner");
    inner.set_text(t, "text", "words");
    Array list = map.set_array(t, "list");
    list.insert(t, 0, {Any(1), Any(nullptr), Any(true)});
    list.insert_map(t, 1).set(t, "k", "v");
    list.push(t, Any(Bytes{1, 2}));
  });
  CHECK(
      map.to_any().to_json() ==
      R"({"n":5,"s":"hello","inner":{"text":"words"},"list":[1,{"k":"v"},null,true,{"0":1,"1":2}]})");
  Doc copy(ClientId{8});
  REQUIRE(apply_update(copy, encode_state_as_update(doc)).has_value());
  CHECK(copy.map("m").to_any() == map.to_any());
  CHECK(hex_of(copy) == hex_of(doc));
  doc.transact([&](Transaction& t) { map.erase(t, "inner"); });
  CHECK_FALSE(map.contains("inner"));
  CHECK(map.size() == 3);
}

TEST_CASE("updates in any order: what misses something waits") {
  Doc doc(ClientId{1});
  Recorder recorder(doc);
  Text text = doc.text("t");
  for (const char* word : {"a", "b", "c", "d"}) {
    doc.transact([&](Transaction& t) { text.insert(t, 0, word); });
  }
  Doc copy(ClientId{2});
  for (std::size_t i = recorder.updates.size(); i-- > 0;) {
    REQUIRE(apply_update(copy, recorder.updates[i], Origin{9}).has_value());
    CHECK(has_pending(copy) == (i > 0));
  }
  CHECK(copy.text("t").to_string() == "dcba");
  CHECK(hex_of(copy) == hex_of(doc));
}

TEST_CASE("a client that makes two things of one id leaves sound structures") {
  // 33 deleted characters of client 1 in the root "\x01", clocks 1 to 33; and client 1 is we.
  const Bytes forged{1, 1, 1, 1, 1, 1, 1, 1, 33, 1, 1, 1, 1, 1};
  Doc doc(ClientId{1});
  auto map = doc.map("m");
  REQUIRE(apply_update(doc, forged));
  CHECK(has_pending(doc));
  for (int i = 0; i < 2; ++i) {
    doc.transact([&](Transaction& t) { map.set(t, "k", Any(1)); });
  }
  REQUIRE(apply_update(doc, forged));  // what we have of it is not the same, the rest is a gap
  CHECK_FALSE(has_pending(doc));
  CHECK(consistent(doc));
  Doc copy(ClientId{2});
  REQUIRE(apply_update(copy, encode_state_as_update(doc)));
  CHECK(consistent(copy));
  CHECK(copy.map("m").to_any() == map.to_any());
}

TEST_CASE("a map entry of several units that is cut apart leaves sound structures") {
  // Nobody writes such entries. Yjs throws when it collects the type that holds one.
  const Bytes forged{1, 1, 7, 0, 0x28, 0, 1, 0, 1, 'e', 3, 126, 126, 126, 1, 7, 1, 1, 1};
  Doc doc(ClientId{1});
  auto map = doc.map("m");
  doc.transact([&](Transaction& t) { map.set_map(t, "k"); });
  REQUIRE(apply_update(doc, forged));
  CHECK(consistent(doc));
  CHECK(map.to_any().to_json() == R"({"k":{"e":null}})");
  doc.transact([&](Transaction& t) { map.erase(t, "k"); });
  CHECK(consistent(doc));
  CHECK(map.to_any().to_json() == "{}");
  Doc copy(ClientId{2});
  REQUIRE(apply_update(copy, encode_state_as_update(doc)));
  CHECK(consistent(copy));
  CHECK(copy.map("m").to_any() == map.to_any());
}

TEST_CASE("what is known already still cuts where it stands, as in Yjs") {
  Doc first(ClientId{1});
  first.transact(
      [&](Transaction& t) { first.array("a").insert_text(t, 0).insert(t, 0, "\xf0\x9f\x91\x8d"); });
  Doc keeper(ClientId{2}, DocOptions{.collect_garbage = false});
  Doc third(ClientId{3});
  for (Doc* doc : {&keeper, &third}) {
    REQUIRE(apply_update(*doc, encode_state_as_update(first)));
  }
  Recorder recorder(third);
  const Text words = *third.array("a").get(0)->if_text();
  third.transact([&](Transaction& t) { Text(words).insert(t, 1, "x"); });
  third.transact([&](Transaction& t) { third.array("a").remove(t, 0, 1); });
  REQUIRE(apply_update(keeper, encode_state_as_update(third)));  // a GC struct in the place of x
  CHECK(hex_of(keeper).find("f09f918d") != std::string::npos);
  REQUIRE(apply_update(keeper, recorder.updates.front()));
  CHECK(hex_of(keeper).find("efbfbdefbfbd") != std::string::npos);
  CHECK(consistent(keeper));
}

TEST_CASE("what is collected with its type counts as deleted, though nobody deleted it") {
  Doc doc(ClientId{1});
  doc.transact([&](Transaction& t) { doc.array("a").insert_map(t, 0); });
  // Two values under one key in one struct, and one between them: the first is never deleted.
  const Bytes two = {1, 1, 2, 0, 0x22, 0, 1, 0, 1, 'k', 2, 1, '1', 1, '2', 0};
  const Bytes between = {1, 1, 3, 0, 0xc8, 2, 0, 2, 1, 1, 0x7d, 5, 0};
  REQUIRE(apply_update(doc, two));
  REQUIRE(apply_update(doc, between));
  doc.transact([&](Transaction& t) { doc.array("a").remove(t, 0, 1); });
  CHECK(snapshot(doc).deletes.at(ClientId{2}) == std::vector<ClockRange>{{0, 2}});
  Doc reader(ClientId{4});
  REQUIRE(apply_update(reader, encode_state_as_update(doc)));
  CHECK(snapshot(reader) == snapshot(doc));
  CHECK(consistent(doc));
}

TEST_CASE("origin travels with the update and observers see deltas") {
  Doc doc(ClientId{1});
  Recorder recorder(doc);
  Text text = doc.text("t");
  std::vector<TextDelta> deltas;
  auto watching = text.observe([&](const TextEvent& event) { deltas.push_back(event.delta); });
  doc.transact([&](Transaction& t) { text.insert(t, 0, "hello"); }, Origin{4});
  doc.transact([&](Transaction& t) {
    text.insert(t, 5, "!");
    text.remove(t, 0, 1);
  });
  REQUIRE(deltas.size() == 2);
  CHECK(deltas[0] == TextDelta{InsertText{"hello", {}}});
  CHECK(deltas[1] == TextDelta{Remove{1}, Retain{4, {}}, InsertText{"!", {}}});
  CHECK(recorder.origins[0] == Origin{4});
  watching.cancel();
  doc.transact([&](Transaction& t) { text.insert(t, 0, "x"); });
  CHECK(deltas.size() == 2);
}

TEST_CASE("a state is kept as bytes while nothing changes, up to a limit") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  doc.transact([&](Transaction& t) { text.insert(t, 0, "first"); });
  const Bytes first = encode_state_as_update(doc);
  CHECK(doc.engine().kept_state_bytes() == 0);  // nobody has asked twice
  CHECK(encode_state_as_update(doc) == first);
  CHECK(doc.engine().kept_state_bytes() > 0);
  CHECK(encode_state_as_update(doc) == first);
  doc.transact([&](Transaction& t) {
    const Bytes before = encode_state_as_update(doc);
    text.insert(t, 5, " second");
    CHECK(encode_state_as_update(doc) != before);
    text.insert(t, 0, "zeroth ");
    Doc inside(ClientId{2});
    REQUIRE(apply_update(inside, encode_state_as_update(doc)));
    CHECK(inside.text("t").to_string() == "zeroth first second");
  });
  CHECK(doc.engine().kept_state_bytes() == 0);
  CHECK(encode_state_as_update(doc) != first);

  doc.transact(
      [&](Transaction& t) { text.insert(t, 0, std::string(detail::k_kept_state_bytes_max, 'x')); });
  const Bytes large = encode_state_as_update(doc);
  CHECK(encode_state_as_update(doc) == large);
  CHECK(doc.engine().kept_state_bytes() == 0);
}

}  // namespace vivim::crdt
