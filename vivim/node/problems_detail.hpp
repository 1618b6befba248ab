#pragma once

#include <string>

#include "vivim/base/problem.hpp"

namespace vivim::node {

/// Listening failed: the address is taken, or makes no sense.
Problem listen_problem(const std::string& address, const Error& error, const std::string& hint);

}  // namespace vivim::node
