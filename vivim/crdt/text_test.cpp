#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/event.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/undo_manager.hpp"

// Formatted text. The names behind "y-text" are those of Yjs' own tests.
namespace vivim::crdt {
namespace {

const TextAttributes bold(Any value = true) {
  return {{"bold", std::move(value)}};
}
InsertText insert(std::string utf8, TextAttributes attributes = {}) {
  return {.utf8 = std::move(utf8), .attributes = std::move(attributes)};
}
Retain retain(std::uint32_t length, TextAttributes attributes = {}) {
  return {.length = length, .attributes = std::move(attributes)};
}

// The last delta that observers of a text were told.
struct WatchedText {
  explicit WatchedText(Text text)
      : subscription(text.observe([this](const TextEvent& event) { delta = event.delta; })) {}
  TextDelta delta;
  Subscription subscription;
};

}  // namespace

TEST_CASE("y-text: testBasicInsertAndDelete") {
  Peers peers(2);
  Text text = peers.text(0);
  WatchedText watched(text);
  edit(peers[0], [&](auto& t) { text.remove(t, 0, 0); });
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "abc"); });
  CHECK(text.to_string() == "abc");
  CHECK(watched.delta == TextDelta{insert("abc")});
  edit(peers[0], [&](auto& t) { text.remove(t, 0, 1); });
  CHECK(text.to_string() == "bc");
  CHECK(watched.delta == TextDelta{Remove{1}});
  edit(peers[0], [&](auto& t) { text.remove(t, 1, 1); });
  CHECK(text.to_string() == "b");
  CHECK(watched.delta == TextDelta{retain(1), Remove{1}});
  edit(peers[0], [&](auto& t) {
    text.insert(t, 0, "1");
    text.remove(t, 0, 1);
  });
  CHECK(watched.delta == TextDelta{});
  peers.sync();
  CHECK(peers.equal());
}

TEST_CASE("y-text: testBasicFormat") {
  Peers peers(2);
  Text text = peers.text(0);
  WatchedText watched(text);
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "abc", bold()); });
  CHECK(text.to_string() == "abc");
  CHECK(text.to_delta() == TextDelta{insert("abc", bold())});
  CHECK(watched.delta == TextDelta{insert("abc", bold())});
  edit(peers[0], [&](auto& t) { text.remove(t, 0, 1); });
  CHECK(text.to_delta() == TextDelta{insert("bc", bold())});
  CHECK(watched.delta == TextDelta{Remove{1}});
  edit(peers[0], [&](auto& t) { text.remove(t, 1, 1); });
  CHECK(text.to_delta() == TextDelta{insert("b", bold())});
  CHECK(watched.delta == TextDelta{retain(1), Remove{1}});
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "z", bold()); });
  CHECK(text.to_delta() == TextDelta{insert("zb", bold())});
  CHECK(watched.delta == TextDelta{insert("z", bold())});
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "y"); });
  CHECK(text.to_delta() == TextDelta{insert("y"), insert("zb", bold())});
  CHECK(watched.delta == TextDelta{insert("y")});
  edit(peers[0], [&](auto& t) { text.format(t, 0, 2, bold(nullptr)); });
  CHECK(text.to_delta() == TextDelta{insert("yz"), insert("b", bold())});
  CHECK(watched.delta == TextDelta{retain(1), retain(1, bold(nullptr))});
  peers.sync();
  CHECK(peers.equal());
}

TEST_CASE("y-text: testFalsyFormats") {
  Peers peers(1);
  Text text = peers.text(0);
  WatchedText watched(text);
  const auto falsy = [](bool value) { return TextAttributes{{"falsy", Any(value)}}; };
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "abcde", falsy(false)); });
  CHECK(watched.delta == TextDelta{insert("abcde", falsy(false))});
  edit(peers[0], [&](auto& t) { text.format(t, 1, 3, falsy(true)); });
  CHECK(watched.delta == TextDelta{retain(1), retain(3, falsy(true))});
  edit(peers[0], [&](auto& t) { text.format(t, 2, 1, falsy(false)); });
  CHECK(text.to_delta() == TextDelta{insert("a", falsy(false)), insert("b", falsy(true)),
                                     insert("c", falsy(false)), insert("d", falsy(true)),
                                     insert("e", falsy(false))});
  CHECK(watched.delta == TextDelta{retain(2), retain(1, falsy(false))});
}

