#include <algorithm>
#include <optional>

#include "vivim/crdt/conflict_cases_detail.hpp"
#include "vivim/crdt/undo_manager.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::crdt {
namespace {

Text text(Doc& doc) {
  return doc.text("t");
}
Array array(Doc& doc) {
  return doc.array("a");
}
Map map(Doc& doc) {
  return doc.map("m");
}
XmlFragment xml(Doc& doc) {
  return doc.xml_fragment("x");
}
Map map_in(Doc& doc, std::string_view key) {
  return *map(doc).get_map(key);
}
XmlElement element(Doc& doc, std::uint32_t index = 0) {
  return std::get<XmlElement>(*xml(doc).get(index));
}
TextAttributes format(const char* name, Any value = true) {
  return {{name, std::move(value)}};
}
void nothing(Doc&, Transaction&) {}
void six_letters(Doc& doc, Transaction& t) {
  text(doc).insert(t, 0, "abcdef");
}
void three_elements(Doc& doc, Transaction& t) {
  array(doc).insert(t, 0, {Any(1), Any(2), Any(3)});
}
void inner_map(Doc& doc, Transaction& t) {
  map(doc).set_map(t, "k").set(t, "old", 1);
}
void one_value(Doc& doc, Transaction& t) {
  map(doc).set(t, "k", "old");
}
void two_nodes(Doc& doc, Transaction& t) {
  xml(doc).insert_element(t, 0, "p").insert_text(t, 0, "words");
  xml(doc).insert_element(t, 1, "q");
}

std::vector<Conflict> of_texts() {
  return {
      {"text: two insert at one place", nothing,
       [](Doc& d, Transaction& t) { text(d).insert(t, 0, "one"); },
       [](Doc& d, Transaction& t) { text(d).insert(t, 0, "two"); }, R"([{"insert":"onetwo"}])",
       "t"},
      {"text: two type letter by letter at one place", six_letters,
       [](Doc& d, Transaction& t) {
         text(d).insert(t, 3, "1");
         text(d).insert(t, 4, "2");
       },
       [](Doc& d, Transaction& t) {
         text(d).insert(t, 3, "x");
         text(d).insert(t, 4, "y");
       },
       R"([{"insert":"abc12xydef"}])", "t"},
      {"text: one inserts into what the other removes", six_letters,
       [](Doc& d, Transaction& t) { text(d).remove(t, 1, 4); },
       [](Doc& d, Transaction& t) { text(d).insert(t, 3, "new"); }, R"([{"insert":"anewf"}])", "t"},
      {"text: two remove stretches that overlap", six_letters,
       [](Doc& d, Transaction& t) { text(d).remove(t, 1, 3); },
       [](Doc& d, Transaction& t) { text(d).remove(t, 2, 3); }, R"([{"insert":"af"}])", "t"},
      {"text: two format stretches that overlap, the same way", six_letters,
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 4, format("bold")); },
       [](Doc& d, Transaction& t) { text(d).format(t, 2, 4, format("bold")); },

       R"([{"insert":"abcd","attributes":{"bold":true}},{"insert":"ef"}])", "t"},
      {"text: two format one stretch with different formats", six_letters,
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 6, format("bold")); },
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 6, format("em")); },

       R"([{"insert":"abcdef","attributes":{"bold":true,"em":true}}])", "t"},
      {"text: two give one stretch different values of a format", six_letters,
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 6, format("colour", "red")); },
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 6, format("colour", "blue")); },

       R"([{"insert":"abcdef","attributes":{"colour":"blue"}}])", "t"},
      {"text: one inserts into what the other formats", six_letters,
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 6, format("bold")); },
       [](Doc& d, Transaction& t) { text(d).insert(t, 3, "new"); },

       R"([{"insert":"abcnewdef","attributes":{"bold":true}}])", "t"},
      {"text: one removes what the other formats", six_letters,
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 3, format("bold")); },
       [](Doc& d, Transaction& t) { text(d).remove(t, 0, 3); },

       R"([{"insert":"def"}])", "t"},
      {"text: one ends a format, the other appends inside it",
       [](Doc& d, Transaction& t) { text(d).insert(t, 0, "abc", format("bold")); },
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 3, format("bold", nullptr)); },
       [](Doc& d, Transaction& t) { text(d).insert(t, 3, "d"); }, R"([{"insert":"abcd"}])", "t"},
      {"text: one removes an embed, the other formats it",
       [](Doc& d, Transaction& t) { text(d).insert_embed(t, 0, Any(Any::Object{{"i", Any(1)}})); },
       [](Doc& d, Transaction& t) { text(d).remove(t, 0, 1); },
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 1, format("width", 5)); }, "[]", "t"},
  };
}

