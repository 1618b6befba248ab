#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/libp2p/transport/direction.hpp"
#include "vivim/multiformats/peer_id.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// Who has bytes for the frames of a FrameStream.
class FrameSource {
 public:
  virtual ~FrameSource() = default;
  /// Writes what is to be sent next into `out`, at least 1 KiB, and says how many bytes; 0: there
  /// is nothing now.
  virtual std::size_t take(MutableBytes out) = 0;
};

/// Bytes that lie together, for a FrameStream.
class BytesSource final : public FrameSource {
 public:
  explicit BytesSource(BytesView bytes) : left_(bytes) {}
  std::size_t take(MutableBytes out) override {
    const BytesView piece = left_.first(std::min(left_.size(), out.size()));
    std::ranges::copy(piece, out.begin());
    left_ = left_.subspan(piece.size());
    return piece.size();
  }
  bool empty() const { return left_.empty(); }

 private:
  BytesView left_;
};

/// A secured byte stream that can also be read and written frame by frame, without a copy.
class FrameStream : public rt::Stream {
 public:
  /// Takes frames from `source` until it has no more or a batch is full, and writes them together.
  /// How many bytes of the source that were; 0 when it had none. Errors: as of write().
  virtual rt::Co<Result<std::size_t>> write_frames(FrameSource& source) = 0;

  /// The plaintext of the next frame (or what read_some left of it), valid until the next read;
  /// empty at the end of the stream. Errors: the transport's, the security protocol's, and
  /// end_of_stream when the stream was cut off.
  virtual rt::Co<Result<BytesView>> read_frame() = 0;

  /// Memory of its buffers.
  virtual std::size_t held_bytes() const = 0;

  /// Gives buffers that hold nothing back, for a connection that rests; not while a write is
  /// pending.
  virtual void trim() = 0;
};

/// What a finished security handshake gives.
struct SecureChannel {
  multiformats::PeerId peer;
  std::unique_ptr<FrameStream> stream;
  /// The muxer that was agreed on within the handshake. Absent: negotiate it as usual.
  std::optional<std::string> muxer;
  /// What the protocol's library takes of memory at rest; it cannot be asked.
  std::uint64_t held_bytes = 0;
};

/// A security protocol: secures streams of any transport. Holds this node's identity; one object
/// serves all connections.
class Security {
 public:
  virtual ~Security() = default;

  /// What multistream agrees on: "/noise", "/tls/1.0.0". Constant.
  virtual std::string_view protocol_id() const = 0;

  /// The handshake, after multistream agreed (or, for a dialer, while it does: `transport` sends
  /// the proposal in front of the first write, and the first read fails with none_supported if the
  /// peer refused; so a dialer's first message costs no round trip of its own). What had arrived
  /// behind the agreement is read from `transport` first. `direction` outbound is the client's
  /// role. `expected`: whom we dialled; another is an error. `muxers`: ours, most wanted first, to
  /// be agreed on within the handshake if the protocol can.
  ///
  /// Errors of the transport are passed on unchanged. No deadline here: the caller resets the
  /// transport, which it may keep a pointer to until this returns or, later, until the stream goes.
  virtual rt::Co<Result<SecureChannel>> secure(std::unique_ptr<rt::Stream> transport,
                                               Direction direction,
                                               std::optional<multiformats::PeerId> expected,
                                               std::vector<std::string> muxers) = 0;
};

}  // namespace vivim::libp2p
