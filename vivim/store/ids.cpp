#include "vivim/store/ids.hpp"

#include "vivim/crypto/hash.hpp"
#include "vivim/multiformats/multibase.hpp"
#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

/// CIDv1, raw codec (0x55), sha2-256 (0x12), 32 bytes.
constexpr std::array<std::uint8_t, 4> k_cid_prefix{0x01, 0x55, 0x12, 0x20};

Result<Bytes> decode_base32(std::string_view text) {
  auto bytes = multiformats::decode(multiformats::Base::base32, text);
  return bytes ? std::move(bytes) : Result<Bytes>(fail(StoreError::malformed));
}

template <class Id>
Result<Id> id_from(BytesView bytes) {
  Id id;
  if (bytes.size() != id.bytes.size()) {
    return fail(StoreError::malformed, bytes.size());
  }
  std::ranges::copy(bytes, id.bytes.begin());
  return id;
}

}  // namespace

Result<DocumentId> DocumentId::from_bytes(BytesView bytes) {
  return id_from<DocumentId>(bytes);
}

Result<DocumentId> DocumentId::parse(std::string_view text) {
  VIVIM_TRY(const Bytes bytes, decode_base32(text));
  return from_bytes(bytes);
}

std::string DocumentId::to_text() const {
  return multiformats::encode(multiformats::Base::base32, bytes);
}

Result<GrantId> GrantId::from_bytes(BytesView bytes) {
  return id_from<GrantId>(bytes);
}

BlobId BlobId::of(BytesView content) {
  return {.digest = crypto::sha256(content)};
}

Result<BlobId> BlobId::from_cid(BytesView cid) {
  BlobId id;
  if (cid.size() != k_cid_prefix.size() + id.digest.size() ||
      !same_bytes(cid.first(k_cid_prefix.size()), k_cid_prefix)) {
    return fail(StoreError::malformed, cid.size());
  }
  std::ranges::copy(cid.subspan(k_cid_prefix.size()), id.digest.begin());
  return id;
}

Result<BlobId> BlobId::parse(std::string_view text) {
  if (!text.starts_with('b')) {
    return fail(StoreError::malformed);
  }
  VIVIM_TRY(const Bytes bytes, decode_base32(text.substr(1)));
  return from_cid(bytes);
}

Bytes BlobId::cid() const {
  Bytes cid(k_cid_prefix.begin(), k_cid_prefix.end());
  append(cid, digest);
  return cid;
}

std::string BlobId::to_text() const {
  return "b" + multiformats::encode(multiformats::Base::base32, cid());
}

}  // namespace vivim::store
