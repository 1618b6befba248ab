#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "vivim/base/result.hpp"
#include "vivim/chat/error.hpp"
#include "vivim/chat/model.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/effects.hpp"

namespace vivim::chat {

/// The version of docs/protocol/conversation.md that is written here.
inline constexpr int k_document_schema = 1;
/// Longest title and longest text of a turn that a person may set.
inline constexpr std::size_t k_title_bytes_max = 4096;
inline constexpr std::size_t k_text_bytes_max = 16ULL << 20;

/// Writes a conversation into an empty document, in one transaction.
void to_document(const Conversation& conversation, crdt::Doc& doc, crdt::Origin origin = {});

/// What crdt::encode_state_as_update() gives after to_document() into an empty document of
/// `client`, made without that document: for imports.
Bytes first_update(const Conversation& conversation, crdt::ClientId client);

/// Reads a document of any origin: what is missing or has another type than it should reads as not
/// known. Turns
/// come in the order of Tree::walk, which is the same for everyone who has the same document.
Conversation from_document(crdt::Doc& doc);

/// One turn of a document, without reading the others. Errors: no_such_turn.
Result<Turn> turn_from_document(crdt::Doc& doc, std::string_view id);

/// What merge_newer did.
struct Merged {
  std::size_t turns_added = 0;
  bool title_changed = false;
  bool changed = false;  ///< anything at all
};

/// Brings a newer export of the same conversation into its document: adds turns that it has not,
/// follows the provider's title while nobody changed it, and its main branch where that continues
/// ours. What people wrote stays. One transaction.
Merged merge_newer(const Conversation& newer, crdt::Doc& doc, crdt::Origin origin = {});

/// A turn that a person adds.
struct NewTurn {
  std::string id;                     ///< see turn_id()
  std::optional<std::string> parent;  ///< nothing: a new root
  Role role = Role::user;
  std::string text;
  Time time = 0;
  std::string name;  ///< actor id, or empty
};

/// A turn id made of 16 random bytes.
std::string turn_id(BytesView random);

/// People's edits, one transaction each. Texts are changed by the smallest difference, so that what
/// others write at the same time stays. Text that is not UTF-8 is repaired.
Result<void> set_title(crdt::Doc& doc, std::string_view title, crdt::Origin origin = {});
Result<void> set_text(crdt::Doc& doc, std::string_view turn, std::string_view text,
                      crdt::Origin origin = {});
/// The values that an edit replaces whoever wrote them, by adding a turn too: `current` and
/// `updated`.
std::set<crdt::Place> common_places();

/// The new turn becomes `current`. Errors: turn_exists, no_such_parent, bad_role, text_too_large.
Result<void> add_turn(crdt::Doc& doc, const NewTurn& turn, crdt::Origin origin = {});
/// Marks it; its children keep their place. Errors: no_such_turn.
Result<void> delete_turn(crdt::Doc& doc, std::string_view turn, crdt::Origin origin = {});
/// Errors: no_such_turn.
Result<void> set_current(crdt::Doc& doc, std::string_view turn, crdt::Origin origin = {});

}  // namespace vivim::chat