std::vector<Conflict> of_embeds() {
  constexpr auto k_embed = [](Doc& d, Transaction& t) {
    text(d).insert_embed(t, 0, Any(Any::Object{{"i", Any(1)}}));
  };
  return {
      {"embed: two insert an object at one place", nothing,
       [](Doc& d, Transaction& t) { text(d).insert_embed(t, 0, Any(Any::Object{{"l", Any(1)}})); },
       [](Doc& d, Transaction& t) { text(d).insert_embed(t, 0, Any(Any::Object{{"r", Any(1)}})); },
       R"([{"insert":{"l":1}},{"insert":{"r":1}}])", "t"},
      {"embed: two give one object different formats", k_embed,
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 1, format("width", 5)); },
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 1, format("width", 7)); },
       R"([{"insert":{"i":1},"attributes":{"width":7}}])", "t"},
      {"embed: one replaces an object, the other formats it", k_embed,
       [](Doc& d, Transaction& t) {
         text(d).remove(t, 0, 1);
         text(d).insert_embed(t, 0, Any(Any::Object{{"n", Any(1)}}));
       },
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 1, format("width", 5)); },
       R"([{"insert":{"n":1},"attributes":{"width":5}}])", "t"},
  };
}

std::vector<Conflict> of_subdocuments() {
  constexpr auto k_document = [](Doc& d, Transaction& t) {
    map(d).set_subdocument(t, "k", {.guid = "d", .meta = {}});
  };
  return {
      {"subdocument: one removes a document, the other puts it elsewhere too", k_document,
       [](Doc& d, Transaction& t) { map(d).erase(t, "k"); },
       [](Doc& d, Transaction& t) { map(d).set_subdocument(t, "n", {.guid = "d", .meta = {}}); },
       R"({"n":"d"})", "m"},
      {"subdocument: one removes a document, the other replaces it", k_document,
       [](Doc& d, Transaction& t) { map(d).erase(t, "k"); },
       [](Doc& d, Transaction& t) { map(d).set_subdocument(t, "k", {.guid = "r", .meta = {}}); },
       R"({"k":"r"})", "m"},
      {"subdocument: two put the same document into a list", nothing,
       [](Doc& d, Transaction& t) { array(d).insert_subdocument(t, 0, {.guid = "d", .meta = {}}); },
       [](Doc& d, Transaction& t) { array(d).insert_subdocument(t, 0, {.guid = "d", .meta = {}}); },
       R"(["d","d"])", "a"},
      {"subdocument: one removes the map that holds a document, the other adds one there",
       [](Doc& d, Transaction& t) {
         map(d).set_map(t, "k").set_subdocument(t, "d", {.guid = "d", .meta = {}});
       },
       [](Doc& d, Transaction& t) { map(d).erase(t, "k"); },
       [](Doc& d, Transaction& t) {
         map_in(d, "k").set_subdocument(t, "e", {.guid = "e", .meta = {}});
       },
       R"({})", "m"},
  };
}

