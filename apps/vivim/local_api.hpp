#pragma once

#include <memory>

#include "apps/vivim/api.hpp"
#include "apps/vivim/context.hpp"
#include "vivim/node/home.hpp"

namespace vivim::cli {

/// Opens the home in this process: the same API without a node that runs. `lock` is held as long as
/// the Api lives.
Outcome<std::unique_ptr<Api>> open_here(Context& context, node::HomeLock lock);

}  // namespace vivim::cli
