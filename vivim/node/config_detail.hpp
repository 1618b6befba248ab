#pragma once

#include <string>
#include <string_view>

#include "vivim/base/problem.hpp"

namespace vivim::node {

/// "config.toml: listen: 'x' is not ...".
Problem bad_value(const std::string& option, std::string_view value, const std::string& why);

}  // namespace vivim::node
