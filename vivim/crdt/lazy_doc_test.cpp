#include "vivim/crdt/lazy_doc.hpp"

#include <random>
#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/heap_test_detail.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/samples_detail.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

/// What a document shows, to compare two of them whatever their bytes.
std::string contents_of(Doc& doc) {
  std::string text = doc.text("text").to_string() + doc.array("array").to_any().to_json();
  for (const char* key : {"a", "b", "c", "d"}) {
    const auto value = doc.map("map").get(key);
    text += value ? value->to_any().to_json() : "none";
  }
  return text;
}

/// Without formats, which Peers clean up and others do not.
void plain_edit(Doc& doc, std::mt19937_64& rng) {
  edit(doc, [&](Transaction& t) {
    Text text = doc.text("text");
    const auto at = static_cast<std::uint32_t>(rng() % (text.length() + 1));
    switch (rng() % 4) {
      case 0:
        text.remove(t, at, 1 + rng() % 3);
        break;
      case 1:
        doc.map("map").set(t, std::string(1, static_cast<char>('a' + rng() % 4)),
                           Any(static_cast<double>(rng() % 1000)));
        break;
      case 2:
        doc.array("array").insert(t, 0, {Any("x"), Any(1.5)});
        break;
      default:
        text.insert(t, at, "h\xc3\xa9llo");
    }
  });
}

}  // namespace

TEST_CASE("lazy: a relay answers from bytes what a document would, and builds no tree") {
  std::mt19937_64 rng(7);
  for (int round = 0; round < 20; ++round) {
    Peers peers(3);
    Doc mirror(ClientId{50});
    LazyDoc lazy(ClientId{51});
    for (int step = 0; step < 60; ++step) {
      Doc& doc = peers[rng() % 3];
      const Bytes before = encode_state_vector(doc);
      plain_edit(doc, rng);
      const Bytes update = encode_state_as_update(doc, before).value();
      REQUIRE(lazy.apply(update));
      REQUIRE(apply_update(mirror, update));
      if (step % 10 == 9) {
        peers.sync();
      }
      CHECK(lazy.state_vector().value() == state_vector(mirror));
    }
    CHECK_FALSE(lazy.resident());
    // Whoever asks with any state vector comes to the same document.
    Doc behind(ClientId{52});
    REQUIRE(apply_update(behind, lazy.encode(encode_state_vector(behind)).value()));
    CHECK(contents_of(behind) == contents_of(mirror));
    REQUIRE(apply_update(peers[0], lazy.encode(encode_state_vector(peers[0])).value()));
    CHECK(contents_of(peers[0]) == contents_of(mirror));
    CHECK(encode_state_as_update(peers[0]) == encode_state_as_update(mirror));
  }
}

TEST_CASE("lazy: what is known already brings nothing, neither for insertions nor for deletions") {
  Doc doc(ClientId{1});
  edit(doc, [&](Transaction& t) { doc.text("text").push(t, "hello"); });
  const Bytes inserted = encode_state_as_update(doc);
  edit(doc, [&](Transaction& t) { doc.text("text").remove(t, 1, 2); });
  const Bytes deleted = encode_state_as_update(doc);
  LazyDoc lazy(ClientId{2});
  CHECK(lazy.apply(inserted)->size() == 1);
  CHECK(lazy.apply(inserted)->empty());
  CHECK(lazy.apply(deleted)->size() == 1);
  CHECK(lazy.apply(deleted)->empty());
  CHECK(lazy.apply(inserted)->empty());
  CHECK(lazy.bytes() <= inserted.size() + 2 * deleted.size());
  CHECK_FALSE(lazy.resident());
}

TEST_CASE("lazy: the first read or edit makes the tree, and rest() gives it up") {
  LazyDoc lazy(ClientId{2});
  lazy.load(small_chat(ClientId{1}));
  CHECK_FALSE(lazy.resident());
  CHECK(lazy.doc().value()->map("map").size() == 20);
  CHECK(lazy.resident());
  const auto news = lazy.edit(
      [](Doc& doc) { edit(doc, [&](Transaction& t) { doc.text("text").push(t, "more"); }); });
  REQUIRE(news);
  CHECK(news->size() == 1);
  // Edits past edit() are kept too.
  Doc& doc = *lazy.doc().value();
  edit(doc, [&](Transaction& t) { doc.text("text").push(t, " and more"); });
  CHECK(lazy.rest());
  CHECK_FALSE(lazy.resident());
  CHECK(lazy.state_vector()->at(ClientId{2}) == 13);
  CHECK(lazy.doc().value()->text("text").to_string() == "more and more");
}

