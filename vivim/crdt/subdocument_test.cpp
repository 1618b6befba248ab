#include "vivim/crdt/subdocument.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/undo_manager.hpp"

// Documents within documents. The names are those of Yjs' own tests (doc.tests.js).
namespace vivim::crdt {
namespace {

// The last event, as three lists of names.
struct WatchedSubdocuments {
  explicit WatchedSubdocuments(Doc& doc)
      : subscription(doc.on_subdocuments([this](const SubdocumentEvent& event) {
          told.clear();
          for (const auto* list : {&event.added, &event.removed, &event.loaded}) {
            for (const Subdocument& document : *list) {
              told += document.guid();
            }
            told += "/";
          }
        })) {}
  std::string take() { return std::exchange(told, "none"); }
  std::string told = "none";
  Subscription subscription;
};

Subdocument at(Map map, std::string_view key) {
  return std::get<Subdocument>(*map.get(key));
}

}  // namespace

TEST_CASE("testSubdoc") {
  Doc doc(ClientId{1});
  WatchedSubdocuments watched(doc);
  Map map = doc.map("mysubdocs");
  edit(doc, [&](auto& t) { map.set_subdocument(t, "a", {.guid = "a", .meta = {}}); });
  CHECK(watched.take() == "a//a/");
  at(map, "a").load();
  CHECK(watched.take() == "none");
  at(map, "a").unload();
  CHECK(watched.take() == "a/a//");
  at(map, "a").load();
  CHECK(watched.take() == "//a/");
  edit(doc, [&](auto& t) {
    map.set_subdocument(t, "b", {.guid = "a", .meta = {}, .should_load = false});
  });
  CHECK(watched.take() == "a///");
  at(map, "b").load();
  CHECK(watched.take() == "//a/");
  edit(doc, [&](auto& t) { map.set_subdocument(t, "c", {.guid = "c", .meta = {}}); });
  CHECK(watched.take() == "c//c/");
  CHECK(doc.subdocuments().size() == 3);

  Doc other(ClientId{2});
  Map other_map = other.map("mysubdocs");
  WatchedSubdocuments heard(other);
  CHECK(other.subdocuments().empty());
  REQUIRE(apply_update(other, encode_state_as_update(doc)));
  CHECK(heard.take() == "aac///");
  at(other_map, "a").load();
  CHECK(heard.take() == "//a/");
  edit(other, [&](auto& t) { other_map.erase(t, "a"); });
  CHECK(heard.take() == "/a//");
  CHECK(other.subdocuments().size() == 2);
}

TEST_CASE("testSubdocLoadEdgeCases, testSubdocLoadEdgeCasesAutoload") {
  for (const bool auto_load : {false, true}) {
    Doc doc(ClientId{1});
    WatchedSubdocuments watched(doc);
    edit(doc, [&](auto& t) {
      doc.array("a").insert_subdocument(
          t, 0, {.guid = "g", .auto_load = auto_load, .meta = Any("about")});
    });
    const auto document = std::get<Subdocument>(*doc.array("a").get(0));
    CHECK(document.should_load());
    CHECK(document.options().auto_load == auto_load);
    CHECK(watched.take() == "g//g/");
    Doc other(ClientId{2});
    WatchedSubdocuments heard(other);
    REQUIRE(apply_update(other, encode_state_as_update(doc)));
    const auto there = std::get<Subdocument>(*other.array("a").get(0));
    CHECK(there.should_load() == auto_load);
    CHECK(there.options().meta == std::optional<Any>(Any("about")));
    CHECK(heard.take() == (auto_load ? "g//g/" : "g///"));
    CHECK(encode_state_as_update(other) == encode_state_as_update(doc));
  }
}

TEST_CASE("subdocuments: one that comes and goes in one transaction is not told of") {
  Doc doc(ClientId{1});
  WatchedSubdocuments watched(doc);
  edit(doc, [&](auto& t) {
    doc.map("m").set_subdocument(t, "k", {.guid = "g", .meta = {}, .should_load = false});
    doc.map("m").erase(t, "k");
  });
  CHECK(watched.take() == "none");
  CHECK(doc.subdocuments().empty());
}

TEST_CASE("testSubdocsUndo") {
  Doc doc(ClientId{1});
  Array array = doc.array("a");
  UndoManager undo(doc, {array});
  edit(doc, [&](auto& t) { array.insert_subdocument(t, 0, {.guid = "g", .meta = {}}); });
  undo.undo();
  CHECK(array.length() == 0);
  undo.redo();
  REQUIRE(array.length() == 1);
  CHECK(std::get<Subdocument>(*array.get(0)).guid() == "g");
}

}  // namespace vivim::crdt
