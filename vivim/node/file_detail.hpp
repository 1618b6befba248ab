#pragma once

#include <string>
#include <system_error>

#include "vivim/base/problem.hpp"

namespace vivim::node::detail {

/// "Could not read /x: Permission denied."
Problem file_problem(const std::string& doing, const std::string& path, std::error_code error);
/// The last error of the system.
std::error_code last_error();

}  // namespace vivim::node::detail
