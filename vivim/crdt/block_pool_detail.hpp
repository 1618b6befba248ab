#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace vivim::crdt::detail {

/// Memory in blocks that 32-bit handles name. How much room a block has follows from the size that
/// it was taken for, so none has a header; blocks stay where they are. Freed ones are used again.
class BlockPool {
 public:
  using Ref = std::uint32_t;
  static constexpr Ref k_nothing = 0;  ///< no block has this handle
  /// So many bytes may be read from where a block begins, however small it is; and behind one that
  /// is at most k_small_max large.
  static constexpr std::size_t k_readable = 16;
  static constexpr std::size_t k_small_max = 1024;

  std::uint8_t* at(Ref ref) {
    return (ref & k_large) != 0
               ? large_[ref & ~k_large].bytes.get()
               : chunks_[ref / k_chunk_granules].get() + ref % k_chunk_granules * k_granule;
  }
  const std::uint8_t* at(Ref ref) const { return const_cast<BlockPool*>(this)->at(ref); }

  /// Where blocks are, for a loop that writes bytes: they might be the pool's own, as far as the
  /// compiler can tell, and at() would look up all again. Holds until a block is taken.
  class View {
   public:
    explicit View(const BlockPool& pool)
        : chunks_(pool.chunks_.empty() ? &k_no_chunk : pool.chunks_.data()), pool_(&pool) {}

    /// at(ref), or `there` if `elsewhere`, where `ref` may be anything: without a branch on that.
    const std::uint8_t* at_unless(bool elsewhere, Ref ref, const std::uint8_t* there) const {
      const Ref block = elsewhere ? k_nothing : ref;
      if ((block & k_large) != 0) [[unlikely]] {
        return pool_->at(ref);
      }
      const std::uint8_t* const bytes =
          chunks_[block / k_chunk_granules].get() + block % k_chunk_granules * k_granule;
      return elsewhere ? there : bytes;
    }

   private:
    static constexpr std::unique_ptr<std::uint8_t[]> k_no_chunk;

    const std::unique_ptr<std::uint8_t[]>* chunks_;
    const BlockPool* pool_;
  };

  /// A block of `bytes`.
  Ref take(std::size_t bytes);
  /// Frees the block, which was taken or resized for `bytes`.
  void give(Ref ref, std::size_t bytes);
  /// The block, which was taken for `before`, with room for `bytes`; what is in both stays.
  Ref resized(Ref ref, std::size_t before, std::size_t bytes);

 private:
  static constexpr std::size_t k_granule = 8;
  static constexpr std::uint32_t k_chunk_granules = 512;
  static constexpr Ref k_large = 0x8000'0000;
  static_assert(k_small_max == 128 * k_granule);
  static constexpr std::size_t k_classes = 24;
  static constexpr std::size_t k_bytes_max = std::size_t{1} << 31;

  /// A block too large for the chunks: it grows by doubling.
  struct Large {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t room = 0;
  };
  /// Granules of a block, and which list it goes to when it is free: all sizes up to eight
  /// granules, then four in each power of two.
  struct Room {
    std::uint32_t granules = 0;
    std::uint32_t list = 0;
  };
  static Room room_for(std::size_t bytes) {
    const auto granules = static_cast<std::uint32_t>((bytes + k_granule - 1) / k_granule);
    if (granules <= 8) {
      return granules == 0 ? Room{1, 0} : Room{granules, granules - 1};
    }
    const auto width = static_cast<std::uint32_t>(std::bit_width(granules - 1));
    const std::uint32_t quarters = ((granules - 1) >> (width - 3)) + 1;
    return {quarters << (width - 3), 8 + (width - 4) * 4 + quarters - 5};
  }
  void put_by(Ref ref, std::uint32_t list);
  void put_by_rest();
  Ref take_large(std::size_t bytes);

  std::vector<std::unique_ptr<std::uint8_t[]>> chunks_;
  std::vector<Large> large_;
  std::vector<Ref> large_free_;
  std::array<Ref, k_classes> free_{};      ///< the first of each list; the next is in the block
  std::uint32_t used_ = k_chunk_granules;  ///< granules of the last chunk
};

}  // namespace vivim::crdt::detail
