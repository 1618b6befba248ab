#pragma once

#include "vivim/libp2p/transport/session_connection.hpp"
#include "vivim/rt/stream.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p {

/// One stream of a SessionConnection; may outlive it, and fails then.
class SessionStream final : public rt::Stream {
 public:
  SessionStream(SessionConnection& connection, rt::Loop& loop, MuxerSession::StreamKey key)
      : connection_(&connection), readable_(loop), writable_(loop), key_(key) {}
  ~SessionStream() override;

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override;
  void reset(std::uint32_t reason) override;

  /// Both who reads and who writes look again.
  void wake();
  /// The connection goes: nothing of it is touched any more.
  void orphan();

 private:
  rt::Co<Result<void>> wait_for_lent();
  MuxerSession& session() const { return *connection_->session_; }
  bool writes_fail() const;
  Error ended() const;

  SessionConnection* connection_;
  rt::Event readable_;
  rt::Event writable_;
  MuxerSession::StreamKey key_;
  bool reset_here_ = false;
};

}  // namespace vivim::libp2p
