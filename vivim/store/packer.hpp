#pragma once

#include <cstdint>
#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::store {

/// Largest blob, uncompressed.
inline constexpr std::uint64_t k_blob_bytes_max = 256ULL << 20;
/// Largest update or snapshot, uncompressed.
inline constexpr std::uint64_t k_update_bytes_max = 64ULL << 20;
/// Below this, compressing is not tried.
inline constexpr std::size_t k_compress_bytes_min = 512;

/// How stored bytes are encoded.
enum class Codec : std::uint8_t { raw = 0, zstd = 1 };

/// Bytes as they are stored. `bytes` is empty when what is stored stands elsewhere: the content
/// itself when `codec` is raw, or where Packer::pack_into() put it.
struct Packed {
  Codec codec = Codec::raw;
  std::uint64_t size = 0;  ///< of the content
  Bytes bytes;

  /// What is stored, `elsewhere` if it is not here.
  BytesView stored(BytesView elsewhere) const { return bytes.empty() ? elsewhere : bytes; }
};

/// What Packer::pack_into() wrote.
struct PackedInto {
  Codec codec = Codec::raw;
  std::size_t bytes = 0;
};

/// Compresses and decompresses, keeping zstd's working memory between calls. One thread at a time.
class Packer {
 public:
  Packer();
  Packer(Packer&&) noexcept;
  Packer& operator=(Packer&&) noexcept;
  ~Packer();

  /// Compressed, fast rather than well, if that saves at least an eighth.
  Packed pack(BytesView content);
  /// The same to the beginning of `out`, which must have room for the content as it is. For who
  /// packs very many, and keeps them in one piece of memory.
  PackedInto pack_into(BytesView content, MutableBytes out);
  /// `size` is what the content must have; at most `size_max`. Errors: corrupt, too_large.
  Result<Bytes> unpack(Codec codec, BytesView stored, std::uint64_t size, std::uint64_t size_max);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

/// A blob ready to be stored. Borrows the content, which must outlive it; when packed.bytes is
/// empty, `content` is what is stored.
struct PackedBlob {
  BlobId id;
  Packed packed;
  BytesView content;

  BytesView stored() const { return packed.stored(content); }
};

/// Hashes and compresses `content`: the costly part of storing a blob, to be done off the store's
/// worker when there are many.
PackedBlob pack_blob(Packer& packer, BytesView content);

}  // namespace vivim::store
