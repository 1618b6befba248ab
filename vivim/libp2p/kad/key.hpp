#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::libp2p::kad {

using multiformats::PeerId;

inline constexpr std::size_t k_key_bytes = 20;
inline constexpr unsigned k_key_bits = 160;

/// How far apart two keys are: their XOR, compared as a number. Nearer is less.
struct Distance {
  std::array<std::uint8_t, k_key_bytes> bytes{};

  /// As a part of the whole space, from 0 to 1.
  double fraction() const;
  /// The inverse, of a number from 0 to 1: as exact as that is.
  static Distance of_fraction(double fraction);

  friend auto operator<=>(const Distance&, const Distance&) = default;
};

/// A place in the DHT's space: the leading 160 bits of the SHA-256 of what is looked up (a peer
/// id, the key of a value, a multihash). In XOR order these agree with libp2p's 256 bits
/// (docs/adr/0008).
class Key {
 public:
  Key() = default;
  /// Where `raw` is.
  static Key of(BytesView raw);
  static Key of(const PeerId& peer) { return of(peer.bytes()); }
  /// Exactly these bits.
  static Key at(const std::array<std::uint8_t, k_key_bytes>& bytes);

  const std::array<std::uint8_t, k_key_bytes>& bytes() const { return bytes_; }
  Distance distance(const Key& other) const;
  /// How many leading bits two keys share: 0 to 160.
  unsigned common_prefix(const Key& other) const;
  /// The same key with bit `index` the other way; 0 is the first.
  Key flipped(unsigned index) const;

  friend auto operator<=>(const Key&, const Key&) = default;

 private:
  std::array<std::uint8_t, k_key_bytes> bytes_{};
};

/// Deepest prefix that preimage() finds; each bit doubles its work: about 65,000 hashes.
inline constexpr unsigned k_preimage_bits_max = 16;

/// Something to look up whose key shares the first `bits` bits with `near`, found by trying: a
/// SHA-256 multihash, which every implementation takes for a peer id. `salt` chooses among many.
/// More than k_preimage_bits_max bits are not looked for.
Bytes preimage(const Key& near, unsigned bits, std::uint32_t salt);

}  // namespace vivim::libp2p::kad
