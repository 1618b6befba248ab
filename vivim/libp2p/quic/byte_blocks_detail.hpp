#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "vivim/base/bytes.hpp"

namespace vivim::libp2p::quic {

/// Bytes of a stream in blocks that never move: first in, first out. An empty queue holds no
/// memory.
class ByteBlocks {
 public:
  /// `held`: where the memory of all blocks is summed up; outlives this.
  explicit ByteBlocks(std::size_t& held) : held_(held) {}
  ~ByteBlocks() { clear(); }
  ByteBlocks(const ByteBlocks&) = delete;
  ByteBlocks& operator=(const ByteBlocks&) = delete;

  void push(BytesView bytes);
  /// Moves up to `into.size()` bytes out and returns how many.
  std::size_t pop(MutableBytes into);
  /// Drops bytes from the front.
  void drop(std::size_t count);
  void clear();
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  friend class SendQueue;

  struct Block {
    std::unique_ptr<std::uint8_t[]> bytes;
    std::size_t end = 0;
    std::size_t capacity = 0;
  };

  std::size_t& held_;
  std::deque<Block> blocks_;
  std::size_t begin_ = 0;  ///< of the first block
  std::size_t size_ = 0;
};

/// What a stream sends: kept until it was acknowledged.
class SendQueue {
 public:
  /// `held` as of ByteBlocks.
  explicit SendQueue(std::size_t& held) : blocks_(held) {}

  void push(BytesView bytes) { blocks_.push(bytes); }
  /// What has not been sent, at most `bytes_max`, in at most `into.size()` pieces; returns how many
  /// pieces.
  std::size_t unsent(std::span<BytesView> into, std::size_t bytes_max) const;
  std::size_t unsent_bytes() const { return blocks_.size() - sent_; }
  void mark_sent(std::size_t count);
  void acknowledge(std::size_t count);
  void clear();
  /// Sent or not, all that is kept.
  std::size_t size() const { return blocks_.size(); }

 private:
  ByteBlocks blocks_;
  std::size_t sent_ = 0;
  // Where the unsent bytes begin.
  std::size_t cursor_block_ = 0;
  std::size_t cursor_offset_ = 0;
};

}  // namespace vivim::libp2p::quic
