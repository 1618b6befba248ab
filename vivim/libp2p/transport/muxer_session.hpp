#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/transport/close_code.hpp"

namespace vivim::libp2p {

/// A muxer's protocol over one connection, as a SessionConnection drives it: bytes and time in,
/// bytes and events out. A stream lives from its opening to release().
class MuxerSession {
 public:
  /// A stream, by any number that is its own as long as it lives.
  using StreamKey = std::uint64_t;
  /// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
  using Time = std::chrono::nanoseconds;

  enum class EventKind : std::uint8_t {
    opened,   ///< the peer opened `stream`
    changed,  ///< who waits for `stream` looks again: readable, writable, closed or reset
    leaving,  ///< the peer opens no streams any more, and takes none; `code` may say why
  };
  struct Event {
    EventKind kind = EventKind::changed;
    StreamKey stream = 0;
    CloseCode code = CloseCode::none;
  };
  /// What read() found: bytes, nothing yet (count 0), or the end of the stream.
  struct ReadOutcome {
    std::size_t count = 0;
    bool at_end = false;
  };

  virtual ~MuxerSession() = default;

  /// Takes bytes of the connection. Errors are the peer's and end the session.
  virtual Result<void> feed(BytesView in, Time now) = 0;
  /// False while the driver is to read nothing more.
  virtual bool wants_input() const { return true; }
  /// Writes what is to be sent into `out`, at least 1 KiB, and says how many bytes: 0 is none.
  virtual std::size_t poll_transmit(MutableBytes out, Time now) = 0;
  virtual bool wants_transmit() const = 0;
  /// The next thing to know; asked until it is empty after every other call.
  virtual std::optional<Event> poll_event() = 0;
  virtual std::optional<Time> next_deadline() const = 0;
  virtual Result<void> on_deadline(Time now) = 0;
  /// Tells the peer that the connection is about to end, and why, if it can: behind what can be
  /// sent before.
  virtual void leave(CloseCode code) = 0;
  /// After leave(): drops every stream and what it holds. What is queued for the peer besides still
  /// leaves; nothing is fed any more, and every call of a stream fails.
  virtual void abandon() = 0;
  /// Frees memory that holds nothing.
  virtual void trim() = 0;
  /// Memory of buffers and streams, what is kept for the next bytes included. Asked all the time.
  virtual std::size_t held_bytes() const = 0;

  virtual Result<StreamKey> open_stream() = 0;
  /// Moves received bytes into `into`; ends what expect() began.
  virtual Result<ReadOutcome> read(StreamKey stream, MutableBytes into) = 0;
  /// Until the next read(), which is to be given the same `into`, received bytes may be put there
  /// at once: for a reader that found nothing.
  virtual void expect(StreamKey stream, MutableBytes into) = 0;
  /// Takes as much of `bytes` as there is room for; `changed` follows when that is less than all.
  virtual Result<std::size_t> write(StreamKey stream, BytesView bytes) = 0;
  /// Sends `bytes` from where they lie, behind what was written: they stay valid until lent() says
  /// 0, or take_back(). False when this session only copies.
  virtual bool lend(StreamKey stream, BytesView bytes) = 0;
  /// How much of what was lent has not left; `changed` follows when it has. Errors: as write().
  virtual Result<std::size_t> lent(StreamKey stream) = 0;
  virtual void take_back(StreamKey stream) = 0;
  virtual Result<void> close_write(StreamKey stream) = 0;
  virtual void reset(StreamKey stream, std::uint32_t code) = 0;
  virtual void release(StreamKey stream) = 0;
  /// What rt::Stream promises for an error of a stream: RtError::reset or RtError::closed.
  virtual Error translate(const Error& error) const = 0;

  /// Streams of the peer that were reset because it had too many.
  virtual std::uint64_t refused_streams() const = 0;
  virtual std::optional<Time> rtt() const = 0;
  virtual void set_rtt(Time rtt) = 0;
};

}  // namespace vivim::libp2p
