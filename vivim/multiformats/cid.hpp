#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "vivim/multiformats/multibase.hpp"
#include "vivim/multiformats/multihash.hpp"

namespace vivim::multiformats {

/// A content identifier: what kind of content, and its hash. Version 1, or version 0 (dag-pb,
/// SHA-256, base58 only).
class Cid {
 public:
  /// A CIDv1.
  Cid(Codec codec, Multihash hash) : Cid(1, codec, std::move(hash)) {}
  /// The CIDv1 of raw `content`, hashed with SHA-256: the name of a blob.
  static Cid of_raw(BytesView content);
  /// Reads exactly one binary CID, version 0 or 1.
  static Result<Cid> from_bytes(BytesView bytes);
  /// Reads a CID's text: CIDv1 in any base of Base, or CIDv0 ("Qm...").
  static Result<Cid> parse(std::string_view text);

  int version() const { return version_; }
  Codec codec() const { return codec_; }
  const Multihash& hash() const { return hash_; }
  Bytes to_bytes() const;
  /// The canonical text: base32 for version 1, bare base58 for version 0.
  std::string to_string() const;

  friend bool operator==(const Cid&, const Cid&) = default;
  friend auto operator<=>(const Cid&, const Cid&) = default;

 private:
  Cid(int version, Codec codec, Multihash hash)
      : version_(version), codec_(codec), hash_(std::move(hash)) {}

  int version_;
  Codec codec_;
  Multihash hash_;
};

}  // namespace vivim::multiformats
