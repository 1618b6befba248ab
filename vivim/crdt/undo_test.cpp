#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/event.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/list_map_test_detail.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/undo_manager.hpp"

// Undo and redo. The names are those of Yjs' own tests (undo-redo.tests.js).
namespace vivim::crdt {
namespace {

UndoOptions every_edit() {
  return {.capture_timeout_ms = 0};
}
UndoOptions of_origin(Origin origin) {
  return {.capture_timeout_ms = 0, .tracked_origins = {origin}};
}
void push(Doc& doc, Array array, std::vector<Any> values) {
  edit(doc, [&](auto& t) { array.push(t, std::move(values)); });
}
}  // namespace

TEST_CASE("testInfiniteCaptureTimeout") {
  Peers peers(1);
  Array array = peers.array(0);
  UndoManager undo(peers[0], {array}, {.capture_timeout_ms = ~std::uint64_t{0}});
  push(peers[0], array, {1, 2, 3});
  undo.stop_capturing();
  push(peers[0], array, {4, 5, 6});
  CHECK(undo.undo());
  CHECK(json(array) == "[1,2,3]");
}

TEST_CASE("undo: edits within the capture timeout are one step") {
  Doc doc(ClientId{1});
  Array array = doc.array("a");
  UndoManager undo(doc, {array});
  undo.set_time(1000);
  push(doc, array, {1});
  undo.set_time(1499);
  push(doc, array, {2});
  undo.set_time(1999);
  push(doc, array, {3});
  CHECK(undo.undo_steps() == 2);
  CHECK(undo.undo());
  CHECK(json(array) == "[1,2]");
  CHECK(undo.undo());
  CHECK(json(array) == "[]");
  CHECK_FALSE(undo.undo());
  CHECK(undo.redo_steps() == 2);
}

TEST_CASE("undo: what is added to the scope of a whole document does not make it smaller") {
  Doc doc(ClientId{1});
  Array array = doc.array("a");
  UndoManager undo(doc, {});
  undo.add_to_scope(doc.map("m"));
  push(doc, array, {1});
  CHECK(undo.undo());
  CHECK(json(array) == "[]");
}

TEST_CASE(
    "undo: what one transaction brought of many writers comes back in the order of their arrival") {
  Doc doc(ClientId{1});
  UndoManager undo(doc, {doc.map("m")}, of_origin({5}));
  Doc two(ClientId{2});
  Doc three(ClientId{3});
  for (Doc* writer : {&two, &three}) {  // 2 is known before 3
    set(*writer, writer->map("n"), "known", 1);
    REQUIRE(apply_update(doc, encode_state_as_update(*writer), Origin{6}));
  }
  set(two, two.map("m"), "a", 1);
  set(three, three.map("m"), "b", 1);
  const Bytes updates[] = {encode_state_as_update(two), encode_state_as_update(three)};
  const BytesView views[] = {updates[0], updates[1]};
  REQUIRE(apply_update(doc, merge_updates(views).value(), Origin{5}));  // first what 3 wrote
  CHECK(undo.undo());
  CHECK(undo.redo());
  std::string made;  // keys of what the redo wrote, in its order
  for (const StructInfo& info : structs(doc)) {
    made += info.id.client == doc.client_id() ? info.key.value() : "";
  }
  CHECK(made == "ba");
}

TEST_CASE("testUndoText") {
  Peers peers(2);
  Text text0 = peers.text(0);
  Text text1 = peers.text(1);
  UndoManager undo(peers[0], {text0});
  edit(peers[0], [&](auto& t) { text0.insert(t, 0, "test"); });
  edit(peers[0], [&](auto& t) { text0.remove(t, 0, 4); });
  undo.undo();
  CHECK(text0.to_string().empty());
  edit(peers[0], [&](auto& t) { text0.insert(t, 0, "a"); });
  undo.stop_capturing();
  edit(peers[0], [&](auto& t) { text0.remove(t, 0, 1); });
  undo.stop_capturing();
  undo.undo();
  CHECK(text0.to_string() == "a");
  undo.undo();
  CHECK(text0.to_string().empty());
  edit(peers[0], [&](auto& t) { text0.insert(t, 0, "abc"); });
  edit(peers[1], [&](auto& t) { text1.insert(t, 0, "xyz"); });
  peers.sync();
  undo.undo();
  CHECK(text0.to_string() == "xyz");
  undo.redo();
  CHECK(text0.to_string() == "abcxyz");
  peers.sync();
  edit(peers[1], [&](auto& t) { text1.remove(t, 0, 1); });
  peers.sync();
  undo.undo();
  CHECK(text0.to_string() == "xyz");
  undo.redo();
  CHECK(text0.to_string() == "bcxyz");
  const TextDelta marked{InsertText{"b", {}}, InsertText{"cxy", {{"bold", Any(true)}}},
                         InsertText{"z", {}}};
  edit(peers[0], [&](auto& t) { text0.format(t, 1, 3, {{"bold", Any(true)}}); });
  CHECK(text0.to_delta() == marked);
  undo.undo();
  CHECK(text0.to_delta() == TextDelta{InsertText{"bcxyz", {}}});
  undo.redo();
  CHECK(text0.to_delta() == marked);
  peers.sync();
  CHECK(consistent(peers[0]));
}

TEST_CASE("testEmptyTypeScope, testGlobalScope") {
  Doc doc(ClientId{1});
  UndoManager undo(doc);
  Array array = doc.array("a");
  push(doc, array, {1});
  undo.undo();
  CHECK(array.length() == 0);
}

TEST_CASE("testDoubleUndo") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  edit(doc, [&](auto& t) { text.insert(t, 0, "1221"); });
  UndoManager undo(doc, {text});
  edit(doc, [&](auto& t) { text.insert(t, 2, "3"); });
  edit(doc, [&](auto& t) { text.insert(t, 3, "3"); });
  undo.undo();
  undo.undo();
  edit(doc, [&](auto& t) { text.insert(t, 2, "3"); });
  CHECK(text.to_string() == "12321");
}

