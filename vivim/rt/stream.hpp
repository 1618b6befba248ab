#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/co.hpp"

namespace vivim::rt {

/// An ordered byte stream with half-close: a TCP connection, a secured connection, a stream of a
/// muxer. One reader and one writer at a time. Destroying a stream that was not closed resets it;
/// destroying it while an operation is pending is a programmer's error (reset() first: pending
/// operations return RtError::closed).
class Stream {
 public:
  virtual ~Stream() = default;

  /// Reads at least one byte into `into` (not empty); 0 means that the other side has closed its
  /// writing side.
  virtual Co<Result<std::size_t>> read_some(MutableBytes into) = 0;

  /// Writes all of `bytes`, waiting for flow control; `bytes` must stay valid until it returns.
  virtual Co<Result<void>> write(BytesView bytes) = 0;

  /// Closes the writing side after what was written; reading goes on.
  virtual Co<Result<void>> close_write() = 0;

  /// Ends both directions at once; idempotent; pending operations return RtError::closed. `reason`
  /// reaches the peer where the transport carries one.
  virtual void reset(std::uint32_t reason = 0) = 0;
};

/// Reads exactly `into.size()` bytes; RtError::end_of_stream if the stream ends before.
Co<Result<void>> read_exactly(Stream& stream, MutableBytes into);

}  // namespace vivim::rt
