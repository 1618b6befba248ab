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

/// Bytes as they are stored. `bytes` is empty when `codec` is raw: then the content itself is
/// stored.
struct Packed {
  Codec codec = Codec::raw;
  std::uint64_t size = 0;  ///< of the content
  Bytes bytes;
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
  /// `size` is what the content must have; at most `size_max`. Errors: corrupt, too_large.
  Result<Bytes> unpack(Codec codec, BytesView stored, std::uint64_t size, std::uint64_t size_max);

 private:
  struct Contexts;
  std::unique_ptr<Contexts> contexts_;
};

/// A blob ready to be stored. Borrows the content, which must outlive it.
struct PackedBlob {
  BlobId id;
  Packed packed;
  BytesView content;

  BytesView stored() const { return packed.codec == Codec::raw ? content : packed.bytes; }
};

/// Hashes and compresses `content`: the costly part of storing a blob, to be done off the store's
/// worker when there are many.
PackedBlob pack_blob(Packer& packer, BytesView content);

}  // namespace vivim::store
