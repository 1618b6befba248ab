#include "vivim/crypto/xsalsa20.hpp"

#include <algorithm>

#include <sodium.h>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/sodium_detail.hpp"

namespace vivim::crypto {

namespace {

constexpr std::size_t k_block_bytes = 64;

}  // namespace

// libsodium counts in blocks: what is left of a block of the piece before is done by hand.
void XSalsa20::apply(MutableBytes bytes) {
  detail::sodium_ready();
  const std::size_t offset = position_ % k_block_bytes;
  if (offset > 0) {
    Secret<k_block_bytes> block;
    VIVIM_ASSERT(crypto_stream_xsalsa20_xor_ic(block.writable().data(), block.view().data(),
                                               k_block_bytes, nonce_.data(),
                                               position_ / k_block_bytes, key_.view().data()) == 0);
    const std::size_t count = std::min(bytes.size(), k_block_bytes - offset);
    for (std::size_t i = 0; i < count; ++i) {
      bytes[i] ^= block.view()[offset + i];
    }
    position_ += count;
    bytes = bytes.subspan(count);
  }
  if (!bytes.empty()) {
    VIVIM_ASSERT(crypto_stream_xsalsa20_xor_ic(bytes.data(), bytes.data(), bytes.size(),
                                               nonce_.data(), position_ / k_block_bytes,
                                               key_.view().data()) == 0);
    position_ += bytes.size();
  }
}

void salsa20_keystream(const XSalsa20Key& key, const std::array<std::uint8_t, 8>& nonce,
                       MutableBytes out) {
  detail::sodium_ready();
  VIVIM_ASSERT(crypto_stream_salsa20(out.data(), out.size(), nonce.data(), key.view().data()) == 0);
}

}  // namespace vivim::crypto
