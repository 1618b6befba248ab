#pragma once

#include <cstdint>

#include "vivim/base/roll.hpp"
#include "vivim/libp2p/autonat/session.hpp"
#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::autonat {

/// How long a dial of the server's dialer may take (HostTimes::dial_max of it): an address that
/// lets nobody in must be given up, `foreign_wait_max` included, before the asker stops to wait for
/// the answer. rust-libp2p does after 10 s.
inline constexpr rt::Duration k_dial_back_time_max = std::chrono::seconds(5);

struct AutonatServerOptions {
  ServerLimits limits = {};
  Scope scope = Scope::global;
  /// For a request with its data; for the nonce and its answer.
  rt::Duration request_time_max = std::chrono::seconds(15);
  rt::Duration nonce_time_max = std::chrono::seconds(5);
  /// Before an address that is not the asker's is dialled: so that many cannot make many of us
  /// knock there at one time.
  rt::Duration foreign_wait_max = std::chrono::seconds(3);
};

struct AutonatServerStats {
  std::uint64_t requests = 0;
  std::uint64_t rejected = 0;    ///< by a limit
  std::uint64_t refused = 0;     ///< no address that we dial
  std::uint64_t broken = 0;      ///< not understood, or cut off
  std::uint64_t reached = 0;     ///< dials that succeeded
  std::uint64_t unreached = 0;   ///< and that did not
  std::uint64_t failed = 0;      ///< and that this side could not make
  std::uint64_t data_bytes = 0;  ///< of dial data received
};

/// Tells others whether they can be reached, by dialling them: AutoNAT v1 and v2.
class AutonatServer {
 public:
  /// `dialer` makes the dials: a host of its own, with another identity and without listeners, so
  /// that neither ports nor connections of `host` are used again, whose dials take no longer than
  /// k_dial_back_time_max. Both must outlive this.
  AutonatServer(Host& host, Host& dialer, rt::Rng& rng, AutonatServerOptions options = {});
  ~AutonatServer();
  AutonatServer(const AutonatServer&) = delete;
  AutonatServer& operator=(const AutonatServer&) = delete;

  /// Error: HostError::too_many_protocols.
  Result<void> start();
  /// Waits for requests under way, for as long as a dial takes. Idempotent; awaited before this
  /// goes.
  rt::Co<void> stop();

  const AutonatServerStats& stats() const { return stats_; }

 private:
  class Request;

  rt::Co<void> serve_v1(InboundStream inbound);
  rt::Co<Result<v1::DialResponse>> answer_v1(InboundStream& inbound);
  rt::Co<void> serve_v2(InboundStream inbound);
  rt::Co<Result<v2::DialResponse>> answer_v2(InboundStream& inbound);
  rt::Co<Result<ServerSession::Action>> converse(rt::Stream& stream, ServerSession& session);
  rt::Co<Result<v2::DialStatus>> dial_back(PeerId peer, ServerSession::Dial dial);
  rt::Co<Result<v2::DialStatus>> say_nonce(PeerId peer, std::uint64_t nonce);
  DialRules rules() const;
  Time now() const { return host_.loop().clock().now().time_since_epoch(); }

  Host& host_;
  Host& dialer_;
  rt::Rng& rng_;
  AutonatServerOptions options_;
  Limiter limiter_;
  AutonatServerStats stats_;
  Roll<rt::Stream> serving_;
  std::size_t requests_ = 0;
  Subscription published_;
  bool stopping_ = false;
  rt::Event idle_;
};

}  // namespace vivim::libp2p::autonat
