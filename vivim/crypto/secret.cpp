#include "vivim/crypto/secret.hpp"

#include <sodium.h>

namespace vivim::crypto {

void wipe(MutableBytes bytes) noexcept {
  sodium_memzero(bytes.data(), bytes.size());
}

bool equal(BytesView a, BytesView b) noexcept {
  return a.size() == b.size() && (a.empty() || sodium_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace vivim::crypto