TEST_CASE(
    "lazy: what waits for something else makes the tree, and keeps it until it can be placed") {
  Doc doc(ClientId{1});
  edit(doc, [&](Transaction& t) { doc.text("text").push(t, "a"); });
  const Bytes first = encode_state_as_update(doc);
  const Bytes known = encode_state_vector(doc);
  edit(doc, [&](Transaction& t) { doc.text("text").push(t, "b"); });
  const Bytes second = encode_state_as_update(doc, known).value();

  LazyDoc lazy(ClientId{2});
  const auto kept = lazy.apply(second);
  REQUIRE(kept);
  CHECK(*kept == std::vector<Bytes>{second});
  CHECK(lazy.resident());
  CHECK_FALSE(lazy.rest());
  CHECK(lazy.state_vector()->empty());
  CHECK(lazy.apply(first)->size() == 1);
  CHECK(lazy.rest());
  CHECK(lazy.state_vector()->at(ClientId{1}) == 2);
  CHECK(lazy.doc().value()->text("text").to_string() == "ab");

  // A log that has a gap is read by a tree.
  LazyDoc gap(ClientId{3});
  gap.load(second);
  CHECK(gap.state_vector()->empty());
  CHECK(gap.resident());
}

TEST_CASE("lazy: damaged bytes are told by what reads them, a bad update changes nothing") {
  LazyDoc lazy(ClientId{1});
  lazy.load(Bytes{1, 2, 3});
  CHECK(lazy.state_vector().error().is(CrdtError::truncated));
  CHECK(lazy.encode().error().is(CrdtError::truncated));
  CHECK(lazy.doc().error().is(CrdtError::truncated));
  CHECK(lazy.compact().has_value());  // nothing came: there is nothing to put together
  CHECK(lazy.apply(Bytes{0, 0}).error().is(CrdtError::truncated));

  LazyDoc sound(ClientId{1});
  REQUIRE(sound.apply(small_chat(ClientId{1})));
  const Bytes before = sound.encode().value();
  CHECK(sound.apply(Bytes{1, 2, 3}).error().is(CrdtError::truncated));
  CHECK(sound.encode(Bytes{1}).error().is(CrdtError::truncated));
  CHECK(sound.encode().value() == before);
}

TEST_CASE("lazy: the tail is compacted when it outgrows the base, and loses what was deleted") {
  Doc doc(ClientId{1});
  LazyDoc lazy(ClientId{2});
  std::size_t tail_max = 0;
  const auto watching =
      doc.on_update([&](BytesView update, Origin) { REQUIRE(lazy.apply(update).has_value()); });
  for (int i = 0; i < 20'000; ++i) {
    edit(doc, [&](Transaction& t) {
      Text text = doc.text("text");
      text.push(t, "x");
      if (i % 100 == 99) {
        text.remove(t, 0, 90);
      }
    });
    tail_max = std::max<std::size_t>(tail_max, lazy.tail_updates());
  }
  CHECK_FALSE(lazy.resident());
  CHECK(tail_max < 1000);
  CHECK(lazy.bytes() < 4 * encode_state_as_update(doc).size() + 16'384);
  CHECK(lazy.doc().value()->text("text").to_string() == doc.text("text").to_string());
}

TEST_CASE("lazy: trees are bounded by bytes, those that were used last stay") {
  ResidentDocs residents(3 * (k_tree_bytes + 2000 * k_tree_bytes_per_byte));
  std::vector<std::unique_ptr<LazyDoc>> docs;
  for (std::uint64_t i = 0; i < 10; ++i) {
    docs.push_back(std::make_unique<LazyDoc>(ClientId{100 + i}, DocOptions{}, &residents));
    docs.back()->load(small_chat(ClientId{i + 1}));
    REQUIRE(docs.back()->doc());
  }
  CHECK(residents.size() == 10);
  REQUIRE(docs[2]->doc());
  residents.trim();
  CHECK(residents.size() < 5);
  CHECK(residents.size() > 1);
  CHECK(docs[2]->resident());
  CHECK(docs[9]->resident());
  CHECK_FALSE(docs[0]->resident());
  docs.clear();
  CHECK(residents.bytes() == 0);
  CHECK(residents.size() == 0);
}

TEST_CASE("lazy: 100,000 small documents are little more than their bytes") {
  // Where memory is not counted, a few show that it works.
  const std::size_t count = heap_bytes() > 0 ? 100'000 : 1'000;
  const Bytes chat = small_chat(ClientId{1});
  const auto heap = [] { return static_cast<double>(heap_bytes()); };
  const double before = heap();
  std::vector<std::unique_ptr<LazyDoc>> docs;
  docs.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    docs.push_back(std::make_unique<LazyDoc>(ClientId{1 + i}));
    docs.back()->load(chat);
  }
  const double each = (heap() - before) / static_cast<double>(count);
  CHECK(each < static_cast<double>(chat.size()) + 200);

  const double at_rest = heap();
  for (std::size_t i = 0; i < 200; ++i) {
    REQUIRE(docs[i]->doc());
  }
  const double tree = (heap() - at_rest) / 200;
  MESSAGE("a chat of ", chat.size(), " bytes: ", each, " bytes at rest, ", tree, " more as a tree");
  CHECK(tree < static_cast<double>(k_tree_bytes + chat.size() * k_tree_bytes_per_byte));
}

}  // namespace vivim::crdt