TEST_CASE("testUndoMap") {
  Peers peers(2);
  Map map0 = peers.map(0);
  Map map1 = peers.map(1);
  set(peers[0], map0, "a", 0);
  UndoManager undo(peers[0], {map0});
  set(peers[0], map0, "a", 1);
  undo.undo();
  CHECK(json(map0) == R"({"a":0})");
  undo.redo();
  CHECK(json(map0) == R"({"a":1})");
  edit(peers[0], [&](auto& t) { map0.set_map(t, "a").set(t, "x", 42); });
  undo.undo();
  CHECK(json(map0) == R"({"a":1})");
  undo.redo();
  CHECK(json(map0) == R"({"a":{"x":42}})");
  peers.sync();
  set(peers[1], map1, "a", 44);
  peers.sync();
  undo.undo();  // another has set it meanwhile: stays
  CHECK(json(map0) == R"({"a":44})");
  undo.redo();
  CHECK(json(map0) == R"({"a":44})");
  set(peers[0], map0, "b", "initial");
  undo.stop_capturing();
  set(peers[0], map0, "b", "val1");
  set(peers[0], map0, "b", "val2");
  undo.stop_capturing();
  undo.undo();
  CHECK(map0.get_string("b") == "initial");
  peers.sync();
  CHECK(consistent(peers[0]));
}

