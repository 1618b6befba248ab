#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/any.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {

/// A place in a list or text that stays where it is while others edit: what a cursor is sent as.
/// Either `root` or `type` is there, or only `item`: the binary form leaves them out beside it.
struct RelativePosition {
  std::optional<Id> item;  ///< the unit that it sticks to
  /// The root type that it is in; without `item` its end (assoc < 0: its begin).
  std::optional<std::string> root;
  /// The same for a nested type: what this item holds.
  std::optional<Id> type;
  /// Below 0: sticks to the unit before the place, else to the one behind.
  std::int64_t assoc = 0;

  friend bool operator==(const RelativePosition&, const RelativePosition&) = default;
};

/// Where a relative position is now.
struct AbsolutePosition {
  Value type;
  std::uint32_t index = 0;
  std::int64_t assoc = 0;
};

/// Whether a position in something that was deleted and brought back by an UndoManager of this
/// document goes with it. Only this document knows; use `no` where all have to agree.
enum class FollowUndone : std::uint8_t { no, yes };

/// The place before unit `index` of `type`, which must be a shared type. Beyond the end: the end.
RelativePosition relative_position(Doc& doc, const Value& type, std::uint32_t index,
                                   std::int64_t assoc = 0);

/// Nothing if the document does not have what it refers to, or no longer.
std::optional<AbsolutePosition> absolute_position(Doc& doc, const RelativePosition& position,
                                                  FollowUndone follow = FollowUndone::yes);

/// As Yjs writes it.
Bytes encode_relative_position(const RelativePosition& position);
/// Errors: truncated, number_too_large, bad_utf8, bad_message, trailing_bytes.
Result<RelativePosition> decode_relative_position(BytesView bytes);

/// As Yjs' relativePositionToJSON.
Any relative_position_to_any(const RelativePosition& position);
/// Errors: bad_message.
Result<RelativePosition> relative_position_from_any(const Any& json);

}  // namespace vivim::crdt