TEST_CASE("y-text: testMultilineFormat") {
  Peers peers(1);
  Text text = peers.text(0);
  edit(peers[0], [&](auto& t) {
    text.insert(t, 0, "Test\nMulti-line\nFormatting");
    text.apply_delta(
        t, {retain(4, bold()), retain(1), retain(10, bold()), retain(1), retain(10, bold())});
  });
  CHECK(text.to_delta() == TextDelta{insert("Test", bold()), insert("\n"),
                                     insert("Multi-line", bold()), insert("\n"),
                                     insert("Formatting", bold())});
}

TEST_CASE("y-text: testNotMergeEmptyLinesFormat, testPreserveAttributesThroughDelete") {
  Peers peers(2);
  const TextAttributes title{{"title", Any(true)}};
  Text text = peers.text(0);
  const TextDelta lines{insert("Text"), insert("\n", title), insert("\nText"), insert("\n", title)};
  edit(peers[0], [&](auto& t) { text.apply_delta(t, lines); });
  CHECK(text.to_delta() == lines);
  Text other = peers.text(1);
  edit(peers[1], [&](auto& t) {
    other.apply_delta(t, {insert("Text"), insert("\n", title), insert("\n")});
    other.apply_delta(t, {retain(4), Remove{1}, retain(1, title)});
  });
  CHECK(other.to_delta() == TextDelta{insert("Text"), insert("\n", title)});
}

TEST_CASE("y-text: testGetDeltaWithEmbeds, testToDeltaEmbedAttributes, testTypesAsEmbed") {
  Peers peers(2);
  Text text = peers.text(0);
  const Any image(Any::Object{{"image", Any("imageSrc.png")}});
  const TextAttributes width{{"width", Any(100)}};
  edit(peers[0], [&](auto& t) {
    text.insert(t, 0, "ab", bold());
    text.insert_embed(t, 1, image, width);
    text.insert_embed(t, 0, image);
  });
  CHECK(text.to_delta() == TextDelta{InsertEmbed{image, {}}, insert("a", bold()),
                                     InsertEmbed{image, width}, insert("b", bold())});
  CHECK(text.to_string() == "ab");
  CHECK(text.length() == 4);
  int heard = 0;
  const auto watching = peers.text(1).observe([&](const TextEvent& event) {
    REQUIRE(event.delta.size() == 5);
    CHECK(std::get<InsertEmbed>(event.delta[0]).value.to_any().to_json() == R"({"key":"val"})");
    ++heard;
  });
  edit(peers[0], [&](auto& t) {
    std::get<Map>(text.insert_type(t, 0, {.type = SharedType::map, .name = {}}))
        .set(t, "key", "val");
  });
  peers.sync();
  CHECK(heard == 1);
  CHECK(peers.equal());
}

TEST_CASE(
    "y-text: testFormattingRemoved, testFormattingRemovedInMidText: marks go with their text") {
  Doc doc(ClientId{1});
  Text text = doc.text("text");
  edit(doc, [&](auto& t) { text.insert(t, 0, "ab", bold()); });
  edit(doc, [&](auto& t) { text.remove(t, 0, 2); });
  // One deleted run: mark, text, mark.
  CHECK(to_hex(encode_state_as_update(doc)) ==
        "01010100010104746578740401010100"
        "04");
}

TEST_CASE("y-text: testDeltaAfterConcurrentFormatting") {
  Peers peers(2);
  Text text0 = peers.text(0);
  Text text1 = peers.text(1);
  edit(peers[0], [&](auto& t) { text0.insert(t, 0, "abcde"); });
  peers.sync();
  edit(peers[0], [&](auto& t) { text0.format(t, 0, 3, bold()); });
  edit(peers[1], [&](auto& t) { text1.format(t, 2, 2, bold()); });
  std::vector<TextDelta> deltas;
  const auto watching = text1.observe([&](const TextEvent& event) {
    if (!event.delta.empty()) {
      deltas.push_back(event.delta);
    }
  });
  peers.sync();
  CHECK(deltas == std::vector<TextDelta>{{retain(3, bold()), retain(2, bold(nullptr))}});
  CHECK(peers.equal());
}

