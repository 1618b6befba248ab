// Why Ed25519 is libsodium's here and the AEADs are OpenSSL's: the alternatives, side by side.

#include <array>

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "vivim/crypto/aead.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/crypto/x25519.hpp"

namespace {

using namespace vivim;
using namespace vivim::crypto;

const Bytes k_message(200, 0x61);

void ed25519_sign_ours(benchmark::State& state) {
  const auto pair = Ed25519KeyPair::from_seed(Ed25519Seed(Bytes(32, 1)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(pair.sign(k_message));
  }
}
BENCHMARK(ed25519_sign_ours);

void ed25519_verify_ours(benchmark::State& state) {
  const auto pair = Ed25519KeyPair::from_seed(Ed25519Seed(Bytes(32, 1)));
  const auto signature = pair.sign(k_message);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ed25519_verify(pair.public_key(), k_message, signature));
  }
}
BENCHMARK(ed25519_verify_ours);

EVP_PKEY* openssl_key() {
  const Bytes seed(32, 1);
  return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size());
}

void ed25519_sign_openssl(benchmark::State& state) {
  EVP_PKEY* key = openssl_key();
  std::array<std::uint8_t, 64> signature;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  for (auto _ : state) {
    std::size_t size = signature.size();
    EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key);
    EVP_DigestSign(context, signature.data(), &size, k_message.data(), k_message.size());
    EVP_MD_CTX_reset(context);
  }
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
}
BENCHMARK(ed25519_sign_openssl);

void ed25519_verify_openssl(benchmark::State& state) {
  EVP_PKEY* key = openssl_key();
  const auto signature = Ed25519KeyPair::from_seed(Ed25519Seed(Bytes(32, 1))).sign(k_message);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  for (auto _ : state) {
    EVP_DigestVerifyInit(context, nullptr, nullptr, nullptr, key);
    const int ok = EVP_DigestVerify(context, signature.data(), signature.size(), k_message.data(),
                                    k_message.size());
    if (ok != 1) {
      state.SkipWithError("does not verify");
    }
    EVP_MD_CTX_reset(context);
  }
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
}
BENCHMARK(ed25519_verify_openssl);

void x25519_ours(benchmark::State& state) {
  const auto pair = X25519KeyPair::from_secret(X25519Secret(Bytes(32, 1)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(x25519(pair.secret, pair.public_key));
  }
}
BENCHMARK(x25519_ours);

void seal(benchmark::State& state, Aead algorithm) {
  SealingKey key(algorithm, AeadKey(Bytes(32, 1)));
  const auto size = static_cast<std::size_t>(state.range(0));
  Bytes buffer(size + k_aead_tag_bytes);
  for (auto _ : state) {
    key.seal({}, {}, BytesView(buffer).first(size), buffer);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(seal, chacha20_poly1305, Aead::chacha20_poly1305)->Arg(64)->Arg(1024)->Arg(16384);
BENCHMARK_CAPTURE(seal, aes_256_gcm, Aead::aes_256_gcm)->Arg(64)->Arg(1024)->Arg(16384);

void seal_sodium_chacha20(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  Bytes buffer(size + k_aead_tag_bytes);
  const Bytes key(32, 1);
  const AeadNonce nonce{};
  for (auto _ : state) {
    crypto_aead_chacha20poly1305_ietf_encrypt(buffer.data(), nullptr, buffer.data(), size, nullptr,
                                              0, nullptr, nonce.data(), key.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(seal_sodium_chacha20)->Arg(64)->Arg(1024)->Arg(16384);

void sha256_of(benchmark::State& state) {
  const Bytes input(static_cast<std::size_t>(state.range(0)), 1);
  for (auto _ : state) {
    benchmark::DoNotOptimize(sha256(input));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(sha256_of)->Arg(64)->Arg(65536);

}  // namespace
