#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "vivim/rt/error.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::rt::sim {

/// rt::make_pipe, under the name that tests know.
std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_stream_pair(
    Loop& loop, std::size_t buffer_bytes_max = 64 * 1024);

/// Passes everything on to `inner`, but the `nth` operation (1: the first; read_some, write and
/// close_write count) fails with `error` and resets `inner`; so does every later one. A test loops
/// over n until nothing fails any more.
std::unique_ptr<Stream> make_failing_stream(std::unique_ptr<Stream> inner, std::uint64_t nth,
                                            RtError error = RtError::reset);

}  // namespace vivim::rt::sim
