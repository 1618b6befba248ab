#pragma once

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/relay/relay.hpp"
#include "vivim/rt/loop.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::relay {

struct RelayServerOptions {
  RelayLimits limits = {};
  Access access = {};
  /// How long a peer may take for its request, and a target for its answer.
  rt::Duration request_time_max = std::chrono::seconds(15);
  /// What a circuit holds at most, in each direction.
  std::size_t buffer_bytes = std::size_t{16} * 1024;
};

/// Relays for others: the driver of a Relay over a host. Serves the hop protocol from start() to
/// stop(); circuits pump with the back-pressure of their slower end. Needs the host's loop.
class RelayServer {
 public:
  /// `signer` is the host's identity. The host must outlive this.
  RelayServer(Host& host, record::Signer signer, RelayServerOptions options);
  ~RelayServer();
  RelayServer(const RelayServer&) = delete;
  RelayServer& operator=(const RelayServer&) = delete;

  /// Error: HostError::too_many_protocols.
  Result<void> start();
  /// Refuses new requests, ends all circuits, and waits for them. Idempotent; awaited before this
  /// goes.
  rt::Co<void> stop();

  RelayStats stats() const { return relay_.stats(); }
  /// Whether a peer can be reached through us.
  bool has_reservation(const PeerId& peer) const { return relay_.has_reservation(peer); }

 private:
  using StreamPtr = std::unique_ptr<rt::Stream>;
  /// A circuit that both ends agreed to.
  struct Circuit {
    CircuitId id;
    StreamPtr source;
    StreamPtr target;
  };
  /// What the target said, and the stream behind it.
  struct Reached {
    StopMessage answer;
    StreamPtr stream;
  };
  /// Lets stop() find a stream, and wait for its conversation.
  class Conversation {
   public:
    Conversation(RelayServer& server, rt::Stream& stream);
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

   private:
    RelayServer& server_;
    std::uint64_t id_;
  };

  rt::Co<void> serve(InboundStream inbound);
  rt::Co<std::optional<Circuit>> negotiate(InboundStream& inbound);
  rt::Co<std::optional<Circuit>> set_up(InboundStream& inbound, Forward forward, Bytes early);
  rt::Co<Result<Reached>> reach(Forward forward, Bytes early);
  rt::Co<void> carry(Circuit circuit);
  rt::Co<void> pump_back(Circuit& circuit, rt::Event& done);
  rt::Co<void> pump(CircuitId id, Side side, rt::Stream& from, rt::Stream& to);
  rt::Co<void> watch_time();
  void set_timer();
  Time now() const { return host_.loop().clock().now().time_since_epoch(); }

  Host& host_;
  Relay relay_;
  RelayServerOptions options_;
  std::unique_ptr<rt::Timer> timer_;
  std::map<CircuitId, std::pair<rt::Stream*, rt::Stream*>> circuits_;
  std::map<std::uint64_t, rt::Stream*> conversations_;
  std::uint64_t next_conversation_ = 1;
  bool stopping_ = false;
  rt::Event idle_;
  Subscription subscription_;
  Subscription published_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::relay