TEST_CASE("testUndoArray") {
  Peers peers(2);
  Array array0 = peers.array(0);
  Array array1 = peers.array(1);
  UndoManager undo(peers[0], {array0});
  push(peers[0], array0, {1, 2, 3});
  push(peers[1], array1, {4, 5, 6});
  peers.sync();
  CHECK(json(array0) == "[1,2,3,4,5,6]");
  undo.undo();
  CHECK(json(array0) == "[4,5,6]");
  undo.redo();
  CHECK(json(array0) == "[1,2,3,4,5,6]");
  peers.sync();
  edit(peers[1], [&](auto& t) { array1.remove(t, 0); });
  peers.sync();
  undo.undo();
  CHECK(json(array0) == "[4,5,6]");
  undo.redo();
  CHECK(json(array0) == "[2,3,4,5,6]");
  edit(peers[0], [&](auto& t) { array0.remove(t, 0, 5); });
  edit(peers[0], [&](auto& t) { array0.insert_map(t, 0); });
  undo.stop_capturing();
  edit(peers[0], [&](auto& t) { std::get<Map>(*array0.get(0)).set(t, "a", 1); });
  const auto steps = [&](const std::vector<std::pair<bool, std::string>>& expected) {
    for (const auto& [undone, shown] : expected) {
      undone ? undo.undo() : undo.redo();
      CHECK(json(array0) == shown);
    }
  };
  steps({{true, "[{}]"}, {true, "[2,3,4,5,6]"}, {false, "[{}]"}, {false, R"([{"a":1}])"}});
  peers.sync();
  edit(peers[1], [&](auto& t) { std::get<Map>(*array1.get(0)).set(t, "b", 2); });
  peers.sync();
  steps({{true, R"([{"b":2}])"},
         {true, "[2,3,4,5,6]"},
         {false, R"([{"b":2}])"},
         {false, R"([{"b":2,"a":1}])"}});
  peers.sync();
  CHECK(consistent(peers[0]));
}

TEST_CASE("testUndoXml") {
  Peers peers(1);
  XmlElement xml = peers.xml(0);
  UndoManager undo(peers[0], {xml});
  std::optional<XmlText> text;
  edit(peers[0],
       [&](auto& t) { text = xml.insert_element(t, 0, "p").insert_text(t, 0, "content"); });
  CHECK(xml.to_string() == "<undefined><p>content</p></undefined>");
  undo.stop_capturing();
  edit(peers[0], [&](auto& t) { text->format(t, 3, 4, {{"bold", Any(Any::Object{})}}); });
  const std::string marked = "<undefined><p>con<bold>tent</bold></p></undefined>";
  CHECK(xml.to_string() == marked);
  undo.undo();
  CHECK(xml.to_string() == "<undefined><p>content</p></undefined>");
  undo.redo();
  CHECK(xml.to_string() == marked);
  edit(peers[0], [&](auto& t) { xml.remove(t, 0); });
  CHECK(xml.to_string() == "<undefined></undefined>");
  undo.undo();
  CHECK(xml.to_string() == marked);
}

TEST_CASE("testUndoEvents, testUndoDoingStackItem") {
  Peers peers(1);
  Text text = peers.text(0);
  UndoManager undo(peers[0], {text});
  int counter = 0;
  double received = -1;
  const auto watching = undo.observe([&](const UndoEvent& event) {
    CHECK(event.changed == std::vector<Value>{text});
    if (event.kind == UndoEvent::Kind::added) {
      event.meta = {{"test", Any(counter++)}};
    } else {
      received = *event.meta.front().second.if_number();
    }
  });
  std::vector<std::string> under_way;
  const auto reading = text.observe([&](const TextEvent&) {
    const Any::Object* meta = undo.step_under_way();
    under_way.push_back(meta == nullptr ? "none" : Any(*meta).to_json());
  });
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "abc"); });
  undo.undo();
  CHECK(received == 0);
  undo.redo();
  CHECK(received == 1);
  CHECK(under_way == std::vector<std::string>{"none", R"({"test":0})", R"({"test":1})"});
  CHECK(undo.step_under_way() == nullptr);
}

TEST_CASE("testTrackClass: only transactions of tracked origins, never another's updates") {
  Peers peers(2);
  Text text = peers.text(0);
  UndoManager undo(peers[0], {text}, of_origin({42}));
  edit(peers[0], [&](auto& t) { text.insert(t, 0, "abc"); }, Origin{42});
  edit(peers[0], [&](auto& t) { text.insert(t, 3, "def"); });
  CHECK(undo.undo_steps() == 1);
  undo.undo();
  CHECK(text.to_string() == "def");
  undo.track({});
  REQUIRE(apply_update(peers[0], encode_state_as_update(peers[1])));
  CHECK(undo.undo_steps() == 0);
}

