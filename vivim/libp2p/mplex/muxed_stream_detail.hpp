#pragma once

#include "vivim/libp2p/mplex/connection.hpp"
#include "vivim/rt/stream.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::mplex {

/// One stream of a MplexConnection; may outlive it, and fails then.
class MplexStream final : public rt::Stream {
 public:
  MplexStream(MplexConnection& connection, rt::Loop& loop, StreamId id)
      : connection_(&connection), readable_(loop), writable_(loop), id_(id) {}
  ~MplexStream() override;

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
  static Error translate(const Error& error);
  Error ended() const;

  MplexConnection* connection_;
  rt::Event readable_;
  rt::Event writable_;
  StreamId id_;
  bool reset_here_ = false;
};

}  // namespace vivim::libp2p::mplex