TEST_CASE("y-text: testFormattingDeltaUnnecessaryAttributeChange") {
  Peers peers(2);
  Text text0 = peers.text(0);
  Text text1 = peers.text(1);
  edit(peers[0], [&](auto& t) {
    text0.insert(t, 0, "\n", {{"PARAGRAPH_STYLES", "normal"}, {"LIST_STYLES", "bullet"}});
    text0.insert(t, 1, "abc", {{"PARAGRAPH_STYLES", "normal"}});
  });
  peers.sync();
  std::vector<TextDelta> deltas;
  const auto watch = [&](const TextEvent& event) {
    if (!event.delta.empty()) {
      deltas.push_back(event.delta);
    }
  };
  const auto first = text0.observe(watch);
  const auto second = text1.observe(watch);
  const TextAttributes number{{"LIST_STYLES", "number"}};
  edit(peers[1], [&](auto& t) { text1.format(t, 0, 1, number); });
  peers.sync();
  CHECK(deltas == std::vector<TextDelta>{{retain(1, number)}, {retain(1, number)}});
}

TEST_CASE("y-text: testSplitSurrogateCharacter") {
  Peers peers(3);
  const std::string monster = "\xf0\x9f\x91\xbe";
  edit(peers[0], [&](auto& t) { peers.text(0).insert(t, 0, monster); });
  edit(peers[0], [&](auto& t) { peers.text(0).insert(t, 1, "hi!"); });
  edit(peers[1], [&](auto& t) { peers.text(1).insert(t, 0, monster + monster); });
  edit(peers[1], [&](auto& t) { peers.text(1).remove(t, 1, 2); });
  edit(peers[2], [&](auto& t) { peers.text(2).insert(t, 0, monster + monster); });
  edit(peers[2], [&](auto& t) { peers.text(2).format(t, 1, 2, bold()); });
  CHECK(peers.text(2).to_string() == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  peers.sync();
  CHECK(peers.equal());
}

TEST_CASE("y-text: testDeleteFormatting: a removal takes the marks that it makes redundant") {
  Peers peers(2);
  Text text0 = peers.text(0);
  edit(peers[0],
       [&](auto& t) { text0.insert(t, 0, "Attack ships on fire off the shoulder of Orion."); });
  peers.sync();
  edit(peers[0], [&](auto& t) { text0.format(t, 13, 7, bold()); });
  peers.sync();
  edit(peers[0], [&](auto& t) { text0.format(t, 16, 4, bold(nullptr)); });
  peers.sync();
  const TextDelta expected{insert("Attack ships "), insert("on ", bold()),
                           insert("fire off the shoulder of Orion.")};
  CHECK(text0.to_delta() == expected);
  CHECK(peers.text(1).to_delta() == expected);
}

TEST_CASE("y-text: testFormattingBug, undo-redo: testInconsistentFormat") {
  Peers peers(1);
  XmlText text = peers[0].xml_text("text");
  const TextAttributes type{{"type", "text"}};
  edit(peers[0],
       [&](auto& t) { text.insert(t, 0, " After", {{"type", "text"}, {"italic", Any(true)}}); });
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "Test", type); });
  edit(peers[0],
       [&](auto& t) { text.insert(t, 0, "Merge ", {{"type", "text"}, {"bold", Any(true)}}); });
  edit(peers[0], [&](auto& t) { text.format(t, 0, 6, bold(nullptr)); });
  edit(peers[0], [&](auto& t) { text.format(t, 6, 4, type); });
  CHECK(text.to_delta() == TextDelta{insert("Merge Test", type),
                                     insert(" After", {{"type", "text"}, {"italic", Any(true)}})});
}

