#include "vivim/chat/error.hpp"

namespace vivim::chat {

const ErrorDomain& error_domain(ChatError) {
  static constexpr ErrorDomain k_domain{
      "chat", [](int code) -> ErrorInfo {
        switch (static_cast<ChatError>(code)) {
          case ChatError::no_such_turn:
            return {"no_such_turn", "the conversation has no such turn", Blame::peer};
          case ChatError::turn_exists:
            return {"turn_exists", "the conversation has a turn with that id", Blame::peer};
          case ChatError::no_such_parent:
            return {"no_such_parent", "the conversation has no such parent turn", Blame::peer};
          case ChatError::bad_role:
            return {"bad_role", "nobody can speak in that role", Blame::peer};
          case ChatError::text_too_large:
            return {"text_too_large", "the text is too long", Blame::peer};
        }
        return {"unknown", "unknown error", Blame::local};
      }};
  return k_domain;
}

}  // namespace vivim::chat
