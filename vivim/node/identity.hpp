#pragma once

#include "vivim/base/result.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/store/database.hpp"

namespace vivim::node {

/// The key that makes this node itself: kept in the database's settings, made at the first call.
/// Errors: the store's; malformed, if what is stored is not a key.
Result<crypto::KeyPair> load_identity(store::Database& database,
                                      const crypto::RandomSource& random);

}  // namespace vivim::node
