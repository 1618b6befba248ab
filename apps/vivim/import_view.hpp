#pragma once

#include <string>

#include "apps/vivim/json.hpp"
#include "apps/vivim/terminal.hpp"

namespace vivim::cli {

/// What an import found, for the person who started it. `report` is that of a finished job.
std::string render_import_report(const Terminal& terminal, const Json& report);

}  // namespace vivim::cli
