#pragma once

#include <string_view>

#include "vivim/base/result.hpp"

namespace vivim::rt {

/// Longest path that a Disk takes, in bytes.
inline constexpr std::size_t k_path_bytes_max = 1024;

/// Accepts what Disk calls a path: relative, '/' between non-empty parts that are not "." or "..",
/// no NUL, at most k_path_bytes_max. RtError::bad_path otherwise.
Result<void> check_path(std::string_view path);

}  // namespace vivim::rt
