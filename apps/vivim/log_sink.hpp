#pragma once

#include <string>

#include "vivim/base/log.hpp"
#include "vivim/rt/clock.hpp"

namespace vivim::cli {

/// A log file larger than this is moved to `<path>.1` when a node starts.
inline constexpr std::uint64_t k_log_bytes_max = std::uint64_t{8} << 20;

/// Sends log lines with their time to the file `path` (0600), and those of `terminal_level_min` and
/// above to standard error too. Without the file, everything goes to standard error.
void log_to(const std::string& path, log::Level level_min, log::Level terminal_level_min,
            const rt::Clock& clock);

/// Back to what is there without log_to: before `clock` goes.
void log_to_terminal();

}  // namespace vivim::cli
