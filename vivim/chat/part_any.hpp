#pragma once

#include "vivim/chat/part.hpp"
#include "vivim/crdt/any.hpp"

namespace vivim::chat {

/// Deeper JSON is kept as its text.
inline constexpr std::uint32_t k_any_depth_max = 32;

/// JSON text as a plain value of a document; text that is not JSON, or too deep, as a string.
crdt::Any any_of_json(std::string_view json);

/// A part as a plain object (docs/protocol/conversation.md#parts).
crdt::Any any_of_part(const Part& part);

/// And back. What has a type that this version does not know becomes `unknown`, with all of it as
/// raw JSON.
Part part_of_any(const crdt::Any& any);

}  // namespace vivim::chat
