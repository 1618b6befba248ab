#include "vivim/crdt/engine_detail.hpp"

// The public handles: each call goes to the engine.
namespace vivim::crdt {

namespace {

template <class T>
std::optional<T> only(std::optional<Value> value) {
  if (!value) {
    return std::nullopt;
  }
  T* held = std::get_if<T>(&*value);
  return held == nullptr ? std::nullopt : std::optional<T>(std::move(*held));
}

Subscription observe_below(detail::Engine& engine, detail::TypeRef type,
                           std::function<void(const std::vector<Event>&)> observer) {
  engine.track_all();
  return engine.observers(type).deep.add(std::move(observer));
}

// Who sees a place that was deleted gets no handle of its own: a value that is undefined.
Value new_value(detail::Engine& engine, detail::TypeRef parent, detail::TypeRef fresh) {
  return parent == fresh ? Value() : engine.value_of_type(fresh);
}

}  // namespace

std::uint32_t Text::length() const {
  return engine_->length(type_);
}
std::string Text::to_string() const {
  return engine_->text_string(type_);
}
TextDelta Text::to_delta() const {
  return engine_->text_delta(type_);
}
void Text::insert(Transaction&, std::uint32_t index, std::string_view utf8) {
  engine_->text_insert(type_, index, utf8, nullptr);
}
void Text::insert(Transaction&, std::uint32_t index, std::string_view utf8,
                  const TextAttributes& attributes) {
  engine_->text_insert(type_, index, utf8, &attributes);
}
void Text::insert_embed(Transaction&, std::uint32_t index, const Any& embed,
                        const TextAttributes& attributes) {
  engine_->text_embed(type_, index, embed, attributes);
}
Value Text::insert_type(Transaction&, std::uint32_t index, const NewType& fresh,
                        const TextAttributes& attributes) {
  return new_value(*engine_, type_, engine_->text_insert_type(type_, index, fresh, attributes));
}
void Text::remove(Transaction&, std::uint32_t index, std::uint32_t length) {
  engine_->text_remove(type_, index, length);
}
void Text::format(Transaction&, std::uint32_t index, std::uint32_t length,
                  const TextAttributes& attributes) {
  engine_->text_format(type_, index, length, attributes);
}
void Text::apply_delta(Transaction&, const TextDelta& delta, FinalNewline final_newline) {
  engine_->text_apply(type_, delta, final_newline);
}
void Text::set_attribute(Transaction&, std::string_view name, const Any& value) {
  engine_->map_set(type_, name, value);
}
void Text::remove_attribute(Transaction&, std::string_view name) {
  engine_->map_erase(type_, name);
}
std::optional<Value> Text::attribute(std::string_view name) const {
  return engine_->map_get(type_, name);
}
Any::Object Text::attributes() const {
  return engine_->map_values(type_);
}
Subscription Text::observe(std::function<void(const TextEvent&)> observer) {
  return engine_->observers(type_).text.add(std::move(observer));
}
Subscription Text::observe_deep(std::function<void(const std::vector<Event>&)> observer) {
  return observe_below(*engine_, type_, std::move(observer));
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
void Array::push(Transaction&, std::vector<Any> values) {
  engine_->list_push(type_, std::move(values));
}
void Array::unshift(Transaction&, std::vector<Any> values) {
  engine_->list_insert(type_, 0, std::move(values));
}
std::vector<Value> Array::slice(std::int64_t start, std::int64_t end) const {
  return engine_->list_slice(type_, start, end);
}
std::vector<Value> Array::slice(std::int64_t start) const {
  return slice(start, length());
}
Value Array::insert_type(Transaction&, std::uint32_t index, const NewType& fresh) {
  return new_value(*engine_, type_, engine_->list_insert_type(type_, index, fresh));
}
Subdocument Array::insert_subdocument(Transaction&, std::uint32_t index,
                                      const SubdocumentOptions& options) {
  return engine_->subdocument_handle(engine_->list_insert_document(type_, index, options));
}
Text Array::insert_text(Transaction& transaction, std::uint32_t index, std::string_view utf8) {
  Text text = engine_->text(
      engine_->list_insert_type(type_, index, {.type = SharedType::text, .name = {}}));
  text.insert(transaction, 0, utf8);
  return text;
}
Map Array::insert_map(Transaction&, std::uint32_t index) {
  return engine_->map(
      engine_->list_insert_type(type_, index, {.type = SharedType::map, .name = {}}));
}
Array Array::insert_array(Transaction&, std::uint32_t index) {
  return engine_->array(
      engine_->list_insert_type(type_, index, {.type = SharedType::array, .name = {}}));
}
void Array::remove(Transaction&, std::uint32_t index, std::uint32_t length) {
  engine_->list_remove(type_, index, length);
}
Subscription Array::observe(std::function<void(const ArrayEvent&)> observer) {
  return engine_->observers(type_).array.add(std::move(observer));
}
Subscription Array::observe_deep(std::function<void(const std::vector<Event>&)> observer) {
  return observe_below(*engine_, type_, std::move(observer));
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
  Text text =
      engine_->text(engine_->map_set_type(type_, key, {.type = SharedType::text, .name = {}}));
  text.insert(transaction, 0, utf8);
  return text;
}
Map Map::set_map(Transaction&, std::string_view key) {
  return engine_->map(engine_->map_set_type(type_, key, {.type = SharedType::map, .name = {}}));
}
Array Map::set_array(Transaction&, std::string_view key) {
  return engine_->array(engine_->map_set_type(type_, key, {.type = SharedType::array, .name = {}}));
}
Value Map::set_type(Transaction&, std::string_view key, const NewType& fresh) {
  return new_value(*engine_, type_, engine_->map_set_type(type_, key, fresh));
}
Subdocument Map::set_subdocument(Transaction&, std::string_view key,
                                 const SubdocumentOptions& options) {
  return engine_->subdocument_handle(engine_->map_set_document(type_, key, options));
}
void Map::erase(Transaction&, std::string_view key) {
  engine_->map_erase(type_, key);
}
void Map::clear(Transaction&) {
  engine_->map_clear(type_);
}
Subscription Map::observe(std::function<void(const MapEvent&)> observer) {
  return engine_->observers(type_).map.add(std::move(observer));
}
Subscription Map::observe_deep(std::function<void(const std::vector<Event>&)> observer) {
  return observe_below(*engine_, type_, std::move(observer));
}

Any Value::to_any() const {
  return std::visit(
      [](const auto& held) -> Any {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, Any>) {
          return held;
        } else if constexpr (std::is_same_v<Held, Subdocument>) {
          return Any(held.guid());
        } else if constexpr (requires { held.to_any(); }) {
          return held.to_any();
        } else {
          return Any(held.to_string());
        }
      },
      static_cast<const Base&>(*this));
}

std::string Subdocument::guid() const {
  return options().guid;
}
SubdocumentOptions Subdocument::options() const {
  const auto* entry = engine_->subdocument(id_);
  return entry == nullptr ? SubdocumentOptions{} : entry->options;
}
bool Subdocument::should_load() const {
  const auto* entry = engine_->subdocument(id_);
  return entry != nullptr && entry->should_load;
}
void Subdocument::load() {
  engine_->load_subdocument(id_);
}
void Subdocument::unload() {
  engine_->unload_subdocument(id_);
}

}  // namespace vivim::crdt
