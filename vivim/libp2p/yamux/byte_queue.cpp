#include <algorithm>
#include <cstring>
#include <utility>

#include "vivim/libp2p/yamux/byte_queue_detail.hpp"

namespace vivim::libp2p::yamux {

namespace {

std::size_t bytes_of(const Chunk& chunk) {
  return sizeof(Chunk) + chunk.capacity;
}

}  // namespace

// Chunk by chunk: a chain of unique_ptr would recurse.
ChunkPool::~ChunkPool() {
  clear();
}

void ChunkPool::clear() {
  while (spare_) {
    spare_ = std::move(spare_->next);
  }
  held_bytes_ -= std::exchange(spare_count_, 0) * (sizeof(Chunk) + k_chunk_bytes);
}

std::unique_ptr<Chunk> ChunkPool::make(std::size_t capacity) {
  auto chunk = std::make_unique<Chunk>();
  chunk->bytes = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  chunk->capacity = static_cast<std::uint32_t>(capacity);
  held_bytes_ += bytes_of(*chunk);
  return chunk;
}

std::unique_ptr<Chunk> ChunkPool::take() {
  if (!spare_) {
    return make(k_chunk_bytes);
  }
  auto chunk = std::move(spare_);
  spare_ = std::move(chunk->next);
  --spare_count_;
  chunk->begin = 0;
  chunk->end = 0;
  return chunk;
}

std::unique_ptr<Chunk> ChunkPool::take_small(std::size_t bytes_min) {
  return make(std::max(bytes_min, k_small_chunk_bytes_min));
}

void ChunkPool::give(std::unique_ptr<Chunk> chunk) {
  if (spare_count_ == spare_max_ || chunk->capacity < k_chunk_bytes) {
    held_bytes_ -= bytes_of(*chunk);
    return;
  }
  chunk->next = std::move(spare_);
  spare_ = std::move(chunk);
  ++spare_count_;
}

void ByteQueue::push(BytesView bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->end == tail_->capacity) {
      const bool small = size_ <= k_small_queue_bytes;
      auto chunk = small ? pool_.take_small(bytes.size()) : pool_.take();
      auto* fresh = chunk.get();
      (tail_ == nullptr ? head_ : tail_->next) = std::move(chunk);
      tail_ = fresh;
    }
    const auto count = std::min<std::size_t>(bytes.size(), tail_->capacity - tail_->end);
    std::memcpy(tail_->bytes.get() + tail_->end, bytes.data(), count);
    tail_->end += static_cast<std::uint32_t>(count);
    bytes = bytes.subspan(count);
  }
}

std::size_t ByteQueue::pop(MutableBytes into) {
  const auto total = std::min(into.size(), size_);
  for (std::size_t done = 0; done < total;) {
    const auto count = std::min<std::size_t>(total - done, head_->end - head_->begin);
    std::memcpy(into.data() + done, head_->bytes.get() + head_->begin, count);
    head_->begin += static_cast<std::uint32_t>(count);
    done += count;
    if (head_->begin == head_->end) {
      drop_head();
    }
  }
  size_ -= total;
  return total;
}

void ByteQueue::clear() {
  while (head_) {
    drop_head();
  }
  size_ = 0;
}

void ByteQueue::drop_head() {
  auto chunk = std::move(head_);
  head_ = std::move(chunk->next);
  if (!head_) {
    tail_ = nullptr;
  }
  pool_.give(std::move(chunk));
}

}  // namespace vivim::libp2p::yamux
