#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "vivim/base/bytes.hpp"

namespace vivim::libp2p::yamux {

/// Payload of one chunk: most frames of others fit, and it stays within the first cache levels.
inline constexpr std::size_t k_chunk_bytes = 16 * 1024;
/// A queue that holds no more than this has chunks of the size of what was pushed: a connection
/// that says little takes little.
inline constexpr std::size_t k_small_queue_bytes = 8192;
inline constexpr std::size_t k_small_chunk_bytes_min = 256;

/// A piece of a ByteQueue. The bytes are not initialised.
struct Chunk {
  std::unique_ptr<Chunk> next;
  std::unique_ptr<std::uint8_t[]> bytes;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::uint32_t capacity = 0;
};

/// Keeps up to `spare_max` chunks for the next taker, so that a busy session does not allocate.
class ChunkPool {
 public:
  explicit ChunkPool(std::size_t spare_max) : spare_max_(spare_max) {}
  ~ChunkPool();
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  /// Of k_chunk_bytes, and those are kept; or a small one.
  std::unique_ptr<Chunk> take();
  std::unique_ptr<Chunk> take_small(std::size_t bytes_min);
  void give(std::unique_ptr<Chunk> chunk);
  /// Frees what is kept.
  void clear();
  /// Of all chunks, in use or kept.
  std::size_t held_bytes() const { return held_bytes_; }

 private:
  std::unique_ptr<Chunk> make(std::size_t capacity);

  std::unique_ptr<Chunk> spare_;
  std::size_t spare_count_ = 0;
  std::size_t held_bytes_ = 0;
  std::size_t spare_max_;
};

/// First in, first out. An empty queue holds no memory.
class ByteQueue {
 public:
  explicit ByteQueue(ChunkPool& pool) : pool_(pool) {}
  ~ByteQueue() { clear(); }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  void push(BytesView bytes);
  /// Moves up to `into.size()` bytes out and returns how many.
  std::size_t pop(MutableBytes into);
  void clear();
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  void drop_head();

  ChunkPool& pool_;
  std::unique_ptr<Chunk> head_;
  Chunk* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace vivim::libp2p::yamux
