#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/keys.hpp"

namespace vivim::multiformats {

/// A public key whose encoding is at most this long is its own peer id (specs/peer-ids).
inline constexpr std::size_t k_inline_key_bytes_max = 42;

/// Who a peer is: the multihash of its public key. A small value: copy freely, compare, order,
/// hash.
class PeerId {
 public:
  static PeerId of(const PublicKey& key);
  static PeerId of(const crypto::KeyPair& pair) { return of(PublicKey(pair.public_key())); }
  /// Reads the multihash. Fails with not_a_peer_id for another hash than identity of a key or
  /// SHA-256.
  static Result<PeerId> from_bytes(BytesView bytes);
  /// Reads bare base58 ("12D3KooW...", "Qm...") or a CIDv1 with codec libp2p-key ("bafz...").
  static Result<PeerId> parse(std::string_view text);

  BytesView bytes() const { return BytesView(bytes_).first(size_); }
  /// Bare base58, the canonical text.
  std::string to_string() const;
  /// The text as a CIDv1 in base32.
  std::string to_cid_string() const;
  /// The public key itself, when the id carries it (Ed25519, secp256k1).
  std::optional<PublicKey> public_key() const;
  /// True when this is the id of `key`.
  bool matches(const PublicKey& key) const { return of(key) == *this; }

  friend bool operator==(const PeerId&, const PeerId&) = default;
  friend auto operator<=>(const PeerId&, const PeerId&) = default;

 private:
  explicit PeerId(BytesView bytes);

  std::array<std::uint8_t, k_inline_key_bytes_max + 2> bytes_{};
  std::uint8_t size_ = 0;
};

}  // namespace vivim::multiformats

/// For unordered containers; ids are uniformly distributed towards their end.
template <>
struct std::hash<vivim::multiformats::PeerId> {
  std::size_t operator()(const vivim::multiformats::PeerId& id) const noexcept {
    return std::hash<std::string_view>{}(vivim::as_text(id.bytes()));
  }
};
