#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/subscription.hpp"
#include "vivim/crdt/transaction.hpp"
#include "vivim/crdt/type_kind.hpp"

namespace vivim::crdt {

class Array;
class Text;
class Subdocument;
struct Event;
struct MapEvent;
struct SubdocumentOptions;
struct Value;

/// A light handle of a shared map from strings to values. Of concurrent writes to one key the
/// highest client id wins.
class Map {
 public:
  std::size_t size() const;
  bool contains(std::string_view key) const;
  std::optional<Value> get(std::string_view key) const;
  /// The plain value of `key`; nothing if it is absent or a nested type.
  std::optional<Any> get_any(std::string_view key) const;
  /// The string value of `key`; nothing if it is absent or something else.
  std::optional<std::string> get_string(std::string_view key) const;
  /// The nested type of `key`; nothing if it is absent or something else.
  std::optional<Text> get_text(std::string_view key) const;
  std::optional<Map> get_map(std::string_view key) const;
  std::optional<Array> get_array(std::string_view key) const;
  /// Calls `visit` for every key, in order of the key's first appearance. It must not edit the
  /// document.
  void for_each(const std::function<void(std::string_view key, const Value& value)>& visit) const;
  /// Nested types as plain values, all the way down.
  Any to_any() const;

  void set(Transaction& transaction, std::string_view key, Any value);
  Text set_text(Transaction& transaction, std::string_view key, std::string_view utf8 = {});
  Map set_map(Transaction& transaction, std::string_view key);
  Array set_array(Transaction& transaction, std::string_view key);
  Value set_type(Transaction& transaction, std::string_view key, const NewType& fresh);
  Subdocument set_subdocument(Transaction& transaction, std::string_view key,
                              const SubdocumentOptions& options);
  void erase(Transaction& transaction, std::string_view key);
  void clear(Transaction& transaction);

  /// Calls `observer` after every transaction that changed a key of this map itself.
  Subscription observe(std::function<void(const MapEvent&)> observer);
  /// The same for this map and the types within, one call a transaction.
  Subscription observe_deep(std::function<void(const std::vector<Event>&)> observer);

  friend bool operator==(const Map&, const Map&) = default;

 protected:
  friend class detail::Engine;
  Map(detail::Engine& engine, std::uint32_t type) : engine_(&engine), type_(type) {}
  detail::Engine* engine_;
  std::uint32_t type_;
};

}  // namespace vivim::crdt
