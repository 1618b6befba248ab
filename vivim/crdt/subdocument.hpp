#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/transaction.hpp"

namespace vivim::crdt {

namespace detail {
class Engine;
}

/// What a document says of a document within it.
struct SubdocumentOptions {
  std::string guid;
  bool collect_garbage = true;
  bool auto_load = false;   ///< everybody loads it at once
  std::optional<Any> meta;  ///< for the application
  bool should_load = true;  ///< of the one who inserts it: load it here
};

/// A light handle of a place that holds another document: its name and options. The document itself
/// is a Doc that the application makes, and synchronises by its guid.
class Subdocument {
 public:
  std::string guid() const;
  SubdocumentOptions options() const;
  /// Whether this program asked for its content.
  bool should_load() const;
  /// Asks for its content: `loaded` of the next SubdocumentEvent has it, once.
  void load();
  /// Gives it up: told as removed and, while the place exists, as added anew, not to be loaded.
  void unload();
  Id id() const { return id_; }

  friend bool operator==(const Subdocument&, const Subdocument&) = default;

 private:
  friend class detail::Engine;
  Subdocument(detail::Engine& engine, Id id) : engine_(&engine), id_(id) {}
  detail::Engine* engine_;
  Id id_;
};

/// What a transaction did to the documents within: to add, to take away, to load.
struct SubdocumentEvent {
  std::vector<Subdocument> added;
  std::vector<Subdocument> removed;
  std::vector<Subdocument> loaded;
};

}  // namespace vivim::crdt
