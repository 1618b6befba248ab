#include "vivim/store/packer.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <zstd.h>

#include "vivim/base/assert.hpp"
#include "vivim/store/error.hpp"

namespace vivim::store {
namespace {

/// zstd's fast levels are negative. For the small blobs of an import, level 1 takes 1.8 times as
/// long and makes them a fifth smaller; level -5 takes 0.8 times as long and makes them a sixth
/// larger.
constexpr int k_level = -2;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

struct Packer::Contexts {
  std::unique_ptr<ZSTD_CCtx, FreeContext> compress;
  std::unique_ptr<ZSTD_DCtx, FreeContext> decompress;

  /// Bytes of the frame in `out`; nothing if compressing is not worth it. A room too small for a
  /// saving of an eighth: zstd gives up instead of filling it.
  std::optional<std::size_t> frame(BytesView content, MutableBytes out) {
    if (content.size() < k_compress_bytes_min) {
      return std::nullopt;
    }
    if (!compress) {
      compress.reset(ZSTD_createCCtx());
    }
    const std::size_t room = content.size() - content.size() / 8;
    const std::size_t size = ZSTD_compressCCtx(compress.get(), out.data(), room, content.data(),
                                               content.size(), k_level);
    return ZSTD_isError(size) != 0 ? std::nullopt : std::optional(size);
  }
};

Packer::Packer() : contexts_(std::make_unique<Contexts>()) {}
Packer::Packer(Packer&&) noexcept = default;
Packer& Packer::operator=(Packer&&) noexcept = default;
Packer::~Packer() = default;

Packed Packer::pack(BytesView content) {
  Packed packed{.codec = Codec::raw, .size = content.size(), .bytes = {}};
  const auto room = std::make_unique_for_overwrite<std::uint8_t[]>(content.size());
  if (const auto size = contexts_->frame(content, {room.get(), content.size()})) {
    packed.codec = Codec::zstd;
    packed.bytes.assign(room.get(), room.get() + *size);
  }
  return packed;
}

PackedInto Packer::pack_into(BytesView content, MutableBytes out) {
  VIVIM_ASSERT(out.size() >= content.size());
  if (const auto size = contexts_->frame(content, out)) {
    return {.codec = Codec::zstd, .bytes = *size};
  }
  std::ranges::copy(content, out.begin());
  return {.codec = Codec::raw, .bytes = content.size()};
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
