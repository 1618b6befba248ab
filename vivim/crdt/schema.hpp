#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/event.hpp"
#include "vivim/crdt/value.hpp"

/// A typed view of documents: the keys of a kind of map, and the types of what they hold, are
/// written once.
///
///     struct Turn {
///       static constexpr Key<Turn, std::string> role{"role"};
///       static constexpr Key<Turn, Text> text{"text"};
///     };
///     struct Conversation {  // the roots of a document
///       static constexpr Key<Conversation, Dictionary<View<Turn>>> turns{"turns"};
///     };
///
///     auto turn = root(doc, Conversation::turns).make(t, "first");
///     turn.set(t, Turn::role, "user");
///
/// A value of another type than its key says reads as absent: documents come from anybody.
namespace vivim::crdt {

/// A key of the maps that `Of` describes, and the type of its value.
template <class Of, class T>
struct Key {
  std::string_view name;
};

/// How a type is held by a document: `read` for what is there, and either `write` for plain values
/// or `make` for nested types.
template <class T>
struct Held;

template <class T>
concept PlainHeld = requires(const T& value) {
  { Held<T>::write(value) } -> std::same_as<Any>;
};
template <class T>
concept NestedHeld = requires(Map map, Array array, Doc& doc, Transaction& t) {
  { Held<T>::make(map, t, std::string_view()) } -> std::same_as<T>;
  { Held<T>::make(array, t, std::uint32_t()) } -> std::same_as<T>;
  { Held<T>::root(doc, std::string_view()) } -> std::same_as<T>;
};

/// A map whose keys `Of` describes.
template <class Of>
class View {
 public:
  explicit View(Map map) : map_(map) {}
  const Map& map() const { return map_; }

  template <class T>
  std::optional<T> get(Key<Of, T> key) const {
    const auto value = map_.get(key.name);
    return value ? Held<T>::read(*value) : std::nullopt;
  }
  template <PlainHeld T>
  T get_or(Key<Of, T> key, std::type_identity_t<T> otherwise) const {
    return get(key).value_or(std::move(otherwise));
  }
  template <PlainHeld T>
  void set(Transaction& t, Key<Of, T> key, const std::type_identity_t<T>& value) {
    map_.set(t, key.name, Held<T>::write(value));
  }
  /// A new nested type in place of what was there.
  template <NestedHeld T>
  T make(Transaction& t, Key<Of, T> key) {
    return Held<T>::make(map_, t, key.name);
  }
  /// The nested type, made if there is none.
  template <NestedHeld T>
  T get_or_make(Transaction& t, Key<Of, T> key) {
    const auto there = get(key);
    return there ? *there : make(t, key);
  }
  template <class T>
  void erase(Transaction& t, Key<Of, T> key) {
    map_.erase(t, key.name);
  }
  /// Calls `observer` after every transaction that changed this key, with what it was.
  template <class T>
  Subscription observe(
      Key<Of, T> key,
      std::type_identity_t<std::function<void(const std::optional<T>& before)>> observer) {
    return map_.observe([name = key.name, observer = std::move(observer)](const MapEvent& event) {
      for (const MapChange& change : event.changes) {
        if (change.key == name) {
          observer(change.action == MapAction::add ? std::nullopt
                                                   : Held<T>::read(change.old_value));
        }
      }
    });
  }

  friend bool operator==(const View&, const View&) = default;

 private:
  Map map_;
};

/// A map from any keys to values of one type. Values of other types are passed over.
template <class T>
class Dictionary {
 public:
  explicit Dictionary(Map map) : map_(map) {}
  const Map& map() const { return map_; }

  std::optional<T> get(std::string_view key) const {
    const auto value = map_.get(key);
    return value ? Held<T>::read(*value) : std::nullopt;
  }
  void set(Transaction& t, std::string_view key, const T& value)
    requires PlainHeld<T>
  {
    map_.set(t, key, Held<T>::write(value));
  }
  T make(Transaction& t, std::string_view key)
    requires NestedHeld<T>
  {
    return Held<T>::make(map_, t, key);
  }
  void erase(Transaction& t, std::string_view key) { map_.erase(t, key); }
  void for_each(const std::function<void(std::string_view key, const T& value)>& visit) const {
    map_.for_each([&](std::string_view key, const Value& value) {
      if (const auto held = Held<T>::read(value)) {
        visit(key, *held);
      }
    });
  }