TEST_CASE("testTypeScope") {
  Peers peers(1);
  Array array = peers.array(0);
  std::vector<Text> texts;
  edit(peers[0], [&](auto& t) { texts = {array.insert_text(t, 0), array.insert_text(t, 1)}; });
  UndoManager one(peers[0], {texts[0]});
  UndoManager both(peers[0], {texts[0], texts[1]});
  edit(peers[0], [&](auto& t) { texts[1].insert(t, 0, "abc"); });
  CHECK(one.undo_steps() == 0);
  CHECK(both.undo_steps() == 1);
  one.undo();
  CHECK(texts[1].to_string() == "abc");
  both.undo();
  CHECK(texts[1].to_string().empty());
}

TEST_CASE("testUndoInEmbed") {
  Peers peers(1);
  Text text = peers.text(0);
  UndoManager undo(peers[0], {text});
  std::optional<Text> nested;
  edit(peers[0], [&](auto& t) {
    nested = std::get<Text>(
        text.insert_type(t, 0, {.type = SharedType::text, .name = {}}, {{"bold", Any(true)}}));
    nested->insert(t, 0, "initial text");
  });
  undo.stop_capturing();
  edit(peers[0], [&](auto& t) { nested->remove(t, 0, nested->length()); });
  edit(peers[0], [&](auto& t) { nested->insert(t, 0, "other text"); });
  undo.undo();
  CHECK(nested->to_string() == "initial text");
  undo.undo();
  CHECK(text.length() == 0);
}

TEST_CASE("testUndoDeleteFilter") {
  Peers peers(1);
  Array array = peers.array(0);
  UndoOptions options;
  options.delete_filter = [](const UndoItem& item) {
    const Map* map = item.content.if_map();
    return map != nullptr && map->size() == 0;
  };
  UndoManager undo(peers[0], {array}, std::move(options));
  edit(peers[0], [&](auto& t) {
    array.insert_map(t, 0).set(t, "hi", 1);
    array.insert_map(t, 1);
  });
  undo.undo();
  CHECK(json(array) == R"([{"hi":1}])");
}

TEST_CASE("testUndoUntilChangePerformed") {
  Peers peers(2);
  std::optional<Map> first;
  std::optional<Map> second;
  edit(peers[0], [&](auto& t) {
    first = peers.array(0).insert_map(t, 0);
    first->set(t, "hello", "world");
    second = peers.array(0).insert_map(t, 1);
    second->set(t, "key", "value");
  });
  peers.sync();
  UndoManager undo0(peers[0], {peers.array(0)}, of_origin({10}));
  UndoManager undo1(peers[1], {peers.array(1)}, of_origin({20}));
  edit(peers[0], [&](auto& t) { second->set(t, "key", "value modified"); }, {10});
  undo0.stop_capturing();
  edit(peers[0], [&](auto& t) { first->set(t, "hello", "world modified"); }, {10});
  peers.sync();
  edit(peers[1], [&](auto& t) { peers.array(1).remove(t, 0); }, {20});
  peers.sync();
  undo1.undo();
  peers.sync();
  undo0.undo();
  CHECK(second->get_string("key") == "value");
}

TEST_CASE("testUndoNestedUndoIssue, testUndoBlockBug") {
  Doc doc(ClientId{1}, {.collect_garbage = false});
  Map design = doc.map("m");
  UndoManager undo(doc, {design}, every_edit());
  std::optional<Map> text;
  const auto block = [&](const char* words) {
    edit(doc, [&](auto& t) {
      if (!text) {
        text = design.set_map(t, "text");
      }
      text->set_map(t, "blocks").set(t, "text", words);
    });
  };
  const auto shown = [](const std::string& words) {
    return R"({"text":{"blocks":{"text":")" + words + "\"}}}";
  };
  block("1");
  block("2");
  block("3");
  block("4");
  for (const char* words : {"3", "2", "1"}) {
    undo.undo();
    CHECK(json(design) == shown(words));
  }
  undo.undo();
  CHECK(json(design) == "{}");
  for (const char* words : {"1", "2", "3", "4"}) {
    undo.redo();
    CHECK(json(design) == shown(words));
  }
}

