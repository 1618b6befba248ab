#include "vivim/crypto/aead.hpp"

#include <algorithm>
#include <limits>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/openssl_detail.hpp"

namespace vivim::crypto {
namespace {

constexpr int k_tag = static_cast<int>(k_aead_tag_bytes);

int int_size(std::size_t size) {
  VIVIM_ASSERT(size <= std::numeric_limits<int>::max());
  return static_cast<int>(size);
}

}  // namespace

struct SealingKey::Context {
  detail::Openssl<EVP_CIPHER_CTX> openssl{EVP_CIPHER_CTX_new()};
};

SealingKey::SealingKey(Aead algorithm, const AeadKey& key) : context_(std::make_unique<Context>()) {
  VIVIM_ASSERT(EVP_EncryptInit_ex2(context_->openssl.get(), detail::fetched_cipher(algorithm),
                                   key.view().data(), nullptr, nullptr) == 1);
}
SealingKey::SealingKey(SealingKey&&) noexcept = default;
SealingKey& SealingKey::operator=(SealingKey&&) noexcept = default;
SealingKey::~SealingKey() = default;

void SealingKey::seal(const AeadNonce& nonce, BytesView associated, BytesView plaintext,
                      MutableBytes out) {
  VIVIM_ASSERT(out.size() == plaintext.size() + k_aead_tag_bytes);
  auto* context = context_->openssl.get();
  int written = 0;
  VIVIM_ASSERT(EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  if (!associated.empty()) {
    VIVIM_ASSERT(EVP_EncryptUpdate(context, nullptr, &written, associated.data(),
                                   int_size(associated.size())) == 1);
  }
  if (!plaintext.empty()) {
    VIVIM_ASSERT(EVP_EncryptUpdate(context, out.data(), &written, plaintext.data(),
                                   int_size(plaintext.size())) == 1);
  }
  std::uint8_t* tag = out.data() + plaintext.size();
  VIVIM_ASSERT(EVP_EncryptFinal_ex(context, tag, &written) == 1);
  VIVIM_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, k_tag, tag) == 1);
}

struct OpeningKey::Context {
  detail::Openssl<EVP_CIPHER_CTX> openssl{EVP_CIPHER_CTX_new()};
};

OpeningKey::OpeningKey(Aead algorithm, const AeadKey& key) : context_(std::make_unique<Context>()) {
  VIVIM_ASSERT(EVP_DecryptInit_ex2(context_->openssl.get(), detail::fetched_cipher(algorithm),
                                   key.view().data(), nullptr, nullptr) == 1);
}
OpeningKey::OpeningKey(OpeningKey&&) noexcept = default;
OpeningKey& OpeningKey::operator=(OpeningKey&&) noexcept = default;
OpeningKey::~OpeningKey() = default;

Result<void> OpeningKey::open(const AeadNonce& nonce, BytesView associated, BytesView sealed,
                              MutableBytes out) {
  if (sealed.size() < k_aead_tag_bytes) {
    return fail(CryptoError::too_short, sealed.size());
  }
  const BytesView ciphertext = sealed.first(sealed.size() - k_aead_tag_bytes);
  VIVIM_ASSERT(out.size() == ciphertext.size());
  std::array<std::uint8_t, k_aead_tag_bytes> tag;  // OpenSSL wants it writable
  std::ranges::copy(sealed.last(k_aead_tag_bytes), tag.begin());
  auto* context = context_->openssl.get();
  int written = 0;
  VIVIM_ASSERT(EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(), nullptr) == 1);
  VIVIM_ASSERT(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, k_tag, tag.data()) == 1);
  if (!associated.empty()) {
    VIVIM_ASSERT(EVP_DecryptUpdate(context, nullptr, &written, associated.data(),
                                   int_size(associated.size())) == 1);
  }
  if (!ciphertext.empty()) {
    VIVIM_ASSERT(EVP_DecryptUpdate(context, out.data(), &written, ciphertext.data(),
                                   int_size(ciphertext.size())) == 1);
  }
  if (EVP_DecryptFinal_ex(context, tag.data(), &written) != 1) {
    wipe(out);
    return fail(CryptoError::authentication_failed);
  }
  return {};
}

}  // namespace vivim::crypto
