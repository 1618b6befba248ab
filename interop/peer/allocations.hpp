#pragma once

#include <cstdint>

namespace vivim::interop {

/// How many allocations there were in this process.
std::uint64_t allocations();

}  // namespace vivim::interop
