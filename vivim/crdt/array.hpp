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
#include "vivim/crdt/type_kind.hpp"

namespace vivim::crdt {

struct ArrayEvent;
struct Event;
struct InsertElements;
class Subdocument;
struct SubdocumentOptions;
struct Value;

/// Steps from an old list to a new one; the steps are in event.hpp.
using ArrayDelta = std::vector<std::variant<Retain, InsertElements, Remove>>;

/// A light handle of a shared array.
class Array {
 public:
  std::uint32_t length() const;
  std::optional<Value> get(std::uint32_t index) const;
  /// Elements from `start` up to `end`; negative ones count from the end.
  std::vector<Value> slice(std::int64_t start, std::int64_t end) const;
  /// The same up to the end.
  std::vector<Value> slice(std::int64_t start = 0) const;
  /// Calls `visit` for every element in order. It must not edit the document.
  void for_each(const std::function<void(const Value& value)>& visit) const;
  /// Nested types as plain values, all the way down.
  Any to_any() const;

  /// Inserts before `index` (beyond the end: at the end).
  void insert(Transaction& transaction, std::uint32_t index, std::vector<Any> values);
  /// Inserts behind everything, deleted elements too.
  void push(Transaction& transaction, Any value);
  void push(Transaction& transaction, std::vector<Any> values);
  void unshift(Transaction& transaction, std::vector<Any> values);
  Text insert_text(Transaction& transaction, std::uint32_t index, std::string_view utf8 = {});
  Map insert_map(Transaction& transaction, std::uint32_t index);
  Array insert_array(Transaction& transaction, std::uint32_t index);
  Value insert_type(Transaction& transaction, std::uint32_t index, const NewType& fresh);
  Subdocument insert_subdocument(Transaction& transaction, std::uint32_t index,
                                 const SubdocumentOptions& options);
  /// Removes `length` elements from `index`; what lies beyond the end is ignored.
  void remove(Transaction& transaction, std::uint32_t index, std::uint32_t length = 1);

  /// Calls `observer` after every transaction that changed this array itself.
  Subscription observe(std::function<void(const ArrayEvent&)> observer);
  /// The same for this array and the types within, one call a transaction.
  Subscription observe_deep(std::function<void(const std::vector<Event>&)> observer);

  friend bool operator==(const Array&, const Array&) = default;

 private:
  friend class detail::Engine;
  Array(detail::Engine& engine, std::uint32_t type) : engine_(&engine), type_(type) {}
  detail::Engine* engine_;
  std::uint32_t type_;
};

}  // namespace vivim::crdt