TEST_CASE("testConsecutiveRedoBug") {
  Doc doc(ClientId{1});
  Map root = doc.map("m");
  UndoManager undo(doc, {root});
  std::optional<Map> point;
  edit(doc, [&](auto& t) { point = root.set_map(t, "a"); });
  for (const int value : {0, 100, 200, 300}) {
    edit(doc, [&](auto& t) {
      point->set(t, "x", value);
      point->set(t, "y", value);
    });
    undo.stop_capturing();
  }
  const auto shown = [&](int value) {
    const std::string number = std::to_string(value);
    return json(*root.get_map("a")) == R"({"x":)" + number + R"(,"y":)" + number + "}";
  };
  for (const int value : {200, 100, 0}) {
    undo.undo();
    CHECK(shown(value));
  }
  undo.undo();
  CHECK_FALSE(root.contains("a"));
  for (const int value : {0, 100, 200, 300}) {
    undo.redo();
    CHECK(shown(value));
  }
}

TEST_CASE("testUndoXmlBug, testSpecialDeletionCase") {
  Doc doc(ClientId{1});
  XmlFragment fragment = doc.xml_fragment("t");
  UndoManager undo(doc, {fragment}, of_origin({5}));
  const auto element = [&] { return std::get<XmlElement>(*fragment.get(0)); };
  edit(doc,
       [&](auto& t) {
         XmlElement fresh = fragment.insert_element(t, 0, "test-node");
         fresh.set_attribute(t, "a", "100");
         fresh.set_attribute(t, "b", "0");
       },
       {5});
  edit(doc, [&](auto& t) { element().set_attribute(t, "a", "200"); }, {5});
  edit(doc,
       [&](auto& t) {
         element().set_attribute(t, "a", "180");
         element().set_attribute(t, "b", "50");
       },
       {5});
  for (int i = 0; i < 3; ++i) {
    undo.undo();
  }
  for (int i = 0; i < 3; ++i) {
    undo.redo();
  }
  CHECK(fragment.to_string() == R"(<test-node a="180" b="50"></test-node>)");
  edit(doc,
       [&](auto& t) {  // an attribute changes and its element goes
         element().set_attribute(t, "b", "3");
         fragment.remove(t, 0);
       },
       {5});
  undo.undo();
  CHECK(fragment.to_string() == R"(<test-node a="180" b="50"></test-node>)");
}

TEST_CASE("testUndoDeleteTextFormat") {
  Peers peers(2);
  Text text = peers.text(0);
  edit(peers[0],
       [&](auto& t) { text.insert(t, 0, "Attack ships on fire off the shoulder of Orion."); });
  peers.sync();
  UndoManager undo(peers[0], {text});
  edit(peers[0], [&](auto& t) { text.format(t, 13, 7, {{"bold", Any(true)}}); });
  undo.stop_capturing();
  peers.sync();
  edit(peers[0], [&](auto& t) { text.format(t, 16, 4, {{"bold", Any(nullptr)}}); });
  undo.stop_capturing();
  peers.sync();
  undo.undo();
  peers.sync();
  const TextDelta expected{InsertText{"Attack ships ", {}},
                           InsertText{"on fire", {{"bold", Any(true)}}},
                           InsertText{" off the shoulder of Orion.", {}}};
  CHECK(text.to_delta() == expected);
  CHECK(peers.text(1).to_delta() == expected);
}

TEST_CASE("testBehaviorOfIgnoreremotemapchangesProperty") {
  Peers peers(2);
  UndoManager undo(peers[0], {peers.map(0)}, {.ignore_remote_map_changes = true});
  for (int value = 1; value <= 4; ++value) {
    const std::size_t who = value % 2 == 1 ? 0 : 1;
    set(peers[who], peers.map(who), "x", value);
    peers.sync();
  }
  undo.undo();
  peers.sync();
  CHECK(json(peers.map(0)) == R"({"x":2})");
  CHECK(json(peers.map(1)) == R"({"x":2})");
}

TEST_CASE("testUndoDeleteInMap") {
  Doc doc(ClientId{1});
  Map map = doc.map("m");
  UndoManager undo(doc, {map}, every_edit());
  for (const char* value : {"a", "b", "c", "d"}) {
    set(doc, map, "a", value);
    if (std::string_view(value) != "d") {
      edit(doc, [&](auto& t) { map.erase(t, "a"); });
    }
  }
  for (const char* shown : {"{}", R"({"a":"c"})", "{}", R"({"a":"b"})", "{}", R"({"a":"a"})"}) {
    undo.undo();
    CHECK(json(map) == shown);
  }
}

