#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "vivim/base/bytes.hpp"
#include "vivim/base/fifo.hpp"
#include "vivim/base/result.hpp"
#include "vivim/libp2p/yamux/error.hpp"
#include "vivim/libp2p/yamux/frame.hpp"

namespace vivim::libp2p::yamux {

inline constexpr std::string_view k_protocol_id = "/yamux/1.0.0";

/// Answers (to pings, refused streams, resets) that may wait for the peer to read: control_flood.
inline constexpr std::size_t k_control_bytes_max = 64 * 1024;

/// A stream of one session: odd when the dialer of the connection opened it, even when the listener
/// did.
enum class StreamId : std::uint32_t {};

/// A point of the driver's monotonic clock, counted from any fixed start; or a span of it.
using Time = std::chrono::nanoseconds;

/// Which end of the connection this is.
enum class Role : std::uint8_t { dialer, listener };

/// Why a session ends (libp2p/specs yamux/README.md, "Session termination"). Those of the
/// application may be sent too, as go-yamux does: from 0x1000 on.
enum class GoAwayCode : std::uint32_t { normal = 0, protocol_error = 1, internal_error = 2 };

class WindowBudget;

/// Limits of one session. Memory that a peer can make it hold is at most inbound + outbound streams
/// times 256 KiB plus window_growth_bytes_max for what arrived, and what the application wrote for
/// what leaves.
struct Config {
  /// Up to where one stream's receive window may grow; at least k_initial_window_bytes.
  std::uint32_t window_bytes_max = 16 * 1024 * 1024;
  /// What all windows together may grow beyond the initial ones.
  std::uint64_t window_growth_bytes_max = 64 * 1024 * 1024;
  /// What the windows of all sessions that have this budget may grow; null: no such limit.
  WindowBudget* windows = nullptr;
  /// What write() holds of one stream before it accepts no more.
  std::size_t send_buffer_bytes_max = 256 * 1024;
  /// Largest payload of a frame that we send while no other stream waits.
  std::size_t frame_payload_bytes_max = 64 * 1024 - k_header_bytes;
  /// Streams that the peer may have open (counted until release()); further SYNs are answered with
  /// RST.
  std::size_t inbound_streams_max = 256;
  /// Streams that we may have open.
  std::size_t outbound_streams_max = 1024;
  /// Streams that we open before the peer acknowledges one; others reset what exceeds 256.
  std::size_t ack_backlog_max = 256;
  /// A ping at once and so often after the last answer; zero: only when ping() is called.
  Time keep_alive_interval = std::chrono::seconds(30);
  /// A ping without an answer and without any other byte for so long ends the session.
  Time ping_timeout = std::chrono::seconds(10);
  /// Whether reset codes are sent (in the length of a window update, as go-yamux v5 does) or always
  /// 0.
  bool send_reset_codes = true;
  /// The code for streams that inbound_streams_max refuses.
  std::uint32_t refused_code = 0;
};

enum class EventKind : std::uint8_t {
  opened,    ///< the peer opened `stream`; it is acknowledged by itself
  readable,  ///< read() has bytes, or the end, for `stream`
  writable,  ///< write() accepts bytes again after it accepted less than it was given
  closed,    ///< both sides closed `stream` and all was sent; what is buffered can still be read
  reset,     ///< the peer reset `stream` with `code`
  can_open,  ///< open_stream() may succeed again after too_many_streams or backlog_full
  pong,      ///< a ping was answered after `rtt`
  go_away,   ///< the peer ends the session with `code`: no new streams, open ones go on until it
             ///< closes the connection
};

struct Event {
  EventKind kind = EventKind::readable;
  StreamId stream{};
  std::uint32_t code = 0;
  Time rtt{};
};

/// What read() found: bytes, nothing yet (count 0), or the end of the stream.
struct ReadOutcome {
  std::size_t count = 0;
  bool at_end = false;
};

struct StreamState;
class ChunkPool;

/// yamux over one secured connection (libp2p/specs yamux/README.md). Sans-IO: feed() what arrives,
/// write what poll_transmit() gives, look at poll_event() after every feed(), call on_deadline() at
/// next_deadline().
///
/// A stream lives until release(), whatever the peer does. After an error of feed() or
/// on_deadline() the session is dead: every call returns that error, and poll_transmit() has a last
/// go-away for the peer. Not thread-safe.
class Session {
 public:
  Session(Role role, Config config, Time now);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Takes bytes of the connection, in pieces of any size. Errors are the peer's and end the
  /// session.
  Result<void> feed(BytesView in, Time now);

