#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/gaps_test_detail.hpp"
#include "vivim/crdt/samples_detail.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/text.hpp"

/// GapMode::v14. The bytes are those of @y/y 14.0.0-rc.7.
namespace vivim::crdt {

TEST_CASE("gaps: what comes behind one waits in v13 and is shown in v14, and both write the same") {
  const Updates updates = Writer().keys("abc").updates;
  Doc waits(ClientId{8});
  Doc shows(ClientId{9}, k_v14);
  for (Doc* doc : {&waits, &shows}) {
    hear(*doc, updates[0]);
    hear(*doc, updates[2]);
    CHECK(hex(encode_state_vector(*doc)) == "010101");
    CHECK(hex(encode_state_as_update(*doc)) ==
          "010301002801016d0161017d010a012801016d0163017d0300");
    CHECK(hex(encode_state_as_update(*doc, UpdateFormat::v2)) ==
          "0000010100000528000a002807046d616d6341020101000241000103007d01017d0300");
  }
  CHECK(shown(waits) == R"({"a":1})");
  CHECK(shown(shows) == R"({"a":1,"c":3})");
  CHECK(has_pending(waits));
  CHECK(pending(waits).gaps.empty());
  CHECK_FALSE(has_pending(shows));
  CHECK(pending(shows).gaps == DeleteSet{{ClientId{1}, {{1, 2}}}});
  CHECK(hex(encode_snapshot(snapshot(shows))) == "00010101");
  for (Doc* doc : {&waits, &shows}) {
    hear(*doc, updates[1]);
    CHECK(shown(*doc).size() == std::string(R"({"a":1,"b":2,"c":3})").size());
    CHECK(pending(*doc).gaps.empty());
  }
  CHECK(encode_state_as_update(waits) == encode_state_as_update(shows));
}

TEST_CASE("gaps: a client whose beginning has not come is known up to 0") {
  const Updates updates = Writer().keys("abc").updates;
  Doc doc(ClientId{9}, k_v14);
  hear(doc, updates[2]);
  CHECK(hex(encode_state_vector(doc)) == "010100");
  CHECK(hex(encode_state_as_update(doc)) == "010201000a022801016d0163017d0300");
  CHECK(pending(doc).gaps == DeleteSet{{ClientId{1}, {{0, 2}}}});
  // Who is told that it has 0 sends all.
  Writer writer;
  writer.keys("abc");
  hear(doc, encode_state_as_update(writer.doc, encode_state_vector(doc)).value());
  CHECK(encode_state_as_update(doc) == encode_state_as_update(writer.doc));
}

TEST_CASE("gaps: several, filled by one update, of which only what was missing is told") {
  Writer writer;
  edit(writer.doc, [&](Transaction& t) { writer.doc.array("x").insert(t, 0, {Any(1)}); });
  writer.updates.clear();
  for (int i = 0; i < 5; ++i) {
    writer.add(
        [&](Transaction& t) { writer.doc.map("m").set(t, "k" + std::to_string(i), Any(i)); });
  }
  Doc doc(ClientId{9}, k_v14);
  hear(doc, writer.updates[1]);
  hear(doc, writer.updates[3]);
  CHECK(hex(encode_state_vector(doc)) == "010100");
  CHECK(hex(encode_state_as_update(doc)) ==
        "010401000a022801016d026b31017d010a012801016d026b33017d0300");
  // From within a gap on.
  const Bytes three{1, 1, 3};
  CHECK(hex(encode_state_as_update(doc, three).value()) == "010201030a012801016d026b33017d0300");
  CHECK(hex(encode_state_as_update(doc, three, UpdateFormat::v2).value()) ==
        "000001010000030a002806036d6b3301020101000101010203017d0300");
  Updates told;
  Updates told_v2;
  const auto v1 = doc.on_update([&](BytesView u, Origin) { told.push_back(to_bytes(u)); });
  const auto v2 =
      doc.on_update([&](BytesView u, Origin) { told_v2.push_back(to_bytes(u)); }, UpdateFormat::v2);
  hear(doc, encode_state_as_update(writer.doc));
  REQUIRE(told.size() == 1);
  CHECK(hex(told[0]) ==
        "0106010008010178017d012801016d026b30017d000a012801016d026b32017d020a012801016d026b34017d04"
        "00");
  CHECK(
      hex(told_v2.at(0)) ==
      "0000010100000b080028000a0028000a0028120a786d6b306d6b326d6b3441000201020102010100024102010600"
      "7d017d00017d02017d0400");
  CHECK(encode_state_as_update(doc) == encode_state_as_update(writer.doc));
}

TEST_CASE("gaps: what stands behind something of its own client that is in one waits") {
  Writer writer;
  writer.add([&](Transaction& t) { writer.doc.text("t").push(t, "0123456789"); });
  writer.keys("a");
  const Bytes tail = diff_update(encode_state_as_update(writer.doc), Bytes{1, 1, 4}).value();
  Doc doc(ClientId{9}, k_v14);
  hear(doc, writer.updates[1]);
  hear(doc, tail);
  CHECK(has_pending(doc));
  CHECK(pending(doc).gaps == DeleteSet{{ClientId{1}, {{0, 10}}}});
  CHECK(shown(doc) == R"({"a":2})");
  hear(doc, writer.updates[0]);
  CHECK_FALSE(has_pending(doc));
  CHECK(doc.text("t").to_string() == "0123456789");
  CHECK(encode_state_as_update(doc) == encode_state_as_update(writer.doc));
}

TEST_CASE("gaps: fills that lie at the begin, the end and in the middle of a gap") {
  const Updates updates = Writer().keys("abcdefgh").updates;
  std::vector<std::size_t> order{1, 2, 3, 4, 5, 6};
  std::mt19937_64 rng(1);
  const auto last = [&] {
    Doc doc(ClientId{9}, k_v14);
    for (const Bytes& update : updates) {
      hear(doc, update);
    }
    return encode_state_as_update(doc);
  }();
  for (int round = 0; round < 60; ++round) {
    std::ranges::shuffle(order, rng);
    Doc doc(ClientId{9}, k_v14);
    hear(doc, updates[0]);
    hear(doc, updates[7]);
    std::vector<bool> here(8);
    here[0] = here[7] = true;
    for (const std::size_t i : order) {
      hear(doc, updates[i]);
      here[i] = true;
      const auto first = std::ranges::find(here, false) - here.begin();
      CHECK(state_vector(doc).at(ClientId{1}) == static_cast<std::uint64_t>(first));
      CHECK(doc.map("m").size() == static_cast<std::size_t>(std::ranges::count(here, true)));
    }
    CHECK(encode_state_as_update(doc) == last);
  }
}

TEST_CASE("gaps: an update that overlaps what is here brings the rest, cut at both ends") {
  Writer writer;
  Doc& doc1 = writer.doc;
  const auto typed = [&](const char* text) {
    writer.add([&](Transaction& t) { doc1.text("t").push(t, text); });
  };
  typed("ab");
  typed("\xf0\x9f\x98\x80");
  typed("yz");
  // One struct of six units, which another replica had in three.
  const Bytes whole = encode_state_as_update(doc1);
  Doc doc(ClientId{9}, k_v14);
  Updates told;
  const auto listening = doc.on_update([&](BytesView u, Origin) { told.push_back(to_bytes(u)); });
  hear(doc, writer.updates[0]);
  hear(doc, writer.updates[2]);  // waits for what it stands behind
  CHECK(has_pending(doc));
  CHECK(doc.text("t").to_string() == "ab");
  hear(doc, whole);
  CHECK_FALSE(has_pending(doc));
  CHECK(doc.text("t").to_string() == "ab\xf0\x9f\x98\x80yz");
  CHECK(encode_state_as_update(doc) == whole);
  // And who follows has the same.
  Doc follower(ClientId{8}, k_v14);
  for (const Bytes& update : told) {
    hear(follower, update);
  }
  CHECK(encode_state_as_update(follower) == whole);
}

TEST_CASE("gaps: a struct over two gaps and what stands between them fills both") {
  const auto gone = [](std::uint8_t clock, std::uint8_t len) {
    return Bytes{1, 1, 5, clock, 0, len, 0};  // one struct of client 5: collected
  };
  Doc doc(ClientId{9}, k_v14);
  hear(doc, gone(0, 1));
  hear(doc, gone(2, 1));
  Updates told;
  const auto listening = doc.on_update([&](BytesView u, Origin) { told.push_back(to_bytes(u)); });
  hear(doc, gone(0, 4));
  CHECK_FALSE(has_pending(doc));
  CHECK(encode_state_as_update(doc) == Bytes{1, 1, 5, 0, 0, 4, 1, 5, 1, 0, 4});
  // Both and nothing else, with a Skip between, as deleted.
  CHECK(told == Updates{{1, 3, 5, 1, 0, 1, 10, 1, 0, 1, 1, 5, 2, 1, 1, 3, 1}});
}

TEST_CASE("gaps: a middle piece that others' runs surround is told of alone") {
  // Letters inserted at the front: none of them stands behind another.
  Writer writer;
  for (const char* letter : {"c", "b", "a"}) {
    writer.add([&](Transaction& t) { writer.doc.array("l").insert(t, 0, {Any(letter)}); });
  }
  Doc doc(ClientId{9}, k_v14);
  hear(doc, writer.updates[0]);
  Updates told;
  const auto listening = doc.on_update([&](BytesView u, Origin) { told.push_back(to_bytes(u)); });
  // Deleted and collected, they are one run as soon as they are together.
  Writer other(ClientId{2});
  hear(other.doc, encode_state_as_update(writer.doc));
  other.updates.clear();
  other.add([&](Transaction& t) { other.doc.array("l").remove(t, 0, 3); });
  hear(doc, other.updates[0]);
  CHECK(pending(doc).deletes == DeleteSet{{ClientId{1}, {{1, 3}}}});
  hear(doc, encode_state_as_update(other.doc));
  CHECK(encode_state_as_update(doc) == encode_state_as_update(other.doc));
  Doc follower(ClientId{8}, k_v14);
  hear(follower, writer.updates[0]);
  for (const Bytes& update : told) {
    hear(follower, update);
  }
  CHECK(encode_state_as_update(follower) == encode_state_as_update(doc));
}

TEST_CASE("gaps: a deletion of what has not come waits until it comes") {
  Writer writer;
  writer.keys("abcd");
  writer.add([&](Transaction& t) {
    for (const char* key : {"a", "b", "c", "d"}) {
      writer.doc.map("m").erase(t, key);
    }
  });
  Doc doc(ClientId{9}, k_v14);
  hear(doc, writer.updates[0]);
  hear(doc, writer.updates[3]);
  hear(doc, writer.updates[4]);
  CHECK(shown(doc) == "{}");
  CHECK(pending(doc).deletes == DeleteSet{{ClientId{1}, {{1, 3}}}});
  CHECK(pending(doc).gaps == DeleteSet{{ClientId{1}, {{1, 3}}}});
  // The encoding says it, too.
  Doc other(ClientId{8}, k_v14);
  hear(other, encode_state_as_update(doc));
  CHECK(pending(other).deletes == pending(doc).deletes);
  for (Doc* each : {&doc, &other}) {
    hear(*each, writer.updates[2]);
    CHECK(pending(*each).deletes == DeleteSet{{ClientId{1}, {{1, 2}}}});
    hear(*each, writer.updates[1]);
    CHECK_FALSE(has_pending(*each));
    CHECK(shown(*each) == "{}");
    CHECK(encode_state_as_update(*each) == encode_state_as_update(writer.doc));
  }
}

TEST_CASE("gaps: what waits for something in a gap goes on when that comes") {
  Writer one;
  one.keys("a");
  one.add([&](Transaction& t) { one.doc.text("t").push(t, "first"); });
  one.keys("b");
  Writer two(ClientId{2});
  hear(two.doc, encode_state_as_update(one.doc));
  two.updates.clear();
  two.add([&](Transaction& t) { two.doc.text("t").push(t, " second"); });
  Doc doc(ClientId{9}, k_v14);
  hear(doc, one.updates[0]);
  hear(doc, one.updates[2]);
  hear(doc, two.updates[0]);
  CHECK(has_pending(doc));
  CHECK(pending(doc).missing == StateVector{{ClientId{1}, 7}});  // as Yjs 14 notes it
  CHECK(pending(doc).gaps == DeleteSet{{ClientId{1}, {{1, 6}}}});
  hear(doc, one.updates[1]);
  CHECK_FALSE(has_pending(doc));
  CHECK(doc.text("t").to_string() == "first second");
}

// Where Yjs 14 loses the end of the text.
TEST_CASE("gaps: what waits is put together with what overlaps it, and nothing is lost") {
  Writer one(ClientId{2});
  one.add([&](Transaction& t) { one.doc.text("t").push(t, "seen "); });
  Writer two;
  hear(two.doc, one.updates[0]);
  two.updates.clear();
  two.add([&](Transaction& t) { two.doc.text("t").push(t, "ab"); });
  two.add([&](Transaction& t) { two.doc.text("t").push(t, "cdefgh"); });
  const Bytes both = encode_state_as_update(two.doc, Bytes{1, 2, 5}).value();  // in one struct
  const Bytes most = diff_update(both, Bytes{1, 1, 1}).value();
  Doc doc(ClientId{9}, k_v14);
  hear(doc, two.updates[0]);
  hear(doc, most);  // "bcdefgh"
  CHECK(has_pending(doc));
  Doc other(ClientId{8}, k_v14);
  hear(other, encode_state_as_update(doc));
  for (Doc* each : {&doc, &other}) {
    hear(*each, one.updates[0]);
    CHECK_FALSE(has_pending(*each));
    CHECK(each->text("t").to_string() == "seen abcdefgh");
  }
}

TEST_CASE("gaps: a writer whose own past has gaps goes on behind them") {
  Writer before;
  before.keys("abc");
  Doc doc(ClientId{1}, k_v14);  // the same client, after it lost something
  hear(doc, before.updates[0]);
  hear(doc, before.updates[2]);
  Updates told;
  const auto listening = doc.on_update([&](BytesView u, Origin) { told.push_back(to_bytes(u)); });
  edit(doc, [&](Transaction& t) { doc.map("m").set(t, "d", Any(4)); });
  CHECK(consistent(doc));
  CHECK(hex(told.at(0)) == "010101032801016d0164017d0400");
  hear(doc, before.updates[1]);
  hear(before.doc, told.at(0));
  CHECK(encode_state_as_update(doc) == encode_state_as_update(before.doc));
}

TEST_CASE("gaps: any order of any parts comes to the same document, in both modes") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 rng(seed);
    Writer writers[] = {Writer(ClientId{1}), Writer(ClientId{2}), Writer(ClientId{3})};
    Updates all;
    for (int step = 0; step < 40; ++step) {
      Writer& writer = writers[rng() % 3];
      if (rng() % 3 == 0) {
        hear(writer.doc, encode_state_as_update(writers[rng() % 3].doc));
      }
      const std::size_t before = writer.updates.size();
      random_edit(writer.doc, rng, {.first = "ab"});
      all.insert(all.end(), writer.updates.begin() + static_cast<std::ptrdiff_t>(before),
                 writer.updates.end());
      if (rng() % 4 == 0) {  // also as others put it together
        all.push_back(encode_state_as_update(writers[rng() % 3].doc));
      }
    }
    std::ranges::shuffle(all, rng);
    Doc v13(ClientId{8});
    Doc v14(ClientId{9}, k_v14);
    Doc follower(ClientId{10}, k_v14);
    const auto listening =
        v14.on_update([&](BytesView update, Origin) { REQUIRE(apply_update(follower, update)); });
    for (const Bytes& update : all) {
      hear(v13, update);
      hear(v14, update);
      CHECK(consistent(follower));
      Doc copy(ClientId{11}, k_v14);
      hear(copy, encode_state_as_update(v14));
      CHECK(consistent(copy));
      // What waits holds up what comes behind it in the same update, though not what came before
      // it.
      if (!has_pending(v14)) {
        CHECK(state_vector(copy) == state_vector(v14));
        CHECK(pending(copy).gaps == pending(v14).gaps);
      }
    }
    CHECK_FALSE(has_pending(v14));
    CHECK(pending(v14).gaps.empty());
    CHECK(encode_state_as_update(v14) == encode_state_as_update(v13));
    CHECK(snapshot(follower) == snapshot(v14));
  }
}

}  // namespace vivim::crdt