std::vector<Conflict> of_undo() {
  return {
      {"undo: one undoes an insertion, the other inserts into it", six_letters,
       [](Doc& d, Transaction& t) { text(d).insert(t, 3, "new"); },
       [](Doc& d, Transaction& t) { text(d).insert(t, 4, "X"); }, R"([{"insert":"abcXdef"}])", "t",
       true},
      {"undo: one undoes an insertion, the other formats it", six_letters,
       [](Doc& d, Transaction& t) { text(d).insert(t, 3, "new"); },
       [](Doc& d, Transaction& t) { text(d).format(t, 2, 5, format("bold")); },
       R"([{"insert":"ab"},{"insert":"cd","attributes":{"bold":true}},{"insert":"ef"}])", "t",
       true},
      {"undo: one undoes a removal, the other inserts there", six_letters,
       [](Doc& d, Transaction& t) { text(d).remove(t, 1, 4); },
       [](Doc& d, Transaction& t) { text(d).insert(t, 1, "X"); }, R"([{"insert":"abcdeXf"}])", "t",
       true},
      {"undo: one undoes a format, the other inserts inside it", six_letters,
       [](Doc& d, Transaction& t) { text(d).format(t, 0, 6, format("bold")); },
       [](Doc& d, Transaction& t) { text(d).insert(t, 3, "X"); }, R"([{"insert":"abcXdef"}])", "t",
       true},
      {"undo: one undoes removing an element, the other inserts beside it", three_elements,
       [](Doc& d, Transaction& t) { array(d).remove(t, 1); },
       [](Doc& d, Transaction& t) { array(d).insert(t, 1, {Any("new")}); }, R"([1,2,"new",3])", "a",
       true},
      {"undo: one undoes setting a key, the other sets it", one_value,
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "left"); },
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "right"); }, R"({"k":"right"})", "m", true},
      {"undo: one undoes erasing a nested map, the other sets the key", inner_map,
       [](Doc& d, Transaction& t) { map(d).erase(t, "k"); },
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "right"); }, R"({"k":"right"})", "m", true},
      {"undo: one undoes making a nested map, the other edits within", nothing,
       [](Doc& d, Transaction& t) { map(d).set_map(t, "k").set(t, "old", 1); },
       [](Doc& d, Transaction& t) { map_in(d, "k").set(t, "new", 2); }, R"({})", "m", true},
      {"undo: one undoes removing a node, the other adds a node", two_nodes,
       [](Doc& d, Transaction& t) { xml(d).remove(t, 0); },
       [](Doc& d, Transaction& t) { xml(d).insert_element(t, 0, "r"); },
       R"("<p>words</p><r></r><q></q>")", "x", true},
  };
}

std::vector<Conflict> of_arrays() {
  return {
      {"array: two insert at one place", three_elements,
       [](Doc& d, Transaction& t) { array(d).insert(t, 1, {Any("l1"), Any("l2")}); },
       [](Doc& d, Transaction& t) { array(d).insert(t, 1, {Any("r1"), Any("r2")}); },
       R"([1,"l1","l2","r1","r2",2,3])", "a"},
      {"array: two append", three_elements,
       [](Doc& d, Transaction& t) { array(d).push(t, "left"); },
       [](Doc& d, Transaction& t) { array(d).push(t, "right"); }, R"([1,2,3,"left","right"])", "a"},
      {"array: two remove the same element", three_elements,
       [](Doc& d, Transaction& t) { array(d).remove(t, 1); },
       [](Doc& d, Transaction& t) { array(d).remove(t, 1); }, "[1,3]", "a"},
      {"array: one removes the element before which the other inserts", three_elements,
       [](Doc& d, Transaction& t) { array(d).remove(t, 1); },
       [](Doc& d, Transaction& t) { array(d).insert(t, 1, {Any("new")}); }, R"([1,"new",3])", "a"},
      {"array: two replace the same element", three_elements,
       [](Doc& d, Transaction& t) {
         array(d).remove(t, 1);
         array(d).insert(t, 1, {Any("left")});
       },
       [](Doc& d, Transaction& t) {
         array(d).remove(t, 1);
         array(d).insert(t, 1, {Any("right")});
       },
       R"([1,"left","right",3])", "a"},
      {"array: one removes a stretch, the other inserts into it", three_elements,
       [](Doc& d, Transaction& t) { array(d).remove(t, 0, 3); },
       [](Doc& d, Transaction& t) { array(d).insert(t, 2, {Any("new")}); }, R"(["new"])", "a"},
      {"array: two remove stretches that overlap", three_elements,
       [](Doc& d, Transaction& t) { array(d).remove(t, 0, 2); },
       [](Doc& d, Transaction& t) { array(d).remove(t, 1, 2); }, R"([])", "a"},
      {"array: two edit different elements that are maps",
       [](Doc& d, Transaction& t) {
         array(d).insert_map(t, 0);
         array(d).insert_map(t, 1);
       },
       [](Doc& d, Transaction& t) { std::get<Map>(*array(d).get(0)).set(t, "k", 1); },
       [](Doc& d, Transaction& t) { std::get<Map>(*array(d).get(1)).set(t, "k", 2); },
       R"([{"k":1},{"k":2}])", "a"},
      {"array: one removes a nested type, the other edits within",
       [](Doc& d, Transaction& t) { array(d).insert_map(t, 0); },
       [](Doc& d, Transaction& t) { array(d).remove(t, 0); },
       [](Doc& d, Transaction& t) { std::get<Map>(*array(d).get(0)).set(t, "k", 1); }, "[]", "a"},
  };
}

