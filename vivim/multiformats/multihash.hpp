#pragma once

#include <compare>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/error.hpp"

namespace vivim::multiformats {

/// The multicodec numbers in use (multiformats/multicodec table.csv).
enum class Codec : std::uint64_t {
  identity = 0x00,
  sha2_256 = 0x12,
  sha2_512 = 0x13,
  raw = 0x55,
  dag_pb = 0x70,
  dag_cbor = 0x71,
  libp2p_key = 0x72,
  ed25519_pub = 0xed,
  json = 0x0200,
};

/// Longest digest that a multihash may carry here, the identity "hash" included.
inline constexpr std::size_t k_digest_bytes_max = 128;

/// A hash that says which function made it: varint code, varint length, digest.
class Multihash {
 public:
  /// The SHA-256 multihash of `content`.
  static Multihash sha256_of(BytesView content);
  /// The content itself, at most k_digest_bytes_max.
  static Multihash identity_of(BytesView content);
  /// Takes a digest made elsewhere. Fails with unknown_hash, bad_digest_length or too_long.
  static Result<Multihash> from_digest(Codec code, BytesView digest);
  /// Reads exactly one multihash. Fails as from_digest, or with truncated, trailing_bytes or a
  /// varint error.
  static Result<Multihash> from_bytes(BytesView bytes);

  Codec code() const { return code_; }
  BytesView digest() const { return BytesView(bytes_).subspan(header_size_); }
  /// The whole encoding.
  const Bytes& bytes() const { return bytes_; }
  /// True when this is the hash of `content`; false for a function that cannot be computed here.
  bool matches(BytesView content) const;

  friend bool operator==(const Multihash& a, const Multihash& b) { return a.bytes_ == b.bytes_; }
  friend auto operator<=>(const Multihash& a, const Multihash& b) { return a.bytes_ <=> b.bytes_; }

 private:
  Multihash(Codec code, BytesView digest);

  Bytes bytes_;
  Codec code_;
  std::size_t header_size_;
};

}  // namespace vivim::multiformats