  friend bool operator==(const Dictionary&, const Dictionary&) = default;

 private:
  Map map_;
};

/// An array of values of one type. Values of other types are passed over.
template <class T>
class List {
 public:
  explicit List(Array array) : array_(array) {}
  const Array& array() const { return array_; }

  std::uint32_t length() const { return array_.length(); }
  std::optional<T> get(std::uint32_t index) const {
    const auto value = array_.get(index);
    return value ? Held<T>::read(*value) : std::nullopt;
  }
  void push(Transaction& t, const T& value)
    requires PlainHeld<T>
  {
    array_.push(t, Held<T>::write(value));
  }
  T make(Transaction& t, std::uint32_t index)
    requires NestedHeld<T>
  {
    return Held<T>::make(array_, t, index);
  }
  void remove(Transaction& t, std::uint32_t index) { array_.remove(t, index); }
  void for_each(const std::function<void(const T& value)>& visit) const {
    array_.for_each([&](const Value& value) {
      if (const auto held = Held<T>::read(value)) {
        visit(*held);
      }
    });
  }

  friend bool operator==(const List&, const List&) = default;

 private:
  Array array_;
};

/// A root of a document whose roots `Of` describes.
template <class Of, NestedHeld T>
T root(Doc& doc, Key<Of, T> key) {
  return Held<T>::root(doc, key.name);
}

namespace detail {

/// Plain values that an Any holds as themselves.
template <class T>
struct HeldInAny {
  static Any write(const T& value) { return Any(value); }
  static std::optional<T> read(const Value& value) {
    const Any* any = value.if_any();
    const T* held = any == nullptr ? nullptr : std::get_if<T>(&any->variant());
    return held == nullptr ? std::nullopt : std::optional(*held);
  }
};

/// Views of a map.
template <class T>
struct HeldAsMap {
  static std::optional<T> read(const Value& value) {
    return value.if_map() == nullptr ? std::nullopt : std::optional(T(*value.if_map()));
  }
  static T make(Map map, Transaction& t, std::string_view key) { return T(map.set_map(t, key)); }
  static T make(Array array, Transaction& t, std::uint32_t index) {
    return T(array.insert_map(t, index));
  }
  static T root(Doc& doc, std::string_view name) { return T(doc.map(name)); }
};

}  // namespace detail

template <>
struct Held<std::string> : detail::HeldInAny<std::string> {};
template <>
struct Held<double> : detail::HeldInAny<double> {};
template <>
struct Held<bool> : detail::HeldInAny<bool> {};
template <>
struct Held<Bytes> : detail::HeldInAny<Bytes> {};
template <>
struct Held<Any> {
  static Any write(const Any& value) { return value; }
  static std::optional<Any> read(const Value& value) {
    return value.if_any() == nullptr ? std::nullopt : std::optional(*value.if_any());
  }
};
template <class Of>
struct Held<View<Of>> : detail::HeldAsMap<View<Of>> {};
template <class T>
struct Held<Dictionary<T>> : detail::HeldAsMap<Dictionary<T>> {};
template <class T>
struct Held<List<T>> {
  static std::optional<List<T>> read(const Value& value) {
    return value.if_array() == nullptr ? std::nullopt : std::optional(List<T>(*value.if_array()));
  }
  static List<T> make(Map map, Transaction& t, std::string_view key) {
    return List<T>(map.set_array(t, key));
  }
  static List<T> make(Array array, Transaction& t, std::uint32_t index) {
    return List<T>(array.insert_array(t, index));
  }
  static List<T> root(Doc& doc, std::string_view name) { return List<T>(doc.array(name)); }
};
template <>
struct Held<Text> {
  static std::optional<Text> read(const Value& value) {
    return value.if_text() == nullptr ? std::nullopt : std::optional(*value.if_text());
  }
  static Text make(Map map, Transaction& t, std::string_view key) { return map.set_text(t, key); }
  static Text make(Array array, Transaction& t, std::uint32_t index) {
    return array.insert_text(t, index);
  }
  static Text root(Doc& doc, std::string_view name) { return doc.text(name); }
};

}  // namespace vivim::crdt