TEST_CASE("text: whoever receives remote formatting cleans up as Yjs does, or not at all") {
  const auto received = [](FormattingCleanup cleanup) {
    Peers peers(2);
    edit(peers[0], [&](auto& t) { peers.text(0).insert(t, 0, "ab"); });
    peers.sync();
    Doc reader(ClientId{9}, {.formatting_cleanup = cleanup});
    reader.text("text");
    CHECK(apply_update(reader, encode_state_as_update(peers[0])));
    std::vector<std::string> written;
    const auto watching =
        reader.on_update([&](BytesView update, Origin) { written.push_back(to_hex(update)); });
    // Both write the same mark at the same place: one says nothing.
    edit(peers[0], [&](auto& t) { peers.text(0).format(t, 0, 1, bold()); });
    edit(peers[1], [&](auto& t) { peers.text(1).format(t, 0, 1, bold()); });
    CHECK(apply_update(reader, encode_state_as_update(peers[0]), Origin{1}));
    CHECK(apply_update(reader, encode_state_as_update(peers[1]), Origin{1}));
    return written.size();
  };
  CHECK(received(FormattingCleanup::off) == 2);
  CHECK(received(FormattingCleanup::yjs) == 3);
}

TEST_CASE("text: values that stand in it are no part of it, nor of what observers are told") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  WatchedText watched(text);
  edit(doc, [&](auto& t) { text.insert(t, 0, "ab"); });
  // Client 2 writes a binary behind the a, then client 3 a c behind that.
  REQUIRE(apply_update(doc, Bytes{1, 1, 2, 0, 0xc3, 1, 0, 1, 1, 1, 9, 0}));
  CHECK(watched.delta.empty());
  REQUIRE(apply_update(doc, Bytes{1, 1, 3, 0, 0xc4, 2, 0, 1, 1, 1, 'c', 0}));
  CHECK(watched.delta == TextDelta{retain(1), insert("c")});
  CHECK(text.to_delta() == TextDelta{insert("acb")});
}

TEST_CASE("text: attributes of the text as a whole") {
  Doc doc(ClientId{1});
  XmlText text = doc.xml_text("x");
  std::vector<MapChange> keys;
  const auto watching = text.observe([&](const TextEvent& event) { keys = event.keys; });
  edit(doc, [&](auto& t) { text.set_attribute(t, "test", 42); });
  CHECK(keys == std::vector<MapChange>{MapChange{"test", MapAction::add, Any()}});
  CHECK(text.attribute("test") == std::optional<Value>(Any(42)));
  CHECK(Any(text.attributes()).to_json() == R"({"test":42})");
  edit(doc, [&](auto& t) { text.remove_attribute(t, "test"); });
  CHECK(keys == std::vector<MapChange>{MapChange{"test", MapAction::remove, Any(42)}});
}

TEST_CASE("text: formats that are objects are equal by their members, one level down") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  const TextAttributes link{{"link", Any(Any::Object{{"href", Any("u")}})}};
  edit(doc, [&](auto& t) { text.insert(t, 0, "ab", link); });
  const Bytes before = encode_state_vector(doc);
  edit(doc, [&](auto& t) { text.format(t, 0, 2, link); });
  CHECK(encode_state_vector(doc) == before);  // nothing was written
  CHECK(text.to_delta() == TextDelta{insert("ab", link)});
}

TEST_CASE(
    "text: formats and embeds that are not UTF-8 are repaired, so that others can read them") {
  Doc doc(ClientId{1});
  edit(doc, [&](auto& t) {
    doc.text("t").insert(t, 0, "a", {{"k\xff", Any("v\xff")}});
    doc.text("t").insert_embed(t, 0, Any("\xff"));
  });
  Doc copy(ClientId{2});
  REQUIRE(apply_update(copy, encode_state_as_update(doc)));
  CHECK(copy.text("t").to_delta() == TextDelta{InsertEmbed{Any("\xef\xbf\xbd"), {}},
                                               insert("a", {{"k\xef\xbf\xbd", "v\xef\xbf\xbd"}})});
}

TEST_CASE("text: beyond the end a format adds newlines, a delta may lose its last") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  edit(doc, [&](auto& t) { text.insert(t, 0, "a"); });
  edit(doc, [&](auto& t) { text.format(t, 0, 3, bold()); });
  CHECK(text.to_delta() == TextDelta{insert("a\n\n", bold())});
  Text other = doc.text("o");
  edit(doc, [&](auto& t) { other.apply_delta(t, {insert("a\n")}, FinalNewline::drop); });
  CHECK(other.to_string() == "a");
}

}  // namespace vivim::crdt
