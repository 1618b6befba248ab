#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"

namespace vivim::store {

/// A document's id: 16 random bytes; as text 26 characters of lower-case base32
/// (docs/protocol/conversation.md#ids).
struct DocumentId {
  std::array<std::uint8_t, 16> bytes{};

  /// From exactly 16 bytes; StoreError::malformed otherwise.
  static Result<DocumentId> from_bytes(BytesView bytes);
  /// From its text form; StoreError::malformed otherwise.
  static Result<DocumentId> parse(std::string_view text);

  BytesView view() const { return bytes; }
  std::string to_text() const;
  auto operator<=>(const DocumentId&) const = default;
};

/// A grant's id (docs/protocol/sync.md#tickets).
struct GrantId {
  std::array<std::uint8_t, 16> bytes{};

  static Result<GrantId> from_bytes(BytesView bytes);
  BytesView view() const { return bytes; }
  auto operator<=>(const GrantId&) const = default;
};

/// The address of immutable bytes: their SHA-256. As a CID: version 1, raw codec, sha2-256
/// (`bafkrei...`).
struct BlobId {
  std::array<std::uint8_t, 32> digest{};

  /// The id that `content` has.
  static BlobId of(BytesView content);
  /// From a binary CID of exactly that kind; StoreError::malformed otherwise.
  static Result<BlobId> from_cid(BytesView cid);
  /// From the text of such a CID (multibase base32, 'b' first); StoreError::malformed otherwise.
  static Result<BlobId> parse(std::string_view text);

  /// The binary CID: 36 bytes.
  Bytes cid() const;
  /// `bafkrei...`: 59 characters.
  std::string to_text() const;
  BytesView view() const { return digest; }
  auto operator<=>(const BlobId&) const = default;
};

}  // namespace vivim::store

template <>
struct std::hash<vivim::store::DocumentId> {
  std::size_t operator()(const vivim::store::DocumentId& id) const noexcept {
    return std::hash<std::string_view>{}(vivim::as_text(id.bytes));
  }
};

template <>
struct std::hash<vivim::store::BlobId> {
  std::size_t operator()(const vivim::store::BlobId& id) const noexcept {
    return std::hash<std::string_view>{}(vivim::as_text(id.digest));
  }
};
