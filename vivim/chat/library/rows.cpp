#include "vivim/chat/library/rows.hpp"

#include <algorithm>
#include <charconv>

#include "vivim/chat/error.hpp"
#include "vivim/store/error.hpp"
#include "vivim/sync/error.hpp"

namespace vivim::chat {

namespace {

rt::WallMs wall(const std::optional<Time>& time, rt::WallMs otherwise) {
  constexpr double k_time_max = 1e15;
  return time && *time >= 0 && *time < k_time_max ? static_cast<rt::WallMs>(*time) : otherwise;
}

/// The bytes of hexadecimal text; empty if it is none.
Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::uint8_t byte = 0;
    if (std::from_chars(text.data() + i, text.data() + i + 2, byte, 16).ptr !=
        text.data() + i + 2) {
      return {};
    }
    bytes.push_back(byte);
  }
  return bytes;
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

bool is_counted(const Turn& turn) {
  return turn.role != Role::none && !turn.hidden && !turn.deleted;
}

bool is_missing(const Error& error) {
  return error.is(store::StoreError::not_found) || error.is(ChatError::no_such_turn) ||
         error.is(ChatError::no_such_parent);
}

}  // namespace

store::ConversationRow row_of(const Conversation& conversation, const store::DocumentId& id,
                              rt::WallMs now) {
  const auto created = wall(conversation.created, now);
  return {
      .id = id,
      .title = conversation.title,
      .provider = unless_empty(conversation.provenance.provider),
      .original_id = unless_empty(conversation.provenance.original_id),
      .source_hash = from_hex(conversation.provenance.source_hash),
      .model = conversation.model,
      .created = created,
      .updated = wall(conversation.updated, created),
      .turns = static_cast<std::uint64_t>(std::ranges::count_if(conversation.turns, is_counted))};
}

store::IndexedDocument indexed_of(const Conversation& conversation, const store::DocumentId& id,
                                  rt::WallMs updated) {
  store::IndexedDocument indexed{.id = id, .title = conversation.title, .updated = updated};
  for (const auto& turn : conversation.turns) {
    auto text = turn.deleted ? std::string() : searchable_text(turn);
    if (text.empty()) {
      continue;
    }
    indexed.turns.push_back({.turn = turn.id,
                             .role = std::string(role_name(turn.role)),
                             .time = turn.time ? std::optional(wall(turn.time, 0)) : std::nullopt,
                             .text = std::move(text)});
  }
  return indexed;
}

Problem problem_of(const Error& error, std::string doing) {
  auto problem = Problem::from(error, std::move(doing));
  if (is_missing(error)) {
    problem.kind = ProblemKind::not_found;
    problem.hint = "List the conversations with: vivim ls";
  } else if (error.is(store::StoreError::exists) || error.is(ChatError::turn_exists)) {
    problem.kind = ProblemKind::conflict;
  } else if (error.is(sync::SyncError::not_permitted)) {
    problem.kind = ProblemKind::refused;
    problem.hint = "Who shared this conversation permits you to read it, or to add to it only.";
  } else if (error.is(store::StoreError::full)) {
    problem.hint = "Make room on the disk and try again; nothing was lost.";
  } else if (error.is(store::StoreError::read_only)) {
    problem.kind = ProblemKind::unavailable;
    problem.hint = "The disk failed. Check it, then start the node again.";
  } else if (error.is(store::StoreError::corrupt)) {
    problem.hint = "Examine the database with: vivim doctor";
  }
  return problem;
}

}  // namespace vivim::chat
