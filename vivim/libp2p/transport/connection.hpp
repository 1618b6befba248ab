#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "vivim/base/result.hpp"
#include "vivim/libp2p/transport/close_reason.hpp"
#include "vivim/libp2p/transport/memory_account.hpp"
#include "vivim/rt/clock.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p {

/// Many streams over one secured connection. Its owner awaits run() and destroys it then; one that
/// was never run may be destroyed at once, which ends it. Streams that are still held can read what
/// had arrived until that, and fail from then on. Belongs to one loop.
class MuxedConnection {
 public:
  MuxedConnection() = default;
  virtual ~MuxedConnection() = default;
  MuxedConnection(const MuxedConnection&) = delete;
  MuxedConnection& operator=(const MuxedConnection&) = delete;

  /// Moves bytes until the connection is closed by either side; returns when all its tasks ended.
  /// Called once.
  virtual rt::Co<void> run() = 0;

  /// Begins the end: announces it, sends what is queued, and closes. The first reason counts.
  virtual void close(CloseReason reason) = 0;
  virtual bool closed() const = 0;
  /// Why it closed; only once closed().
  virtual const CloseReason& reason() const = 0;
  /// Whether new streams can be opened: neither side has announced the end.
  virtual bool open() const = 0;

  /// Opens a stream, at once. Errors: the muxer's (too many streams); RtError::closed.
  virtual Result<std::unique_ptr<rt::Stream>> open_stream() = 0;
  /// The next stream that the peer opened; null once closed.
  virtual rt::Co<std::unique_ptr<rt::Stream>> accept() = 0;

  /// Calls `action` once, when the connection is closed and nobody holds a stream of it; at once if
  /// that is so already.
  virtual void when_idle(std::move_only_function<void()> action) = 0;
  /// Streams that somebody holds, of both sides.
  virtual std::size_t streams() const = 0;
  /// Streams of the peer that were refused because it has too many.
  virtual std::uint64_t refused_streams() const { return 0; }

  /// Memory of its buffers and streams: what arrived and was not read, what was written and has
  /// not left, and what is kept for the next bytes.
  virtual std::uint64_t held_bytes() const = 0;
  /// Tells `report` from now on, in steps, how much of held_bytes() there is beyond
  /// k_resting_buffer_bytes. When it refuses more, the connection drops it all and closes with
  /// CloseCause::limit and the report's error. Called at most once, before run().
  virtual void count_memory(MemoryAccount::Report report) = 0;

  /// The last round-trip time that is known.
  virtual std::optional<rt::Duration> rtt() const = 0;
  /// A round-trip time that was measured otherwise (by the ping protocol).
  virtual void set_rtt(rt::Duration rtt) = 0;
};

}  // namespace vivim::libp2p
