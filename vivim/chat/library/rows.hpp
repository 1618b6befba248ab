#pragma once

#include <string>

#include "vivim/base/problem.hpp"
#include "vivim/chat/model.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/search.hpp"

namespace vivim::chat {

/// What lists show of a conversation. `created` and `updated` are `now` where the conversation does
/// not say.
store::ConversationRow row_of(const Conversation& conversation, const store::DocumentId& id,
                              rt::WallMs now);

/// What is to be found of it: its title, and the words of every turn that was not deleted.
store::IndexedDocument indexed_of(const Conversation& conversation, const store::DocumentId& id,
                                  rt::WallMs updated);

/// A failure told to a person: "Could not rename the conversation: ...", with what to do about it.
Problem problem_of(const Error& error, std::string doing);

}  // namespace vivim::chat