  /// The next thing to know; call until it is empty. At most four events a stream wait.
  std::optional<Event> poll_event();

  /// True when poll_transmit() may have something.
  bool wants_transmit() const;

  /// Writes whole frames into `out` and returns how many bytes: control frames first, then data,
  /// one stream after the other. `out` should hold at least 16 KiB (must hold a header); 0 means
  /// that there is nothing to send now.
  std::size_t poll_transmit(MutableBytes out, Time now);

  /// Opens a stream; it can be written to at once. Errors: going_away, too_many_streams,
  /// backlog_full, streams_exhausted.
  Result<StreamId> open_stream();

  /// Takes as much of `bytes` as the send buffer holds; when that is less than all,
  /// EventKind::writable follows. Errors: unknown_stream, stream_closed, stream_reset.
  Result<std::size_t> write(StreamId stream, BytesView bytes);

  /// Moves received bytes into `into` (not empty) and gives credit back to the peer. Errors:
  /// unknown_stream, stream_reset, stream_closed (after our reset()). A peer's reset does not take
  /// what it had completed by FIN.
  Result<ReadOutcome> read(StreamId stream, MutableBytes into);

  /// Until the next read(), which is to be given the same `into`, payload of `stream` is put there
  /// instead of into the session's own memory. Nothing may wait to be read.
  void expect(StreamId stream, MutableBytes into);

  /// Sends `bytes` (not empty) behind what was written, from where they lie: they stay valid until
  /// lent() says 0 or an error, or take_back(); nothing is written meanwhile. EventKind::writable
  /// follows when all have left. False, and nothing happens, where write() would fail.
  bool lend(StreamId stream, BytesView bytes);

  /// How much of what was lent has not left. Errors: as write().
  Result<std::size_t> lent(StreamId stream);

  /// Drops what was lent and has not left: for a writer that gives up.
  void take_back(StreamId stream);

  /// FIN behind what was written; reading goes on. Idempotent. Errors: unknown_stream,
  /// stream_reset, stream_closed.
  Result<void> close_write(StreamId stream);

  /// Ends both directions and drops what is buffered. Idempotent; without effect on a released
  /// stream.
  void reset(StreamId stream, std::uint32_t code = 0);

  /// Forgets a stream: resets it unless this side has closed it, in which case what was written and
  /// FIN still leave, and the peer's further data is answered with RST.
  void release(StreamId stream);

  /// Sends a ping unless one is under way; EventKind::pong follows.
  void ping(Time now);

  /// The last round-trip time: of a ping, or as set.
  std::optional<Time> rtt() const { return rtt_; }

  /// A round-trip time that the driver measured otherwise; windows grow by it.
  void set_rtt(Time rtt) { rtt_ = rtt; }

  /// Announces the end, behind what can be sent before: new streams are refused on both sides, open
  /// ones go on. The first code counts.
  void go_away(GoAwayCode code);

  /// Is dead at once, with the error going_away: all streams are gone, and what they held. What is
  /// queued beside their data still leaves.
  void abandon();

  /// When on_deadline() is to be called; may move with every call.
  std::optional<Time> next_deadline() const;

  /// Error: ping_timeout, which ends the session.
  Result<void> on_deadline(Time now);

  /// Frees memory that is kept for the next bytes, for a session that rests.
  void trim();

  /// Memory of streams and buffers, what is kept for the next bytes included.
  std::size_t held_bytes() const;

  std::size_t inbound_streams() const { return inbound_; }
  std::size_t outbound_streams() const { return streams_.size() - inbound_; }
  /// Streams of the peer that were refused by inbound_streams_max.
  std::uint64_t refused_streams() const { return refused_; }