std::vector<Conflict> of_maps() {
  return {
      {"map: two set one key", one_value,
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "left"); },
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "right"); }, R"({"k":"right"})", "m"},
      {"map: one sets often, the other once", one_value,
       [](Doc& d, Transaction& t) {
         map(d).set(t, "k", "left");
         map(d).set(t, "k", "left, later");
       },
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "right"); }, R"({"k":"right"})", "m"},
      {"map: one erases what the other sets", one_value,
       [](Doc& d, Transaction& t) { map(d).erase(t, "k"); },
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "right"); }, R"({"k":"right"})", "m"},
      {"map: one clears, the other sets a new key", one_value,
       [](Doc& d, Transaction& t) { map(d).clear(t); },
       [](Doc& d, Transaction& t) { map(d).set(t, "n", 1); }, R"({"n":1})", "m"},
      {"map: two set different keys", nothing,
       [](Doc& d, Transaction& t) { map(d).set(t, "l", 1); },
       [](Doc& d, Transaction& t) { map(d).set(t, "r", 2); }, R"({"l":1,"r":2})", "m"},
      {"map: two make a nested map at one key", nothing,
       [](Doc& d, Transaction& t) { map(d).set_map(t, "k").set(t, "l", 1); },
       [](Doc& d, Transaction& t) { map(d).set_map(t, "k").set(t, "r", 2); }, R"({"k":{"r":2}})",
       "m"},
      {"map: one replaces a nested map, the other edits within", inner_map,
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "left"); },
       [](Doc& d, Transaction& t) { map_in(d, "k").set(t, "new", 2); }, R"({"k":"left"})", "m"},
      {"map: two edit different keys of a nested map", inner_map,
       [](Doc& d, Transaction& t) { map_in(d, "k").set(t, "l", 1); },
       [](Doc& d, Transaction& t) { map_in(d, "k").set(t, "r", 2); },
       R"({"k":{"l":1,"old":1,"r":2}})", "m"},
      {"map: two erase one key", one_value, [](Doc& d, Transaction& t) { map(d).erase(t, "k"); },
       [](Doc& d, Transaction& t) { map(d).erase(t, "k"); }, R"({})", "m"},
      {"map: one makes a text at a key, the other sets a value", nothing,
       [](Doc& d, Transaction& t) { map(d).set_text(t, "k", "words"); },
       [](Doc& d, Transaction& t) { map(d).set(t, "k", "right"); }, R"({"k":"right"})", "m"},
      {"map: two put a document at one key", nothing,
       [](Doc& d, Transaction& t) { map(d).set_subdocument(t, "k", {.guid = "left", .meta = {}}); },
       [](Doc& d, Transaction& t) {
         map(d).set_subdocument(t, "k", {.guid = "right", .meta = {}});
       },
       R"({"k":"right"})", "m"},
  };
}

