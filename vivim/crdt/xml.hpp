#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/array.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/subscription.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/transaction.hpp"

namespace vivim::crdt {

class XmlElement;
class XmlText;
struct XmlEvent;

/// Which nodes a walk visits: true to visit. A node that is not visited is still walked into.
using XmlFilter = std::function<bool(const Value& node)>;

/// A light handle of a list of XML nodes without a node of its own.
class XmlFragment {
 public:
  std::uint32_t length() const;
  std::optional<Value> get(std::uint32_t index) const;
  std::optional<Value> first_child() const;
  std::vector<Value> slice(std::int64_t start, std::int64_t end) const;
  void for_each(const std::function<void(const Value& node)>& visit) const;
  /// The nodes as Yjs writes them: names in lower case, attributes by name, nothing escaped.
  std::string to_string() const;

  XmlElement insert_element(Transaction& transaction, std::uint32_t index, std::string_view name);
  XmlText insert_text(Transaction& transaction, std::uint32_t index, std::string_view utf8 = {});
  Value insert_type(Transaction& transaction, std::uint32_t index, const NewType& fresh);
  /// Inserts right behind `node`, which must be a child; nothing: at the begin.
  Value insert_after(Transaction& transaction, const std::optional<Value>& node,
                     const NewType& fresh);
  void remove(Transaction& transaction, std::uint32_t index, std::uint32_t length = 1);

  /// Every node below, depth first, that `filter` takes.
  std::vector<Value> walk(const XmlFilter& filter = {}) const;
  /// The first, and all elements below of that name, whatever its case.
  std::optional<XmlElement> query_selector(std::string_view name) const;
  std::vector<XmlElement> query_selector_all(std::string_view name) const;

  /// Calls `observer` after every transaction that changed the children or attributes themselves.
  Subscription observe(std::function<void(const XmlEvent&)> observer);
  Subscription observe_deep(std::function<void(const std::vector<Event>&)> observer);

  friend bool operator==(const XmlFragment&, const XmlFragment&) = default;

 protected:
  friend class detail::Engine;
  XmlFragment(detail::Engine& engine, std::uint32_t type) : engine_(&engine), type_(type) {}
  detail::Engine* engine_;
  std::uint32_t type_;
};

/// A light handle of an XML element.
class XmlElement : public XmlFragment {
 public:
  /// As it was given.
  std::string name() const;
  std::optional<Value> attribute(std::string_view name) const;
  bool has_attribute(std::string_view name) const;
  Any::Object attributes() const;
  void set_attribute(Transaction& transaction, std::string_view name, const Any& value);
  void remove_attribute(Transaction& transaction, std::string_view name);
  std::optional<Value> next_sibling() const;
  std::optional<Value> previous_sibling() const;
  std::optional<Value> parent() const;

 private:
  friend class detail::Engine;
  using XmlFragment::XmlFragment;
};

/// A light handle of a text among XML nodes. to_string() writes its formats as elements.
class XmlText : public Text {
 public:
  std::string to_string() const;
  std::optional<Value> next_sibling() const;
  std::optional<Value> previous_sibling() const;
  std::optional<Value> parent() const;

 private:
  friend class detail::Engine;
  using Text::Text;
};

/// A light handle of a node that an application draws itself: a map with a name.
class XmlHook : public Map {
 public:
  std::string name() const;

 private:
  friend class detail::Engine;
  using Map::Map;
};

}  // namespace vivim::crdt
