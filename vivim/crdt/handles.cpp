#include "vivim/crdt/engine_detail.hpp"

// The public handles: each call goes to the engine.
namespace vivim::crdt {

using detail::TypeKind;

namespace {

template <class Event>
Subscription subscribe(std::unique_ptr<detail::Observers<const Event&>>& list,
                       std::function<void(const Event&)> observer) {
  if (!list) {
    list = std::make_unique<detail::Observers<const Event&>>();
  }
  return list->add(std::move(observer));
}

template <class T>
std::optional<T> only(std::optional<Value> value) {
  if (!value) {
    return std::nullopt;
  }
  T* held = std::get_if<T>(&*value);
  return held == nullptr ? std::nullopt : std::optional<T>(std::move(*held));
}

}  // namespace

std::uint32_t Text::length() const {
  return engine_->length(type_);
}
std::string Text::to_string() const {
  return engine_->text_string(type_);
}
void Text::insert(Transaction&, std::uint32_t index, std::string_view utf8) {
  engine_->text_insert(type_, index, utf8);
}
void Text::remove(Transaction&, std::uint32_t index, std::uint32_t length) {
  engine_->text_remove(type_, index, length);
}
Subscription Text::observe(std::function<void(const TextEvent&)> observer) {
  return subscribe(engine_->type(type_).text_observers, std::move(observer));
}

std::uint32_t Array::length() const {
  return engine_->length(type_);
}
std::optional<Value> Array::get(std::uint32_t index) const {
  return engine_->list_get(type_, index);
}
void Array::for_each(const std::function<void(const Value&)>& visit) const {
  engine_->list_each(type_, visit);
}
Any Array::to_any() const {
  return engine_->to_any(type_);
}
void Array::insert(Transaction&, std::uint32_t index, std::vector<Any> values) {
  engine_->list_insert(type_, index, std::move(values));
}
void Array::push(Transaction&, Any value) {
  std::vector<Any> values;
  values.push_back(std::move(value));
  engine_->list_push(type_, std::move(values));
}
Text Array::insert_text(Transaction& transaction, std::uint32_t index, std::string_view utf8) {
  Text text = engine_->text(engine_->list_insert_type(type_, index, TypeKind::text));
  text.insert(transaction, 0, utf8);
  return text;
}
Map Array::insert_map(Transaction&, std::uint32_t index) {
  return engine_->map(engine_->list_insert_type(type_, index, TypeKind::map));
}
Array Array::insert_array(Transaction&, std::uint32_t index) {
  return engine_->array(engine_->list_insert_type(type_, index, TypeKind::array));
}
void Array::remove(Transaction&, std::uint32_t index, std::uint32_t length) {
  engine_->list_remove(type_, index, length);
}
Subscription Array::observe(std::function<void(const ArrayEvent&)> observer) {
  return subscribe(engine_->type(type_).array_observers, std::move(observer));
}

std::size_t Map::size() const {
  return engine_->map_size(type_);
}
bool Map::contains(std::string_view key) const {
  return get(key).has_value();
}
std::optional<Value> Map::get(std::string_view key) const {
  return engine_->map_get(type_, key);
}
std::optional<Any> Map::get_any(std::string_view key) const {
  return only<Any>(get(key));
}
std::optional<std::string> Map::get_string(std::string_view key) const {
  auto value = get_any(key);
  if (!value || !value->is_string()) {
    return std::nullopt;
  }
  return std::get<std::string>(std::move(value->variant()));
}
std::optional<Text> Map::get_text(std::string_view key) const {
  return only<Text>(get(key));
}
std::optional<Map> Map::get_map(std::string_view key) const {
  return only<Map>(get(key));
}
std::optional<Array> Map::get_array(std::string_view key) const {
  return only<Array>(get(key));
}
void Map::for_each(
    const std::function<void(std::string_view key, const Value& value)>& visit) const {
  engine_->map_each(type_, visit);
}
Any Map::to_any() const {
  return engine_->to_any(type_);
}
void Map::set(Transaction&, std::string_view key, Any value) {
  engine_->map_set(type_, key, value);
}
Text Map::set_text(Transaction& transaction, std::string_view key, std::string_view utf8) {
  Text text = engine_->text(engine_->map_set_type(type_, key, TypeKind::text));
  text.insert(transaction, 0, utf8);
  return text;
}
Map Map::set_map(Transaction&, std::string_view key) {
  return engine_->map(engine_->map_set_type(type_, key, TypeKind::map));
}
Array Map::set_array(Transaction&, std::string_view key) {
  return engine_->array(engine_->map_set_type(type_, key, TypeKind::array));
}
void Map::erase(Transaction&, std::string_view key) {
  engine_->map_erase(type_, key);
}
Subscription Map::observe(std::function<void(const MapEvent&)> observer) {
  return subscribe(engine_->type(type_).map_observers, std::move(observer));
}

Any Value::to_any() const {
  if (const Any* plain = if_any()) {
    return *plain;
  }
  if (const Text* text = if_text()) {
    return Any(text->to_string());
  }
  return if_map() != nullptr ? if_map()->to_any() : if_array()->to_any();
}

}  // namespace vivim::crdt
