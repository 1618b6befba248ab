#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/mplex/error.hpp"
#include "vivim/libp2p/mplex/frame.hpp"

namespace vivim::libp2p::mplex {

inline constexpr std::string_view k_protocol_id = "/mplex/6.7.0";

/// Longest name that a stream may have.
inline constexpr std::size_t k_name_bytes_max = 256;

/// Answers (resets of refused streams) that may wait for the peer to read: control_flood.
inline constexpr std::size_t k_control_bytes_max = std::size_t{64} * 1024;

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

/// Limits of one session. Memory that a peer can make it hold is at most the streams times
/// receive_buffer_bytes_max, and one feed() more.
struct Config {
  /// What a stream holds for its reader before the session wants no more input.
  std::size_t receive_buffer_bytes_max = std::size_t{256} * 1024;
  /// How long a full stream may stop the whole connection; then it is reset. mplex has no flow
  /// control of single streams.
  Time slow_reader_time = std::chrono::seconds(5);
  /// What write() holds of one stream before it accepts no more.
  std::size_t send_buffer_bytes_max = std::size_t{256} * 1024;
  /// Largest data of a message that we send while no other stream waits.
  std::size_t message_bytes_max = std::size_t{64} * 1024 - k_header_bytes_max;
  /// Streams that the peer may have open (counted until release()); further ones are reset.
  std::size_t inbound_streams_max = 256;
  /// Streams that we may have open.
  std::size_t outbound_streams_max = 1024;
};

enum class EventKind : std::uint8_t {
  opened,    ///< the peer opened `stream`
  readable,  ///< read() has bytes, or the end, for `stream`
  writable,  ///< write() accepts bytes again after it accepted less than it was given
  closed,    ///< both sides closed `stream` and all was sent; what is buffered can still be read
  reset,     ///< the peer reset `stream`, or it was reset for its slow reader
  can_open,  ///< open_stream() may succeed again after too_many_streams
};

struct Event {
  EventKind kind = EventKind::readable;
  StreamId stream = {};
};

/// What read() found: bytes, nothing yet (count 0), or the end of the stream.
struct ReadOutcome {
  std::size_t count = 0;
  bool at_end = false;
};

struct StreamState;

/// mplex over one secured connection (libp2p/specs mplex/README.md). Sans-IO: feed() what arrives
/// while wants_input(), write what poll_transmit() gives, look at poll_event() after every feed(),
/// call on_deadline() at next_deadline().
///
/// A stream lives until release(), whatever the peer does. After an error of feed() the session is
/// dead: every call returns that error. Not thread-safe.
class Session {
 public:
  explicit Session(Config config);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Takes bytes of the connection, in pieces of any size. Errors are the peer's and end the
  /// session.
  Result<void> feed(BytesView in, Time now);

  /// False while a stream is full: the driver stops reading the connection until somebody read
  /// from that stream, or on_deadline() reset it. feed() takes what it is given all the same.
  bool wants_input() const { return full_ == 0; }

  /// The next thing to know; call until it is empty.
  std::optional<Event> poll_event();

  /// True when poll_transmit() may have something.
  bool wants_transmit() const { return !control_.empty() || !ready_.empty(); }

  /// Writes messages into `out` and returns how many bytes: resets first, then streams by turns.
  /// `out` should hold at least 16 KiB; 0 means that there is nothing to send now.
  std::size_t poll_transmit(MutableBytes out);

  /// Opens a stream; it can be written to at once. `name` is for people who look at the wire, at
  /// most k_name_bytes_max. Errors: too_many_streams.
  Result<StreamId> open_stream(std::string name = {});

  /// The name that the opener gave a stream; empty for an unknown one.
  std::string_view name(StreamId stream) const;

  /// Takes as much of `bytes` as the send buffer holds; when that is less than all,
  /// EventKind::writable follows. Errors: unknown_stream, stream_closed, stream_reset, slow_reader.
  Result<std::size_t> write(StreamId stream, BytesView bytes);

  /// Moves received bytes into `into` (not empty). Errors: unknown_stream, stream_reset,
  /// stream_closed (after our reset()), slow_reader. A peer's reset does not take what it had
  /// completed by closing.
  Result<ReadOutcome> read(StreamId stream, MutableBytes into);

  /// Closes the writing side behind what was written; reading goes on. Idempotent. Errors:
  /// unknown_stream, stream_reset, stream_closed, slow_reader.
  Result<void> close_write(StreamId stream);

  /// Ends both directions and drops what is buffered. Idempotent; without effect on a released
  /// stream.
  void reset(StreamId stream);

  /// Forgets a stream: resets it unless this side has closed it, in which case what was written
  /// still leaves, and the peer's further data is dropped.
  void release(StreamId stream);

  /// Is dead at once: all streams are gone, and what they held.
  void abandon();

  /// When on_deadline() is to be called; may move with every call.
  std::optional<Time> next_deadline() const;

  /// Resets streams that are full for too long.
  void on_deadline(Time now);

  /// Memory of streams and buffers.
  std::size_t held_bytes() const;

  std::size_t inbound_streams() const { return inbound_; }
  std::size_t outbound_streams() const { return streams_.size() - inbound_; }
  /// Streams of the peer that were refused by inbound_streams_max.
  std::uint64_t refused_streams() const { return refused_; }

 private:
  StreamState* find(StreamId id);
  StreamState& add(StreamId id, std::string name);
  void erase(StreamId id);
  Result<StreamState*> find_usable(StreamId id);
  void emit(EventKind kind, StreamId id) { events_.push_back({.kind = kind, .stream = id}); }
  void emit_readable(StreamState& stream);
  void schedule(StreamState& stream);
  void push_reset(StreamId id);
  void end_by_us(StreamState& stream, MplexError why);
  void settle(StreamState& stream);

  Result<void> feed_all(BytesView in, Time now);
  Result<void> on_header(const Header& header);
  Result<void> on_new_stream(const Header& header);
  Result<void> on_name();
  void on_data(StreamState& stream, BytesView data, Time now);
  void on_close(StreamState& stream);
  void on_peer_reset(StreamState& stream);
  void mark_full(StreamState& stream, std::optional<Time> since);

  std::size_t transmit_control(MutableBytes out);
  std::size_t transmit_stream(StreamState& stream, MutableBytes out);
  std::size_t transmit_opening(StreamState& stream, MutableBytes out);
  std::size_t transmit_message(StreamState& stream, MutableBytes out);

  Config config_;
  std::size_t queues_bytes_ = 0;  ///< memory of all streams' queues
  std::map<StreamId, std::unique_ptr<StreamState>> streams_;
  std::deque<Event> events_;
  std::deque<StreamId> ready_;  ///< streams that have something to send
  Bytes control_;               ///< whole messages that leave before all others
  Bytes header_;                ///< of a message whose header is not complete
  Header current_;              ///< the message whose data comes now
  std::size_t data_left_ = 0;
  Bytes name_;
  std::uint64_t next_number_ = 0;
  std::size_t inbound_ = 0;
  std::uint64_t refused_ = 0;
  std::size_t full_ = 0;  ///< streams above receive_buffer_bytes_max
  bool open_wanted_ = false;
  std::optional<Error> failure_;
};

}  // namespace vivim::libp2p::mplex
