#pragma once

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/rendezvous/registry.hpp"
#include "vivim/rt/rng.hpp"

namespace vivim::libp2p::rendezvous {

struct ServerOptions {
  RegistryLimits registry = {};
  std::size_t messages_max = 64;  ///< of one stream
  std::size_t streams_max = 256;  ///< at once
  std::size_t streams_per_peer_max = 8;
  rt::Duration message_max = std::chrono::seconds(30);  ///< until the next message
};

/// A rendezvous point on a host, from its construction on. It outlives the host's stop().
class Server {
 public:
  /// The error of Host::handle, if there is one, is in status().
  Server(Host& host, rt::Loop& loop, rt::Rng& rng, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const Result<void>& status() const { return status_; }
  std::size_t registrations() const { return registry_.registrations(); }
  std::uint64_t requests() const { return requests_; }
  /// Streams that were refused, and requests that were not answered with ok.
  std::uint64_t refused() const;

 private:
  rt::Co<void> serve(InboundStream inbound);
  rt::Co<Result<void>> converse(rt::Stream& stream, PeerId peer);
  void note(Status status);
  void publish(metrics::Registry& registry) const;
  std::optional<Message> answer(const PeerId& peer, const Message& request);

  rt::Loop& loop_;
  ServerOptions options_;
  Registry registry_;
  Result<void> status_;
  std::map<PeerId, std::size_t> streams_;
  std::size_t streams_total_ = 0;
  std::uint64_t requests_ = 0;
  std::map<std::string_view, std::uint64_t> refused_;  ///< by why
  Subscription published_;
};

}  // namespace vivim::libp2p::rendezvous
