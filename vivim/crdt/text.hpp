#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vivim/crdt/any.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/subscription.hpp"
#include "vivim/crdt/transaction.hpp"
#include "vivim/crdt/type_kind.hpp"

namespace vivim::crdt {

struct Event;
struct InsertEmbed;
struct InsertText;
struct Remove;
struct Retain;
struct TextEvent;
struct Value;

/// Formatting of a stretch of text, name to value. Null ends a format.
using TextAttributes = Any::Object;
/// Steps from an old text to a new one (Quill's delta); the steps are in event.hpp.
using TextDelta = std::vector<std::variant<Retain, InsertText, InsertEmbed, Remove>>;

/// Whether apply_delta drops one newline at the end of the last insertion: Quill's texts end in
/// one that Yjs does not keep.
enum class FinalNewline : std::uint8_t { keep, drop };

/// A light handle of a shared text. Positions and lengths are UTF-16 code units, as in JavaScript.
/// Embeds and nested types count as one unit and are not part of to_string().
class Text {
 public:
  std::uint32_t length() const;
  /// UTF-8, without formatting; a lone surrogate reads as U+FFFD.
  std::string to_string() const;
  /// The text with its formatting, as insertions only.
  TextDelta to_delta() const;

  /// Inserts before `index` (beyond the end: at the end), formatted as what stands before it. Bytes
  /// that are not UTF-8 become U+FFFD. Inserting between the two halves of a surrogate pair turns
  /// both into U+FFFD, as in Yjs.
  void insert(Transaction& transaction, std::uint32_t index, std::string_view utf8);
  /// Inserts text with these attributes and no others.
  void insert(Transaction& transaction, std::uint32_t index, std::string_view utf8,
              const TextAttributes& attributes);
  /// Appends.
  void push(Transaction& transaction, std::string_view utf8) {
    insert(transaction, length(), utf8);
  }
  /// Inserts an object of one unit with these attributes and no others.
  void insert_embed(Transaction& transaction, std::uint32_t index, const Any& embed,
                    const TextAttributes& attributes = {});
  /// Inserts a nested type of one unit.
  Value insert_type(Transaction& transaction, std::uint32_t index, const NewType& fresh,
                    const TextAttributes& attributes = {});
  /// Removes `length` units from `index`; what lies beyond the end is ignored.
  void remove(Transaction& transaction, std::uint32_t index, std::uint32_t length);
  /// Sets attributes of `length` units from `index`. Beyond the end newlines are added, as in Yjs.
  void format(Transaction& transaction, std::uint32_t index, std::uint32_t length,
              const TextAttributes& attributes);
  /// Does the steps. Embeds must be plain values.
  void apply_delta(Transaction& transaction, const TextDelta& delta,
                   FinalNewline final_newline = FinalNewline::keep);

  /// Attributes of the text as a whole, like a map's members.
  void set_attribute(Transaction& transaction, std::string_view name, const Any& value);
  void remove_attribute(Transaction& transaction, std::string_view name);
  std::optional<Value> attribute(std::string_view name) const;
  Any::Object attributes() const;

  /// Calls `observer` after every transaction that changed this text.
  Subscription observe(std::function<void(const TextEvent&)> observer);
  /// The same for this text and the types within, one call a transaction.
  Subscription observe_deep(std::function<void(const std::vector<Event>&)> observer);

  friend bool operator==(const Text&, const Text&) = default;

 protected:
  friend class detail::Engine;
  Text(detail::Engine& engine, std::uint32_t type) : engine_(&engine), type_(type) {}
  detail::Engine* engine_;
  std::uint32_t type_;
};

}  // namespace vivim::crdt
