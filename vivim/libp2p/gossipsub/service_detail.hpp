#pragma once

#include <algorithm>

#include "vivim/libp2p/gossipsub/service.hpp"

namespace vivim::libp2p::gossipsub {

/// A peer that speaks gossipsub: our stream to it, and those of its that are read.
struct Service::Session {
  Session(const PeerId& peer_, rt::Loop& loop) : peer(peer_), wake(loop), opened(loop) {}

  /// Lets everything that waits for it end.
  void end() {
    ended = true;
    wake.set();
    opened.set();
    if (out) {
      out->reset(0);
    }
    for (rt::Stream* stream : reading) {
      stream->reset(0);
    }
  }

  /// Gives back a buffer that was not used, or far too large, since the last heartbeat: busy peers
  /// keep theirs, as memory that comes and goes is paid for in page faults.
  void trim() {
    if (batch.empty() && batch.capacity() > 2 * batch_bytes_max) {
      batch = Bytes();
    }
    batch_bytes_max = 0;
  }

  PeerId peer;
  std::optional<PeerIndex> index;
  std::unique_ptr<rt::Stream> out;
  std::vector<rt::Stream*> reading;
  Bytes batch;                      ///< that is being written
  std::size_t batch_bytes_max = 0;  ///< since the last heartbeat
  rt::Event wake;                   ///< something waits to be written
  rt::Event opened;                 ///< what it sends can be taken
  bool ended = false;
};

/// What arrives on a stream, cut into RPCs in place.
class FrameBuffer {
 public:
  /// Where to read the next bytes to: little, as there is a buffer for each peer, and more after
  /// reads that filled it.
  MutableBytes room() {
    if (bytes_.size() - end_ < room_) {
      bytes_.resize(end_ + room_);
    }
    return MutableBytes(bytes_).subspan(end_);
  }
  void filled(std::size_t size) {
    end_ += size;
    if (end_ == bytes_.size()) {
      room_ = std::min(4 * room_, k_room_max);
      small_reads_ = 0;
    } else if (size < room_ / 8 && ++small_reads_ == k_small_reads) {
      room_ = k_room_min;
      small_reads_ = 0;
    }
  }

  /// The next whole RPC, valid until compact(); none while it is incomplete. Errors: malformed (a
  /// length that is none, or too large).
  Result<std::optional<BytesView>> next() {
    const BytesView waiting = BytesView(bytes_).subspan(begin_, end_ - begin_);
    const auto size = decode_varint(waiting, k_rpc_bytes_max);
    if (!size) {
      if (size.error().is(VarintError::truncated)) {
        return std::nullopt;
      }
      return fail(GossipsubError::malformed);
    }
    if (waiting.size() - size->size < size->value) {
      return std::nullopt;
    }
    begin_ += size->size + size->value;
    return waiting.subspan(size->size, size->value);
  }

  /// Forgets the RPCs that next() gave.
  void compact() {
    std::copy(bytes_.begin() + static_cast<std::ptrdiff_t>(begin_),
              bytes_.begin() + static_cast<std::ptrdiff_t>(end_), bytes_.begin());
    end_ -= begin_;
    begin_ = 0;
    if (end_ == 0 && bytes_.size() > 2 * room_) {
      bytes_ = Bytes();
    }
  }

 private:
  static constexpr std::size_t k_room_min = 1024;
  static constexpr std::size_t k_room_max = std::size_t{64} * 1024;
  static constexpr std::size_t k_small_reads = 8;  ///< after which there is little room again

  Bytes bytes_;
  std::size_t room_ = k_room_min;
  std::size_t small_reads_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace vivim::libp2p::gossipsub
