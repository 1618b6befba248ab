#include "vivim/multiformats/peer_id.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/multiformats/cid.hpp"

namespace vivim::multiformats {

PeerId::PeerId(BytesView bytes) : size_(static_cast<std::uint8_t>(bytes.size())) {
  VIVIM_ASSERT(bytes.size() <= bytes_.size());
  std::ranges::copy(bytes, bytes_.begin());
}

PeerId PeerId::of(const PublicKey& key) {
  const Bytes encoded = key.encode();
  const auto hash = encoded.size() <= k_inline_key_bytes_max ? Multihash::identity_of(encoded)
                                                             : Multihash::sha256_of(encoded);
  return PeerId(hash.bytes());
}

Result<PeerId> PeerId::from_bytes(BytesView bytes) {
  VIVIM_TRY(const auto hash, Multihash::from_bytes(bytes));
  if (hash.code() == Codec::identity) {
    if (hash.digest().size() > k_inline_key_bytes_max) {
      return fail(MultiformatsError::not_a_peer_id, hash.digest().size());
    }
    VIVIM_TRY(const auto key, PublicKey::decode(hash.digest()));
    if (!same_bytes(key.encode(), hash.digest())) {
      return fail(MultiformatsError::not_canonical);
    }
  } else if (hash.code() != Codec::sha2_256) {
    return fail(MultiformatsError::not_a_peer_id, static_cast<std::uint64_t>(hash.code()));
  }
  return PeerId(hash.bytes());
}

Result<PeerId> PeerId::parse(std::string_view text) {
  if (text.empty()) {
    return fail(MultiformatsError::empty);
  }
  if (text.starts_with('1') || text.starts_with("Qm")) {
    VIVIM_TRY(const auto bytes, decode(Base::base58btc, text));
    return from_bytes(bytes);
  }
  VIVIM_TRY(const auto cid, Cid::parse(text));
  if (cid.codec() != Codec::libp2p_key) {
    return fail(MultiformatsError::not_a_peer_id, static_cast<std::uint64_t>(cid.codec()));
  }
  return from_bytes(cid.hash().bytes());
}

std::string PeerId::to_string() const {
  return encode(Base::base58btc, bytes());
}

std::string PeerId::to_cid_string() const {
  const auto hash = Multihash::from_bytes(bytes());
  VIVIM_ASSERT(hash.has_value());
  return Cid(Codec::libp2p_key, *hash).to_string();
}

std::optional<PublicKey> PeerId::public_key() const {
  const auto hash = Multihash::from_bytes(bytes());
  if (!hash || hash->code() != Codec::identity) {
    return std::nullopt;
  }
  auto key = PublicKey::decode(hash->digest());
  return key ? std::optional(std::move(*key)) : std::nullopt;
}

}  // namespace vivim::multiformats
