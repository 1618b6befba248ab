#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/crdt/any.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/lib0.hpp"

namespace vivim::crdt {

/// Writes the first update of a document without making the document: byte for byte what
/// encode_state_as_update() gives for an empty Doc of the same client after the same calls, in the
/// same order. For imports, where nobody reads the document yet.
///
/// No key of a map may be set twice, no root text written twice, and no name used for two types.
class FirstUpdate {
 public:
  /// A map in it; must not outlive it.
  class Map {
   public:
    void set(std::string_view key, const Any& value);
    /// As set() with an Any of the text, without the copy.
    void set_string(std::string_view key, std::string_view utf8);
    /// A nested text. Bytes that are not UTF-8 become U+FFFD.
    void set_text(std::string_view key, std::string_view utf8);
    Map set_map(std::string_view key);

   private:
    friend class FirstUpdate;
    /// A root's name, or the clock of the item that holds the map.
    Map(FirstUpdate& update, std::string_view root, std::uint64_t clock)
        : update_(&update), root_(root), clock_(clock) {}
    FirstUpdate* update_;
    std::string_view root_;
    std::uint64_t clock_;
  };

  explicit FirstUpdate(ClientId client) : client_(value_of(client)) {}

  /// The root map of that name, which must not be empty and must outlive the Map.
  Map map(std::string_view name) { return {*this, name, 0}; }
  /// Writes the root text of that name.
  void text(std::string_view name, std::string_view utf8);

  /// The update; once, at the end.
  Bytes take();

 private:
  void begin_item(std::uint8_t info, std::string_view root, std::uint64_t parent,
                  std::optional<std::string_view> key);
  void add_text(std::string_view root, std::uint64_t parent, std::string_view utf8);

  std::uint64_t client_;
  std::uint64_t clock_ = 0;
  std::uint64_t items_ = 0;
  lib0::Encoder out_;
};

}  // namespace vivim::crdt
