#include "vivim/store/packer.hpp"

#include <utility>

#include <zstd.h>

#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

/// zstd's fast levels are negative: for the small blobs of an import, level 1 takes half as long
/// again, and saves a fifth of the database.
constexpr int k_level = -1;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct Packer::Contexts {
  std::unique_ptr<ZSTD_CCtx, FreeContext> compress;
  std::unique_ptr<ZSTD_DCtx, FreeContext> decompress;
};

Packer::Packer() : contexts_(std::make_unique<Contexts>()) {}
Packer::Packer(Packer&&) noexcept = default;
Packer& Packer::operator=(Packer&&) noexcept = default;
Packer::~Packer() = default;

Packed Packer::pack(BytesView content) {
  Packed packed{.codec = Codec::raw, .size = content.size(), .bytes = {}};
  if (content.size() < k_compress_bytes_min) {
    return packed;
  }
  if (!contexts_->compress) {
    contexts_->compress.reset(ZSTD_createCCtx());
  }
  // A buffer too small for a saving of an eighth: zstd gives up instead of filling it.
  packed.bytes.resize(content.size() - content.size() / 8);
  const std::size_t size =
      ZSTD_compressCCtx(contexts_->compress.get(), packed.bytes.data(), packed.bytes.size(),
                        content.data(), content.size(), k_level);
  if (ZSTD_isError(size) != 0) {
    packed.bytes.clear();
    return packed;
  }
  packed.bytes.resize(size);
  packed.codec = Codec::zstd;
  return packed;
}

Result<Bytes> Packer::unpack(Codec codec, BytesView stored, std::uint64_t size,
                             std::uint64_t size_max) {
  if (size > size_max) {
    return fail(StoreError::too_large, size);
  }
  if (codec == Codec::raw) {
    return stored.size() == size ? Result<Bytes>(to_bytes(stored))
                                 : Result<Bytes>(fail(StoreError::corrupt));
  }
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != size) {
    return fail(StoreError::corrupt);
  }
  if (!contexts_->decompress) {
    contexts_->decompress.reset(ZSTD_createDCtx());
  }
  Bytes content(size);
  const std::size_t got = ZSTD_decompressDCtx(contexts_->decompress.get(), content.data(),
                                              content.size(), stored.data(), stored.size());
  if (got != size) {
    return fail(StoreError::corrupt);
  }
  return content;
}

PackedBlob pack_blob(Packer& packer, BytesView content) {
  return {.id = BlobId::of(content), .packed = packer.pack(content), .content = content};
}

}  // namespace vivim::store
