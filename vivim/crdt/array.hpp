#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/subscription.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/transaction.hpp"

namespace vivim::crdt {

struct ArrayEvent;
struct Value;

/// A light handle of a shared array.
class Array {
 public:
  std::uint32_t length() const;
  std::optional<Value> get(std::uint32_t index) const;
  /// Calls `visit` for every element in order. It must not edit the document.
  void for_each(const std::function<void(const Value& value)>& visit) const;
  /// Nested types as plain values, all the way down.
  Any to_any() const;

  /// Inserts before `index` (beyond the end: at the end).
  void insert(Transaction& transaction, std::uint32_t index, std::vector<Any> values);
  void push(Transaction& transaction, Any value);
  Text insert_text(Transaction& transaction, std::uint32_t index, std::string_view utf8 = {});
  Map insert_map(Transaction& transaction, std::uint32_t index);
  Array insert_array(Transaction& transaction, std::uint32_t index);
  /// Removes `length` elements from `index`; what lies beyond the end is ignored.
  void remove(Transaction& transaction, std::uint32_t index, std::uint32_t length = 1);

  /// Calls `observer` after every transaction that changed this array itself.
  Subscription observe(std::function<void(const ArrayEvent&)> observer);

  friend bool operator==(const Array&, const Array&) = default;

 private:
  friend class detail::Engine;
  Array(detail::Engine& engine, std::uint32_t type) : engine_(&engine), type_(type) {}
  detail::Engine* engine_;
  std::uint32_t type_;
};

/// New elements: read them from the array at the position that the steps before add up to.
struct InsertElements {
  std::uint32_t count = 0;
  friend bool operator==(const InsertElements&, const InsertElements&) = default;
};
using ArrayDelta = std::vector<std::variant<Retain, InsertElements, Remove>>;

/// What a transaction did to an array. `delta` has no trailing retain.
struct ArrayEvent {
  Array target;
  ArrayDelta delta;
  Origin origin;
};

}  // namespace vivim::crdt
