#include "vivim/multiformats/multihash.hpp"

#include "vivim/base/assert.hpp"
#include "vivim/base/varint.hpp"
#include "vivim/crypto/hash.hpp"

namespace vivim::multiformats {

Multihash::Multihash(Codec code, BytesView digest) : code_(code) {
  append_varint(bytes_, static_cast<std::uint64_t>(code));
  append_varint(bytes_, digest.size());
  header_size_ = bytes_.size();
  append(bytes_, digest);
}

Multihash Multihash::sha256_of(BytesView content) {
  return {Codec::sha2_256, crypto::sha256(content)};
}

Multihash Multihash::identity_of(BytesView content) {
  VIVIM_ASSERT(content.size() <= k_digest_bytes_max);
  return {Codec::identity, content};
}

Result<Multihash> Multihash::from_digest(Codec code, BytesView digest) {
  if (digest.size() > k_digest_bytes_max) {
    return fail(MultiformatsError::too_long, digest.size());
  }
  std::size_t expected = digest.size();
  switch (code) {
    case Codec::identity:
      break;
    case Codec::sha2_256:
      expected = 32;
      break;
    case Codec::sha2_512:
      expected = 64;
      break;
    default:
      return fail(MultiformatsError::unknown_hash, static_cast<std::uint64_t>(code));
  }
  if (digest.size() != expected) {
    return fail(MultiformatsError::bad_digest_length, digest.size());
  }
  return Multihash(code, digest);
}

Result<Multihash> Multihash::from_bytes(BytesView bytes) {
  VIVIM_TRY(const auto code, decode_varint(bytes));
  VIVIM_TRY(const auto length, decode_varint(bytes.subspan(code.size)));
  const BytesView digest = bytes.subspan(code.size + length.size);
  if (length.value > k_digest_bytes_max) {
    return fail(MultiformatsError::too_long, length.value);
  }
  if (digest.size() < length.value) {
    return fail(MultiformatsError::truncated, bytes.size());
  }
  if (digest.size() > length.value) {
    return fail(MultiformatsError::trailing_bytes, code.size + length.size + length.value);
  }
  return from_digest(static_cast<Codec>(code.value), digest);
}

bool Multihash::matches(BytesView content) const {
  switch (code_) {
    case Codec::identity:
      return same_bytes(digest(), content);
    case Codec::sha2_256:
      return same_bytes(digest(), crypto::sha256(content));
    default:
      return false;
  }
}

}  // namespace vivim::multiformats
