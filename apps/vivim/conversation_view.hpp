#pragma once

#include <string>

#include "apps/vivim/json.hpp"
#include "apps/vivim/terminal.hpp"

namespace vivim::cli {

enum class HiddenTurns : unsigned char { counted, shown };

/// A branch of a conversation for reading. `branch` is the API's answer with the turns to show,
/// `whole` the one with all turns: it tells where other branches leave.
std::string render_conversation(const Terminal& terminal, const Json& branch, const Json& whole,
                                HiddenTurns hidden);

}  // namespace vivim::cli
