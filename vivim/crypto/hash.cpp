#include "vivim/crypto/hash.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/openssl_detail.hpp"

namespace vivim::crypto {

struct Sha256::Context {
  detail::Openssl<EVP_MD_CTX> openssl{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  VIVIM_ASSERT(EVP_DigestInit_ex2(context_->openssl.get(), detail::fetched_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(BytesView bytes) {
  VIVIM_ASSERT(EVP_DigestUpdate(context_->openssl.get(), bytes.data(), bytes.size()) == 1);
}

Sha256Digest Sha256::finish() {
  Sha256Digest out;
  auto* context = context_->openssl.get();
  VIVIM_ASSERT(EVP_DigestFinal_ex(context, out.data(), nullptr) == 1);
  VIVIM_ASSERT(EVP_DigestInit_ex2(context, nullptr, nullptr) == 1);
  return out;
}

Sha256Digest sha256(BytesView bytes) {
  return sha256({bytes});
}

Sha256Digest sha256(std::initializer_list<BytesView> parts) {
  Sha256 hash;
  for (const BytesView part : parts) {
    hash.update(part);
  }
  return hash.finish();
}

void shake128(BytesView bytes, MutableBytes out) {
  const detail::Openssl<EVP_MD_CTX> context(EVP_MD_CTX_new());
  VIVIM_ASSERT(EVP_DigestInit_ex2(context.get(), EVP_shake128(), nullptr) == 1);
  VIVIM_ASSERT(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
  VIVIM_ASSERT(EVP_DigestFinalXOF(context.get(), out.data(), out.size()) == 1);
}

Secret<k_sha256_bytes> hmac_sha256(BytesView key, std::initializer_list<BytesView> parts) {
  Secret<k_sha256_block_bytes> block;
  Sha256 hash;
  if (key.size() > k_sha256_block_bytes) {
    hash.update(key);
    auto digest = hash.finish();
    std::ranges::copy(digest, block.writable().begin());
    wipe(digest);
  } else {
    std::ranges::copy(key, block.writable().begin());
  }
  const auto mask = [&block](std::uint8_t value) {
    for (auto& byte : block.writable()) {
      byte ^= value;
    }
  };
  mask(0x36);
  hash.update(block.view());
  for (const BytesView part : parts) {
    hash.update(part);
  }
  auto inner = hash.finish();
  mask(0x36 ^ 0x5c);
  hash.update(block.view());
  hash.update(inner);
  auto outer = hash.finish();
  Secret<k_sha256_bytes> out{BytesView(outer)};
  wipe(inner);
  wipe(outer);
  return out;
}

Secret<k_sha256_bytes> hkdf_extract(BytesView salt, BytesView input_key_material) {
  return hmac_sha256(salt, {input_key_material});  // an absent salt is 32 zeros, the same HMAC key
}

void hkdf_expand(BytesView pseudo_random_key, BytesView info, MutableBytes out) {
  VIVIM_ASSERT(out.size() <= k_hkdf_bytes_max);
  Secret<k_sha256_bytes> block;
  BytesView previous;
  for (std::uint8_t counter = 1; !out.empty(); ++counter) {
    block = hmac_sha256(pseudo_random_key, {previous, info, BytesView(&counter, 1)});
    previous = block.view();
    const std::size_t size = std::min(out.size(), k_sha256_bytes);
    std::ranges::copy(previous.first(size), out.begin());
    out = out.subspan(size);
  }
}

void hkdf(BytesView salt, BytesView input_key_material, BytesView info, MutableBytes out) {
  hkdf_expand(hkdf_extract(salt, input_key_material).view(), info, out);
}

}  // namespace vivim::crypto
