#pragma once

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/perf/perf.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::libp2p::perf {

/// Measures over an open stream, in writes of `write_bytes`. No deadline here. Errors: the
/// stream's, too_much, truncated.
rt::Co<Result<Measurement>> measure(rt::Stream& stream, rt::Clock& clock, Request request,
                                    std::size_t write_bytes = k_write_bytes);

/// Answers one measurement over a stream, within the limits. Returns what the client asked for and
/// got. Errors: the stream's, those of Responder, too_slow; the stream is reset then.
rt::Co<Result<Request>> answer(rt::Stream& stream, rt::Loop& loop, ServerLimits limits);

/// Measures the connection with a peer. Errors: those of Host::open_stream and measure().
rt::Co<Result<Measurement>> measure(Host& host, rt::Clock& clock, PeerId peer, Request request,
                                    std::size_t write_bytes = k_write_bytes);

/// Serves /perf/1.0.0 on a host, from its construction on; a node offers it only when told to. It
/// outlives the host's stop().
class Server {
 public:
  /// The error of Host::handle, if there is one, is in status().
  Server(Host& host, rt::Loop& loop, ServerLimits limits = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Result<void>& status() const { return status_; }
  /// Measurements under way.
  std::size_t streams() const { return streams_; }
  std::uint64_t served() const { return served_; }
  std::uint64_t refused() const { return refused_; }

 private:
  rt::Co<void> serve(InboundStream inbound);

  rt::Loop& loop_;
  ServerLimits limits_;
  Result<void> status_;
  std::size_t streams_ = 0;
  std::uint64_t served_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace vivim::libp2p::perf
