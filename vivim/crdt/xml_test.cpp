#include "vivim/crdt/xml.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/event.hpp"
#include "vivim/crdt/peers_detail.hpp"

// XML. The names are those of Yjs' own tests (y-xml.tests.js).
namespace vivim::crdt {

TEST_CASE("testSetProperty, testHasProperty") {
  Peers peers(2);
  XmlElement xml0 = peers.xml(0);
  XmlElement xml1 = peers.xml(1);
  edit(peers[0], [&](auto& t) { xml0.set_attribute(t, "height", "10"); });
  CHECK(xml0.attribute("height") == std::optional<Value>(Any("10")));
  peers.sync();
  CHECK(xml1.attribute("height") == std::optional<Value>(Any("10")));
  CHECK(xml1.has_attribute("height"));
  edit(peers[0], [&](auto& t) { xml0.remove_attribute(t, "height"); });
  CHECK_FALSE(xml0.has_attribute("height"));
  peers.sync();
  CHECK_FALSE(xml1.has_attribute("height"));
  CHECK(peers.equal());
}

TEST_CASE("testEvents") {
  Peers peers(2);
  XmlElement xml = peers.xml(0);
  std::vector<std::string> told;
  const auto watch = [&](const XmlEvent& event) {
    std::string line = event.delta.empty() ? "" : "children ";
    for (const MapChange& change : event.attributes) {
      line += change.key;
    }
    told.push_back(line);
  };
  const auto local = xml.observe(watch);
  const auto remote = peers.xml(1).observe(watch);
  edit(peers[0], [&](auto& t) { xml.set_attribute(t, "key", "value"); });
  peers.sync();
  edit(peers[0], [&](auto& t) { xml.remove_attribute(t, "key"); });
  peers.sync();
  edit(peers[0], [&](auto& t) { xml.insert_text(t, 0, "some text"); });
  peers.sync();
  edit(peers[0], [&](auto& t) { xml.remove(t, 0); });
  peers.sync();
  CHECK(told == std::vector<std::string>{"key", "key", "key", "key", "children ", "children ",
                                         "children ", "children "});
  CHECK(peers.equal());
}

TEST_CASE("testTreewalker") {
  Peers peers(1);
  XmlElement xml = peers.xml(0);
  std::vector<XmlElement> paragraphs;
  edit(peers[0], [&](auto& t) {
    paragraphs = {xml.insert_element(t, 0, "p"), xml.insert_element(t, 1, "p")};
    paragraphs[0].insert_text(t, 0, "init");
    paragraphs[0].insert_text(t, 1, "text");
    xml.insert_element(t, 2, "img");
  });
  CHECK(xml.query_selector_all("P") == paragraphs);
  CHECK(xml.query_selector("p") == paragraphs[0]);
  CHECK_FALSE(xml.query_selector("table").has_value());
  CHECK(xml.walk().size() == 5);
  CHECK(xml.walk([](const Value& node) { return node.if_xml_text() != nullptr; }).size() == 2);
  edit(peers[0], [&](auto& t) { xml.remove(t, 0); });
  CHECK(xml.walk().size() == 2);
}

TEST_CASE("testSiblings") {
  Doc doc(ClientId{1});
  XmlFragment xml = doc.xml_fragment("");
  std::optional<XmlText> first;
  std::optional<XmlElement> second;
  edit(doc, [&](auto& t) {
    first = xml.insert_text(t, 0);
    xml.insert_element(t, 1, "gone");
    second = xml.insert_element(t, 2, "p");
    xml.remove(t, 1);
  });
  CHECK(first->next_sibling() == std::optional<Value>(*second));
  CHECK(second->previous_sibling() == std::optional<Value>(*first));
  CHECK_FALSE(first->previous_sibling().has_value());
  CHECK_FALSE(second->next_sibling().has_value());
  CHECK(first->parent() == std::optional<Value>(xml));
  CHECK_FALSE(doc.xml_element("root").parent().has_value());
  CHECK(xml.first_child() == std::optional<Value>(*first));
}

TEST_CASE("testInsertafter") {
  Doc doc(ClientId{1});
  XmlFragment xml = doc.xml_fragment("");
  const NewType text{.type = SharedType::xml_text, .name = {}};
  const NewType paragraph{.type = SharedType::xml_element, .name = "p"};
  std::vector<Value> nodes;
  edit(doc, [&](auto& t) {
    nodes.push_back(xml.insert_after(t, std::nullopt, text));
    nodes.push_back(xml.insert_after(t, nodes[0], paragraph));
    nodes.push_back(xml.insert_after(t, nodes[1], paragraph));
    nodes.push_back(xml.insert_after(t, nodes[0], text));
  });
  CHECK(xml.slice(0, 4) == std::vector<Value>{nodes[0], nodes[3], nodes[1], nodes[2]});
  XmlElement second = std::get<XmlElement>(nodes[1]);
  edit(doc, [&](auto& t) { second.insert_after(t, nodes[0], text); });  // not a child of it
  CHECK(second.length() == 0);
}

TEST_CASE("testFormattingBug") {
  Doc doc(ClientId{1});
  XmlText text = doc.xml_text("");
  const Any none(Any::Object{});
  const TextDelta delta{InsertText{"A", {{"em", none}, {"strong", none}}},
                        InsertText{"B", {{"em", none}}},
                        InsertText{"C", {{"em", none}, {"strong", none}}}};
  edit(doc, [&](auto& t) { text.apply_delta(t, delta); });
  CHECK(text.to_delta() == delta);
  CHECK(text.to_string() == "<em><strong>A</strong></em><em>B</em><em><strong>C</strong></em>");
}

TEST_CASE("testElement, testYtextAttributes: names, attributes and hooks as Yjs writes them") {
  Doc doc(ClientId{1});
  XmlElement xml = doc.xml_element("x");
  std::optional<XmlHook> hook;
  edit(doc, [&](auto& t) {
    XmlElement child = xml.insert_element(t, 0, "DIV");
    child.set_attribute(t, "z", true);
    child.set_attribute(t, "a", 1.5);
    child.set_attribute(t, "m", Any(Any::Array{Any(1), Any(nullptr), Any("x")}));
    child.insert_text(t, 0, "one").format(t, 0, 2, {{"a", Any(Any::Object{{"href", Any("u")}})}});
    hook =
        std::get<XmlHook>(xml.insert_type(t, 1, {.type = SharedType::xml_hook, .name = "chart"}));
    hook->set(t, "data", 1);
  });
  CHECK(xml.to_string() ==
        R"(<undefined><div a="1.5" m="1,,x" z="true"><a href="u">on</a>e</div>[object Object])"
        "</undefined>");
  CHECK(hook->name() == "chart");
  CHECK(std::get<XmlElement>(*xml.get(0)).name() == "DIV");
  Doc copy(ClientId{2});
  REQUIRE(apply_update(copy, encode_state_as_update(doc)));
  CHECK(copy.xml_element("x").to_string() == xml.to_string());
  CHECK(encode_state_as_update(copy) == encode_state_as_update(doc));
}

TEST_CASE("xml: deep trees are walked and written without falling") {
  Doc doc(ClientId{1});
  XmlFragment root = doc.xml_fragment("x");
  edit(doc, [&](auto& t) {
    XmlElement at = root.insert_element(t, 0, "d");
    for (int i = 0; i < 10'000; ++i) {
      at = at.insert_element(t, 0, "d");
    }
  });
  CHECK(root.walk().size() == 10'001);
  CHECK(root.to_string().starts_with("<d><d>"));
}

}  // namespace vivim::crdt
