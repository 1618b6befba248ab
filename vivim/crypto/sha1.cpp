#include "vivim/crypto/sha1.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/crypto/openssl_detail.hpp"

namespace vivim::crypto {

Sha1Digest sha1(BytesView bytes) {
  Sha1Digest digest{};
  VIVIM_ASSERT(
      EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha1(), nullptr) == 1);
  return digest;
}

}  // namespace vivim::crypto
