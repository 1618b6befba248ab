#pragma once

#include "vivim/libp2p/host/yamux_connection.hpp"
#include "vivim/rt/stream.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p {

/// One stream of a YamuxConnection; may outlive it, and fails then.
class MuxedStream final : public rt::Stream {
 public:
  MuxedStream(YamuxConnection& connection, rt::Loop& loop, yamux::StreamId id)
      : connection_(&connection), readable_(loop), writable_(loop), id_(id) {}
  ~MuxedStream() override;

  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override;
  rt::Co<Result<void>> write(BytesView bytes) override;
  rt::Co<Result<void>> close_write() override;
  void reset(std::uint32_t reason) override;

  void wake_reader() { readable_.set(); }
  void wake_writer() { writable_.set(); }
  /// The connection goes: nothing of it is touched any more.
  void orphan();

 private:
  /// What rt::Stream promises for an error of the session.
  Error translate(const Error& error) const;
  Error ended() const;

  YamuxConnection* connection_;
  rt::Event readable_;
  rt::Event writable_;
  yamux::StreamId id_;
  bool reset_here_ = false;
};

}  // namespace vivim::libp2p
