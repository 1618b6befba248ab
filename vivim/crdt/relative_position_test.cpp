#include "vivim/crdt/relative_position.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/undo_manager.hpp"

// Relative positions. The names are those of Yjs' own tests (relativePositions.tests.js).
namespace vivim::crdt {
namespace {

void check_positions(Doc& doc, const Text& text) {
  for (std::uint32_t i = 0; i < text.length(); ++i) {
    for (std::int64_t assoc = -1; assoc < 2; ++assoc) {
      const auto position = relative_position(doc, text, i, assoc);
      const auto decoded = decode_relative_position(encode_relative_position(position));
      REQUIRE(decoded.has_value());
      CHECK(decoded->item == position.item);
      CHECK(encode_relative_position(*decoded) == encode_relative_position(position));
      CHECK(relative_position_from_any(relative_position_to_any(position)).value() == position);
      const auto absolute = absolute_position(doc, *decoded);
      REQUIRE(absolute.has_value());
      CHECK(absolute->index == i);
      CHECK(absolute->assoc == assoc);
      CHECK(absolute->type == Value(text));
    }
  }
}

std::uint32_t index_of(Doc& doc, const RelativePosition& position,
                       FollowUndone follow = FollowUndone::yes) {
  return absolute_position(doc, position, follow).value().index;
}

}  // namespace

TEST_CASE("testRelativePositionCase1 to 6") {
  const std::vector<std::vector<std::string>> cases{
      {"1", "abc", "z", "y", "x"}, {"abc"}, {"abc", "1", "xyz"}, {"1"}, {"2", "1"}, {}};
  for (const auto& words : cases) {
    Doc doc(ClientId{1});
    Text text = doc.text("");
    for (const std::string& word : words) {
      edit(doc, [&](auto& t) { text.insert(t, 0, word); });
    }
    check_positions(doc, text);
  }
}

TEST_CASE("testRelativePositionCase7") {
  Doc doc(ClientId{1});
  Text text = doc.text("text");
  edit(doc, [&](auto& t) { text.insert(t, 0, "abcde"); });
  const auto position = relative_position(doc, text, 2);
  CHECK(index_of(doc, position, FollowUndone::yes) == 2);
  CHECK(index_of(doc, position, FollowUndone::no) == 2);
}

TEST_CASE("testRelativePositionAssociationDifference") {
  Doc doc(ClientId{1});
  Text text = doc.text("");
  edit(doc, [&](auto& t) { text.insert(t, 0, "2"); });
  edit(doc, [&](auto& t) { text.insert(t, 0, "1"); });
  const auto right = relative_position(doc, text, 1, 0);
  const auto left = relative_position(doc, text, 1, -1);
  edit(doc, [&](auto& t) { text.insert(t, 1, "x"); });
  CHECK(index_of(doc, right) == 2);
  CHECK(index_of(doc, left) == 1);
}

TEST_CASE("testRelativePositionWithUndo") {
  Doc doc(ClientId{1});
  Text text = doc.text("");
  edit(doc, [&](auto& t) { text.insert(t, 0, "hello world"); });
  const auto position = relative_position(doc, text, 1);
  UndoManager undo(doc, {text});
  edit(doc, [&](auto& t) { text.remove(t, 0, 6); });
  CHECK(index_of(doc, position) == 0);
  undo.undo();
  CHECK(index_of(doc, position) == 1);
  CHECK(index_of(doc, position, FollowUndone::no) == 6);
  Doc copy(ClientId{2});
  copy.text("");
  REQUIRE(apply_update(copy, encode_state_as_update(doc)));
  CHECK(index_of(copy, position) == 6);
  CHECK(index_of(copy, position, FollowUndone::no) == 6);
}

TEST_CASE("relative positions: at the ends, in nested types, and the bytes") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  CHECK(to_hex(encode_relative_position(relative_position(doc, text, 0))) == "01017400");
  CHECK(to_hex(encode_relative_position(relative_position(doc, text, 0, -1))) == "01017441");
  edit(doc, [&](auto& t) { text.insert(t, 0, "ab"); });
  CHECK(to_hex(encode_relative_position(relative_position(doc, text, 1))) == "00010100");
  CHECK(to_hex(encode_relative_position(relative_position(doc, text, 2, -1))) == "00010141");
  std::optional<Array> nested;
  edit(doc, [&](auto& t) { nested = doc.map("m").set_array(t, "k"); });
  const auto end = relative_position(doc, *nested, 0);
  CHECK(to_hex(encode_relative_position(end)) == "02010200");
  edit(doc, [&](auto& t) { nested->push(t, {Any(1), Any(2)}); });
  CHECK(index_of(doc, end) == 2);
  CHECK(relative_position_to_any(end).to_json() == R"({"type":{"client":1,"clock":2},"assoc":0})");
  edit(doc, [&](auto& t) { doc.map("m").erase(t, "k"); });
  CHECK_FALSE(absolute_position(doc, end).has_value());
}

TEST_CASE("relative positions: what is unknown or malformed is refused") {
  Doc doc(ClientId{1});
  RelativePosition position;
  position.item = Id{ClientId{5}, 3};
  CHECK_FALSE(absolute_position(doc, position).has_value());
  position = {};
  position.root = "nobody made it";
  CHECK_FALSE(absolute_position(doc, position).has_value());
  CHECK(doc.root_names().empty());
  const auto refused = [](const Bytes& bytes, CrdtError error) {
    const auto decoded = decode_relative_position(bytes);
    return !decoded && decoded.error().is(error);
  };
  CHECK(refused({}, CrdtError::truncated));
  CHECK(refused({0, 1}, CrdtError::truncated));
  CHECK(refused({3}, CrdtError::bad_message));
  CHECK(refused({1, 1, 0xff, 0}, CrdtError::bad_utf8));
  CHECK(refused({0, 1, 1, 0, 0}, CrdtError::trailing_bytes));
  CHECK(decode_relative_position(Bytes{0, 1, 1}).value().assoc == 0);
  CHECK_FALSE(relative_position_from_any(Any(Any::Object{})).has_value());
  CHECK_FALSE(
      relative_position_from_any(Any(Any::Object{{"item", Any(Any::Object{{"client", Any(1.5)}})}}))
          .has_value());
}

}  // namespace vivim::crdt
