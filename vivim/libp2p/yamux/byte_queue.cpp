#include <algorithm>
#include <cstring>
#include <utility>

#include "vivim/libp2p/yamux/byte_queue_detail.hpp"

namespace vivim::libp2p::yamux {

// Chunk by chunk: a chain of unique_ptr would recurse.
ChunkPool::~ChunkPool() {
  clear();
}

void ChunkPool::clear() {
  while (spare_) {
    spare_ = std::move(spare_->next);
  }
  chunks_ -= std::exchange(spare_count_, 0);
}

std::unique_ptr<Chunk> ChunkPool::take() {
  if (!spare_) {
    ++chunks_;
    return std::make_unique_for_overwrite<Chunk>();
  }
  auto chunk = std::move(spare_);
  spare_ = std::move(chunk->next);
  --spare_count_;
  chunk->begin = 0;
  chunk->end = 0;
  return chunk;
}

void ChunkPool::give(std::unique_ptr<Chunk> chunk) {
  if (spare_count_ == spare_max_) {
    --chunks_;
    return;
  }
  chunk->next = std::move(spare_);
  spare_ = std::move(chunk);
  ++spare_count_;
}

void ByteQueue::push(BytesView bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (tail_ == nullptr || tail_->end == k_chunk_bytes) {
      auto chunk = pool_.take();
      auto* fresh = chunk.get();
      (tail_ == nullptr ? head_ : tail_->next) = std::move(chunk);
      tail_ = fresh;
    }
    const auto count = std::min(bytes.size(), k_chunk_bytes - tail_->end);
    std::memcpy(tail_->bytes.data() + tail_->end, bytes.data(), count);
    tail_->end += static_cast<std::uint32_t>(count);
    bytes = bytes.subspan(count);
  }
}

std::size_t ByteQueue::pop(MutableBytes into) {
  const auto total = std::min(into.size(), size_);
  for (std::size_t done = 0; done < total;) {
    const auto count = std::min<std::size_t>(total - done, head_->end - head_->begin);
    std::memcpy(into.data() + done, head_->bytes.data() + head_->begin, count);
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
