#pragma once

#include "vivim/base/result.hpp"

namespace vivim::chat {

enum class ChatError {
  no_such_turn,    ///< the document has no turn with that id
  turn_exists,     ///< a new turn's id is taken
  no_such_parent,  ///< a new turn's parent is not in the document
  bad_role,        ///< people add turns of user, assistant, system and tool
  text_too_large,  ///< longer than k_text_bytes_max; detail: its bytes
};
const ErrorDomain& error_domain(ChatError);

}  // namespace vivim::chat
