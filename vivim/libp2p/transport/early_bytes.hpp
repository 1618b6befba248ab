#pragma once

#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// `stream` with `early` in front of what it reads; `stream` itself when there is nothing.
std::unique_ptr<rt::Stream> with_early_bytes(std::unique_ptr<rt::Stream> stream, Bytes early);

}  // namespace vivim::libp2p
