#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "vivim/libp2p/quic/port_detail.hpp"
#include "vivim/libp2p/transport/connection.hpp"
#include "vivim/libp2p/transport/transport.hpp"

namespace vivim::libp2p::quic {

class QuicStream;

/// How long a connection that is closed in order waits for what was written to arrive.
inline constexpr auto k_flush_time_max = std::chrono::seconds(1);

/// One connection of a Port.
class QuicConnection final : public MuxedConnection {
 public:
  QuicConnection(Port& port, SessionId session);
  ~QuicConnection() override;

  /// Waits for the end of the handshake. Errors: RtError::timed_out; the session's.
  rt::Co<Result<void>> handshake(rt::Duration timeout);
  /// Ends a handshake that somebody waits for.
  void cancel();

  rt::Co<void> run() override;
  void close(CloseReason reason) override;
  bool closed() const override { return reason_.has_value(); }
  const CloseReason& reason() const override { return *reason_; }
  bool open() const override { return !closed(); }
  Result<std::unique_ptr<rt::Stream>> open_stream() override;
  rt::Co<std::unique_ptr<rt::Stream>> accept() override;
  void when_idle(std::move_only_function<void()> action) override;
  std::size_t streams() const override { return streams_.size(); }
  std::uint64_t held_bytes() const override;
  void count_memory(MemoryAccount::Report report) override;
  std::optional<rt::Duration> rtt() const override;
  void set_rtt(rt::Duration rtt) override { (void)rtt; }

  Session& session() const { return *session_; }
  /// With the addresses of its path, as the host wants it.
  static SecuredConnection secured(std::unique_ptr<QuicConnection> connection);

  // The Port's:
  void on_event(const Event& event);
  void on_port_dead();

 private:
  friend class QuicStream;

  void on_closed(const Error& error);
  std::unique_ptr<QuicStream> make_stream(StreamId id);
  void forget(StreamId id);
  /// After every call of the session.
  void touch() {
    account();
    port_.touch(id_);
  }
  void account();
  void update_idle();
  std::uint64_t close_code() const;

  Port& port_;
  SessionId id_;
  Session* session_;
  MemoryAccount memory_;
  std::map<StreamId, QuicStream*> streams_;
  std::deque<std::unique_ptr<QuicStream>> accepted_;
  std::unique_ptr<rt::Timer> timer_;
  rt::Event acceptable_;
  rt::Event closing_;
  std::move_only_function<void()> on_idle_;
  std::optional<CloseReason> reason_;
  bool abandoned_ = false;  ///< for the memory that it holds
};

/// One stream of a QuicConnection; may outlive it, and fails then.
class QuicStream final : public rt::Stream {
 public:
  QuicStream(QuicConnection& connection, rt::Loop& loop, StreamId id)
      : connection_(&connection), readable_(loop), writable_(loop), id_(id) {}
  ~QuicStream() override;

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override;
  void reset(std::uint32_t reason) override;

  void wake_reader() { readable_.set(); }
  void wake_writer() { writable_.set(); }
  /// The connection goes: nothing of it is touched any more.
  void orphan();

 private:
  Error translate(const Error& error) const;
  Error ended() const;

  QuicConnection* connection_;
  rt::Event readable_;
  rt::Event writable_;
  StreamId id_;
  bool reset_here_ = false;
};

}  // namespace vivim::libp2p::quic
