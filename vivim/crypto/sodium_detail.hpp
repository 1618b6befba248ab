#pragma once

namespace vivim::crypto::detail {

/// Lets libsodium choose the implementation for this processor; cheap after the first call, from
/// any thread.
void sodium_ready();

}  // namespace vivim::crypto::detail
