#include <sodium.h>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/sodium_detail.hpp"

namespace vivim::crypto::detail {

void sodium_ready() {
  static const bool k_ready = sodium_init() >= 0;
  VIVIM_ASSERT(k_ready);
}

}  // namespace vivim::crypto::detail
