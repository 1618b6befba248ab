#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::rt {

/// What a direction of a pipe holds before its writer waits, unless told otherwise.
inline constexpr std::size_t k_pipe_bytes_max = std::size_t{64} * 1024;

/// Two ends of a pipe within this process, without delay, both on `loop`. Each direction holds at
/// most `buffer_bytes_max` (not 0). Errors of its streams: RtError::closed, reset.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_pipe(
    Loop& loop, std::size_t buffer_bytes_max = k_pipe_bytes_max);

}  // namespace vivim::rt