std::vector<Conflict> of_xml() {
  return {
      {"xml: two insert a node at one place", two_nodes,
       [](Doc& d, Transaction& t) { xml(d).insert_element(t, 1, "l"); },
       [](Doc& d, Transaction& t) { xml(d).insert_element(t, 1, "r"); },
       R"("<p>words</p><l></l><r></r><q></q>")", "x"},
      {"xml: two set one attribute", two_nodes,
       [](Doc& d, Transaction& t) { element(d).set_attribute(t, "w", "left"); },
       [](Doc& d, Transaction& t) { element(d).set_attribute(t, "w", "right"); },
       R"("<p w=\"right\">words</p><q></q>")", "x"},
      {"xml: one removes a node, the other edits its text", two_nodes,
       [](Doc& d, Transaction& t) { xml(d).remove(t, 0); },
       [](Doc& d, Transaction& t) { std::get<XmlText>(*element(d).get(0)).insert(t, 0, "more "); },
       R"("<q></q>")", "x"},
      {"xml: one removes a node, the other inserts beside it", two_nodes,
       [](Doc& d, Transaction& t) { xml(d).remove(t, 0); },
       [](Doc& d, Transaction& t) { xml(d).insert_element(t, 1, "r"); }, R"("<r></r><q></q>")",
       "x"},
      {"xml: two remove the same node", two_nodes,
       [](Doc& d, Transaction& t) { xml(d).remove(t, 0); },
       [](Doc& d, Transaction& t) { xml(d).remove(t, 0); }, R"("<q></q>")", "x"},
      {"xml: one removes an attribute, the other sets it",
       [](Doc& d, Transaction& t) {
         two_nodes(d, t);
         element(d).set_attribute(t, "w", "old");
       },
       [](Doc& d, Transaction& t) { element(d).remove_attribute(t, "w"); },
       [](Doc& d, Transaction& t) { element(d).set_attribute(t, "w", "right"); },
       R"("<p w=\"right\">words</p><q></q>")", "x"},
      {"xml: one removes a node, the other adds a node within", two_nodes,
       [](Doc& d, Transaction& t) { xml(d).remove(t, 0); },
       [](Doc& d, Transaction& t) { element(d).insert_element(t, 0, "r"); }, R"("<q></q>")", "x"},
      {"xml: two format one word of a text differently", two_nodes,
       [](Doc& d, Transaction& t) {
         std::get<XmlText>(*element(d).get(0)).format(t, 0, 5, format("b", Any(Any::Object{})));
       },
       [](Doc& d, Transaction& t) {
         std::get<XmlText>(*element(d).get(0)).format(t, 0, 5, format("i", Any(Any::Object{})));
       },

       R"("<p><b><i>words</i></b></p><q></q>")", "x"},
  };
}

// The order in which keys came is nobody's matter here.
Any sorted(const Any& value) {
  if (value.if_object() == nullptr) {
    return value;
  }
  Any::Object members;
  for (const auto& [key, member] : *value.if_object()) {
    members.emplace_back(key, sorted(member));
  }
  std::ranges::sort(members, {}, &Any::Object::value_type::first);
  return Any(std::move(members));
}

Any step(const char* name, Any value, const TextAttributes& attributes) {
  Any::Object members{{name, std::move(value)}};
  if (!attributes.empty()) {
    members.emplace_back("attributes", Any(attributes));
  }
  return Any(std::move(members));
}

}  // namespace

const std::vector<Conflict>& conflicts() {
  static const std::vector<Conflict> all = [] {
    std::vector<Conflict> joined = of_texts();
    for (const auto& part :
         {of_embeds(), of_arrays(), of_maps(), of_xml(), of_subdocuments(), of_undo()}) {
      joined.insert(joined.end(), part.begin(), part.end());
    }
    return joined;
  }();
  return all;
}

void make_sides(const Conflict& conflict, Doc& one, Doc& two) {
  std::optional<UndoManager> manager;
  one.transact([&](Transaction& t) { conflict.before(one, t); });
  if (conflict.undone) {
    manager.emplace(one);
    one.transact([&](Transaction& t) { conflict.left(one, t); });
  }
  static_cast<void>(apply_update(two, encode_state_as_update(one)));
  if (manager) {
    static_cast<void>(manager->undo());
  } else {
    one.transact([&](Transaction& t) { conflict.left(one, t); });
  }
  two.transact([&](Transaction& t) { conflict.right(two, t); });
}

std::string shown(Doc& doc, std::string_view root) {
  if (root == "a") {
    return array(doc).to_any().to_json();
  }
  if (root == "m") {
    return sorted(map(doc).to_any()).to_json();
  }
  if (root == "x") {
    return Any(xml(doc).to_string()).to_json();
  }
  Any::Array steps;
  TextDelta joined;
  for (const auto& each : text(doc).to_delta()) {
    const auto* insert = std::get_if<InsertText>(&each);
    auto* last = joined.empty() ? nullptr : std::get_if<InsertText>(&joined.back());
    if (insert != nullptr && last != nullptr && insert->attributes == last->attributes) {
      last->utf8 += insert->utf8;  // marks that say nothing do not count
    } else {
      joined.push_back(each);
    }
  }
  for (const auto& each : joined) {
    if (const auto* insert = std::get_if<InsertText>(&each)) {
      steps.push_back(step("insert", Any(insert->utf8), insert->attributes));
    } else if (const auto* embed = std::get_if<InsertEmbed>(&each)) {
      steps.push_back(step("insert", embed->value.to_any(), embed->attributes));
    }
  }
  return Any(std::move(steps)).to_json();
}

}  // namespace vivim::crdt
