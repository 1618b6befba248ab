#include <algorithm>
#include <cstring>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/quic/byte_blocks_detail.hpp"

namespace vivim::libp2p::quic {

namespace {

constexpr std::size_t k_block_bytes_min = 1024;
constexpr std::size_t k_block_bytes_max = std::size_t{64} * 1024;

}  // namespace

void ByteBlocks::push(BytesView bytes) {
  size_ += bytes.size();
  while (!bytes.empty()) {
    if (blocks_.empty() || blocks_.back().end == blocks_.back().capacity) {
      // Small messages take small blocks; a stream that flows takes large ones.
      const std::size_t wanted = blocks_.empty() ? bytes.size() : k_block_bytes_max;
      const std::size_t capacity = std::clamp(wanted, k_block_bytes_min, k_block_bytes_max);
      blocks_.push_back({.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(capacity),
                         .capacity = capacity});
      held_ += capacity;
    }
    Block& block = blocks_.back();
    const std::size_t count = std::min(bytes.size(), block.capacity - block.end);
    std::memcpy(block.bytes.get() + block.end, bytes.data(), count);
    block.end += count;
    bytes = bytes.subspan(count);
  }
}

std::size_t ByteBlocks::pop(MutableBytes into) {
  std::size_t total = 0;
  while (!into.empty() && size_ > 0) {
    const Block& block = blocks_.front();
    const std::size_t count = std::min(into.size(), block.end - begin_);
    std::memcpy(into.data(), block.bytes.get() + begin_, count);
    into = into.subspan(count);
    total += count;
    drop(count);
  }
  return total;
}

void ByteBlocks::drop(std::size_t count) {
  VIVIM_ASSERT(count <= size_);
  size_ -= count;
  while (count > 0) {
    const std::size_t here = std::min(count, blocks_.front().end - begin_);
    begin_ += here;
    count -= here;
    if (begin_ == blocks_.front().end) {
      held_ -= blocks_.front().capacity;
      blocks_.pop_front();
      begin_ = 0;
    }
  }
}

void ByteBlocks::clear() {
  for (const Block& block : blocks_) {
    held_ -= block.capacity;
  }
  blocks_.clear();
  begin_ = 0;
  size_ = 0;
}

std::size_t SendQueue::unsent(std::span<BytesView> into, std::size_t bytes_max) const {
  std::size_t pieces = 0;
  std::size_t offset = std::max(cursor_offset_, cursor_block_ == 0 ? blocks_.begin_ : 0);
  for (std::size_t i = cursor_block_; i < blocks_.blocks_.size() && pieces < into.size(); ++i) {
    const auto& block = blocks_.blocks_[i];
    const std::size_t count = std::min(bytes_max, block.end - offset);
    if (count > 0) {
      into[pieces++] = BytesView(block.bytes.get() + offset, count);
      bytes_max -= count;
    }
    offset = 0;
    if (bytes_max == 0) {
      break;
    }
  }
  return pieces;
}

void SendQueue::mark_sent(std::size_t count) {
  VIVIM_ASSERT(count <= unsent_bytes());
  sent_ += count;
  cursor_offset_ = std::max(cursor_offset_, cursor_block_ == 0 ? blocks_.begin_ : 0);
  while (count > 0) {
    const std::size_t left = blocks_.blocks_[cursor_block_].end - cursor_offset_;
    if (count < left) {
      cursor_offset_ += count;
      return;
    }
    count -= left;
    if (cursor_block_ + 1 == blocks_.blocks_.size()) {
      cursor_offset_ += left;  // stays in the last block, which may grow
      VIVIM_ASSERT(count == 0);
      return;
    }
    ++cursor_block_;
    cursor_offset_ = 0;
  }
}

void SendQueue::acknowledge(std::size_t count) {
  VIVIM_ASSERT(count <= sent_);
  sent_ -= count;
  const std::size_t before = blocks_.blocks_.size();
  blocks_.drop(count);
  const std::size_t gone = before - blocks_.blocks_.size();
  if (gone > cursor_block_) {
    cursor_block_ = 0;
    cursor_offset_ = 0;
  } else {
    cursor_block_ -= gone;
  }
}

void SendQueue::clear() {
  blocks_.clear();
  sent_ = cursor_block_ = cursor_offset_ = 0;
}

}  // namespace vivim::libp2p::quic
