#include "vivim/crdt/engine_detail.hpp"

// The public handles of XML nodes: each call goes to the engine.
namespace vivim::crdt {

namespace {

using Direction = detail::Engine::Direction;

char upper_case(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, upper_case, upper_case);
}

}  // namespace

std::uint32_t XmlFragment::length() const {
  return engine_->length(type_);
}
std::optional<Value> XmlFragment::get(std::uint32_t index) const {
  return engine_->list_get(type_, index);
}
std::optional<Value> XmlFragment::first_child() const {
  return engine_->xml_first_child(type_);
}
std::vector<Value> XmlFragment::slice(std::int64_t start, std::int64_t end) const {
  return engine_->list_slice(type_, start, end);
}
void XmlFragment::for_each(const std::function<void(const Value&)>& visit) const {
  engine_->list_each(type_, visit);
}
std::string XmlFragment::to_string() const {
  return engine_->xml_string(type_);
}
XmlElement XmlFragment::insert_element(Transaction&, std::uint32_t index, std::string_view name) {
  return engine_->xml_element(engine_->list_insert_type(
      type_, index, {.type = SharedType::xml_element, .name = std::string(name)}));
}
XmlText XmlFragment::insert_text(Transaction& transaction, std::uint32_t index,
                                 std::string_view utf8) {
  XmlText text = engine_->xml_text(
      engine_->list_insert_type(type_, index, {.type = SharedType::xml_text, .name = {}}));
  text.insert(transaction, 0, utf8);
  return text;
}
Value XmlFragment::insert_type(Transaction&, std::uint32_t index, const NewType& fresh) {
  return engine_->value_of_type(engine_->list_insert_type(type_, index, fresh));
}
Value XmlFragment::insert_after(Transaction&, const std::optional<Value>& node,
                                const NewType& fresh) {
  detail::TypeRef child = detail::k_none;
  if (node) {
    std::visit(
        [&]<class Held>(const Held& held) {
          if constexpr (!std::is_same_v<Held, Any> && !std::is_same_v<Held, Subdocument>) {
            child = detail::Engine::type_of(held);
          }
        },
        static_cast<const Value::Base&>(*node));
  }
  return engine_->value_of_type(engine_->list_insert_type_after(type_, child, fresh));
}
void XmlFragment::remove(Transaction&, std::uint32_t index, std::uint32_t length) {
  engine_->list_remove(type_, index, length);
}
std::vector<Value> XmlFragment::walk(const XmlFilter& filter) const {
  return engine_->xml_walk(type_, filter);
}
std::vector<XmlElement> XmlFragment::query_selector_all(std::string_view name) const {
  std::vector<XmlElement> found;
  for (const Value& node : walk()) {
    if (const XmlElement* element = node.if_xml_element();
        element != nullptr && same_name(element->name(), name)) {
      found.push_back(*element);
    }
  }
  return found;
}
std::optional<XmlElement> XmlFragment::query_selector(std::string_view name) const {
  const auto found = query_selector_all(name);
  return found.empty() ? std::nullopt : std::optional(found.front());
}
Subscription XmlFragment::observe(std::function<void(const XmlEvent&)> observer) {
  return engine_->observers(type_).xml.add(std::move(observer));
}
Subscription XmlFragment::observe_deep(std::function<void(const std::vector<Event>&)> observer) {
  engine_->track_all();
  return engine_->observers(type_).deep.add(std::move(observer));
}

std::string XmlElement::name() const {
  return engine_->xml_name(type_);
}
std::optional<Value> XmlElement::attribute(std::string_view name) const {
  return engine_->map_get(type_, name);
}
bool XmlElement::has_attribute(std::string_view name) const {
  return attribute(name).has_value();
}
Any::Object XmlElement::attributes() const {
  return engine_->map_values(type_);
}
void XmlElement::set_attribute(Transaction&, std::string_view name, const Any& value) {
  engine_->map_set(type_, name, value);
}
void XmlElement::remove_attribute(Transaction&, std::string_view name) {
  engine_->map_erase(type_, name);
}
std::optional<Value> XmlElement::next_sibling() const {
  return engine_->xml_sibling(type_, Direction::next);
}
std::optional<Value> XmlElement::previous_sibling() const {
  return engine_->xml_sibling(type_, Direction::previous);
}
std::optional<Value> XmlElement::parent() const {
  return engine_->xml_parent(type_);
}

std::string XmlText::to_string() const {
  return engine_->xml_string(type_);
}
std::optional<Value> XmlText::next_sibling() const {
  return engine_->xml_sibling(type_, Direction::next);
}
std::optional<Value> XmlText::previous_sibling() const {
  return engine_->xml_sibling(type_, Direction::previous);
}
std::optional<Value> XmlText::parent() const {
  return engine_->xml_parent(type_);
}

std::string XmlHook::name() const {
  return engine_->xml_name(type_);
}

}  // namespace vivim::crdt
