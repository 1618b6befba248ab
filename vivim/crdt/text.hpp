#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/subscription.hpp"
#include "vivim/crdt/transaction.hpp"

namespace vivim::crdt {

struct TextEvent;

/// A light handle of a shared text. Positions and lengths are UTF-16 code units, as in JavaScript.
/// Embeds count as one unit and are not part of to_string(). Formatting that others wrote is kept
/// but not shown.
class Text {
 public:
  std::uint32_t length() const;
  /// UTF-8; a lone surrogate reads as U+FFFD.
  std::string to_string() const;

  /// Inserts before `index` (beyond the end: at the end). Bytes that are not UTF-8 become U+FFFD.
  /// Inserting between the two halves of a surrogate pair turns both into U+FFFD, as in Yjs.
  void insert(Transaction& transaction, std::uint32_t index, std::string_view utf8);
  /// Appends.
  void push(Transaction& transaction, std::string_view utf8) {
    insert(transaction, length(), utf8);
  }
  /// Removes `length` units from `index`; what lies beyond the end is ignored.
  void remove(Transaction& transaction, std::uint32_t index, std::uint32_t length);

  /// Calls `observer` after every transaction that changed this text.
  Subscription observe(std::function<void(const TextEvent&)> observer);

  friend bool operator==(const Text&, const Text&) = default;

 private:
  friend class detail::Engine;
  Text(detail::Engine& engine, std::uint32_t type) : engine_(&engine), type_(type) {}
  detail::Engine* engine_;
  std::uint32_t type_;
};

/// Steps from the old text to the new, in order. Lengths are UTF-16 units.
struct Retain {
  std::uint32_t length = 0;
  friend bool operator==(const Retain&, const Retain&) = default;
};
struct InsertText {
  std::string utf8;
  friend bool operator==(const InsertText&, const InsertText&) = default;
};
/// Something of length 1 that is not text (an embed or a nested type).
struct InsertEmbed {
  friend bool operator==(const InsertEmbed&, const InsertEmbed&) = default;
};
struct Remove {
  std::uint32_t length = 0;
  friend bool operator==(const Remove&, const Remove&) = default;
};
using TextDelta = std::vector<std::variant<Retain, InsertText, InsertEmbed, Remove>>;

/// What a transaction did to a text. `delta` has no trailing retain and leaves out formatting.
struct TextEvent {
  Text target;
  TextDelta delta;
  Origin origin;
};

}  // namespace vivim::crdt