 private:
  struct ActivePing {
    std::uint32_t value = 0;
    Time sent{};
    Time deadline{};
    bool heard = false;  // any byte since the deadline was set
  };

  // session.cpp
  StreamState* find(std::uint32_t id);
  StreamState& add(std::uint32_t id);
  void erase(std::uint32_t id);
  void drop(StreamState& stream);
  Result<StreamState*> find_alive(StreamId stream);
  Result<StreamState*> find_writable(StreamId stream);
  void emit(Event event);
  void emit_readable(StreamState& stream);
  void offer_open();
  bool is_inbound(std::uint32_t id) const;

  // session_receive.cpp
  Error fail_session(Error error);
  void end(Error error);
  Result<BytesView> feed_header(BytesView in, Time now);
  Result<void> on_header(const Header& header, Time now);
  Result<void> on_stream_frame(const Header& header);
  Result<StreamState*> accept_stream(const Header& header);
  Result<void> on_data(StreamState* stream, const Header& header);
  Result<void> admit_data(StreamState& stream, const Header& header);
  Result<void> on_window_update(StreamState& stream, const Header& header);
  BytesView take_payload(BytesView in);
  void on_acknowledged(StreamState& stream);
  void on_fin(StreamState& stream);
  void on_peer_reset(StreamState& stream, std::uint32_t code);
  void on_ping(const Header& header, Time now);
  void refuse(std::uint32_t id, std::uint32_t code = 0);

  // session_transmit.cpp
  void push_control(const Header& header);
  void schedule_control(StreamState& stream);
  void schedule_data(StreamState& stream);
  std::size_t transmit_queued(MutableBytes out);
  std::size_t transmit_control(MutableBytes out, Time now);
  std::size_t transmit_data(MutableBytes out);
  std::size_t transmit_farewell(MutableBytes out);
  std::size_t transmit_stream(StreamState& stream, MutableBytes out);
  std::size_t transmit_payload(StreamState& stream, MutableBytes out);
  std::uint32_t grant_credit(StreamState& stream, Time now);
  void grow_window(StreamState& stream, double wanted);
  bool try_growth(StreamState& stream, std::uint32_t growth);
  std::size_t held_of_window(const StreamState& stream) const;
  void shrink_window(std::uint64_t growth);
  void note_consumed(StreamState& stream);
  std::uint16_t take_opening_flag(StreamState& stream);
  void settle(StreamState& stream);

  Role role_;
  Config config_;
  std::unique_ptr<ChunkPool> pool_;
  std::unordered_map<std::uint32_t, std::unique_ptr<StreamState>> streams_;
  Fifo<Event> events_;
  Fifo<std::uint32_t> control_ready_;  // streams that owe SYN, ACK or a window update
  Fifo<std::uint32_t> data_ready_;     // streams that have data and credit, or FIN, in turn
  Bytes control_;                      // encoded frames that belong to no living stream
  std::size_t control_sent_ = 0;
  std::optional<Error> failure_;
  std::optional<Time> rtt_;
  std::optional<ActivePing> active_ping_;
  Time now_;  // of the last call that had it
  Time keep_alive_at_;
  std::uint64_t window_growth_ = 0;
  std::size_t inbound_ = 0;
  std::uint64_t refused_ = 0;
  std::size_t unacknowledged_ = 0;
  std::uint32_t next_id_;
  std::uint32_t next_ping_ = 0;
  std::uint32_t last_refused_ = 0;
  bool open_wanted_ = false;
  std::optional<GoAwayCode> farewell_;  ///< a go-away that is still to be sent
  bool local_go_away_ = false;
  bool remote_go_away_ = false;

  // The frame that is being received.
  std::uint8_t header_[k_header_bytes] = {};
  std::size_t header_size_ = 0;
  std::uint32_t payload_stream_ = 0;
  std::uint32_t payload_left_ = 0;
  bool payload_fin_ = false;
};

}  // namespace vivim::libp2p::yamux