TEST_CASE("testUndoSetAttributeAndDeleteSyncsAttributes") {
  Doc doc(ClientId{1});
  XmlText root = doc.xml_text("sharedRoot");
  std::optional<XmlText> button;
  edit(doc, [&](auto& t) {
    button = std::get<XmlText>(root.insert_type(t, 0, {.type = SharedType::xml_text, .name = {}}));
    button->set_attribute(t, "type", "button");
    button->set_attribute(t, "test", true);
    button->insert(t, 0, "Click me");
  });
  UndoManager undo(doc, {root});
  edit(doc, [&](auto& t) { button->set_attribute(t, "type", "paragraph"); });
  edit(doc, [&](auto& t) { root.remove(t, 0, 1); });
  undo.undo();
  Doc remote(ClientId{2});
  XmlText remote_root = remote.xml_text("sharedRoot");
  REQUIRE(apply_update(remote, encode_state_as_update(doc)));
  for (const XmlText& text : {root, remote_root}) {
    const auto nested = std::get<XmlText>(std::get<InsertEmbed>(text.to_delta()[0]).value);
    CHECK(Any(nested.attributes()).to_json() == R"({"type":"button","test":true})");
    CHECK(nested.to_string() == "Click me");
  }
}

TEST_CASE("testRejectUpdateExample: what an update did to a type is undone at once") {
  Doc sender(ClientId{1});
  edit(sender, [&](auto& t) {
    sender.array("restricted").push(t, 1);
    sender.array("public").push(t, 1);
  });
  Doc doc(ClientId{2});
  Array restricted = doc.array("restricted");
  UndoManager undo(doc, {restricted}, of_origin({7}));
  REQUIRE(apply_update(doc, encode_state_as_update(sender), Origin{7}));
  while (undo.can_undo()) {
    undo.undo();
  }
  CHECK(restricted.length() == 0);
  CHECK(doc.array("public").length() == 1);
}

TEST_CASE("undo: what a step could bring back is not forgotten, until it is cleared") {
  Doc doc(ClientId{1});
  Text text = doc.text("t");
  edit(doc, [&](auto& t) { text.insert(t, 0, "a long secret"); });
  UndoManager undo(doc, {text});
  edit(doc, [&](auto& t) { text.remove(t, 0, 13); });
  const auto holds = [&] {
    return as_text(encode_state_as_update(doc)).find("secret") != std::string_view::npos;
  };
  CHECK(holds());
  undo.clear();
  edit(doc, [&](auto& t) { text.insert(t, 0, "x"); });
  CHECK_FALSE(undo.can_redo());
  CHECK(undo.undo());
  CHECK(text.to_string().empty());
}

TEST_CASE("undo: steps are bounded, the oldest go") {
  Doc doc(ClientId{1});
  Array array = doc.array("a");
  UndoManager undo(doc, {array}, {.capture_timeout_ms = 0, .steps_max = 3});
  for (int i = 0; i < 5; ++i) {
    push(doc, array, {i});
  }
  CHECK(undo.undo_steps() == 3);
  while (undo.undo()) {
  }
  CHECK(json(array) == "[0,1]");
}

TEST_CASE("undo: a chain of deleted types comes back, however deep") {
  Doc doc(ClientId{1});
  Array root = doc.array("a");
  edit(doc, [&](auto& t) {
    Array at = root;
    for (int i = 0; i < 20'000; ++i) {
      at = at.insert_array(t, 0);
    }
  });
  UndoManager undo(doc, {root});
  edit(doc, [&](auto& t) { root.remove(t, 0); });
  CHECK(undo.undo());
  std::uint32_t depth = 0;
  for (std::optional<Value> at = root.get(0); at; at = at->if_array()->get(0)) {
    ++depth;
  }
  CHECK(depth == 20'000);
  CHECK(consistent(doc));
}

}  // namespace vivim::crdt
