#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "vivim/base/roll.hpp"
#include "vivim/libp2p/limits/half_open.hpp"
#include "vivim/libp2p/transport/transport.hpp"
#include "vivim/libp2p/websocket/address.hpp"
#include "vivim/libp2p/websocket/upgrade.hpp"
#include "vivim/rt/network.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::websocket {

struct WebSocketOptions {
  /// TLS and HTTP of an inbound connection must be done by then.
  rt::Duration upgrade_max = std::chrono::seconds(10);
  /// Inbound handshakes under way, per listener; above that some make room (limits::HalfOpen), or
  /// the newcomer is reset.
  std::size_t upgrades_max = 64;
  /// Connections that wait for accept(), per listener; those above that are reset.
  std::size_t accepted_max = 64;
  /// For secure addresses; absent: only /ws.
  std::unique_ptr<TlsLayer> tls = nullptr;
};

/// /ws and /wss over TCP: raw connections, still to be secured and multiplexed.
class WebSocketTransport final : public Transport {
 public:
  WebSocketTransport(rt::Loop& loop, rt::Network& network, rt::Rng& rng,
                     WebSocketOptions options = {});
  ~WebSocketTransport() override;

  std::string_view name() const override { return "ws"; }
  bool can_dial(const multiformats::Multiaddr& address) const override;
  bool can_listen(const multiformats::Multiaddr& address) const override;
  Result<std::unique_ptr<TransportListener>> listen(
      const multiformats::Multiaddr& address) override;
  void set_admission(Admission admission) override { admission_ = std::move(admission); }
  rt::Co<Result<TransportConnection>> dial(multiformats::Multiaddr address,
                                           DialOptions options) override;
  void cancel_dials() override;
  rt::Co<void> stop() override;

  /// Inbound connections that did not become WebSockets: malformed, too slow, too many,
  /// or not let in.
  std::uint64_t refused() const { return refused_; }

 private:
  class Listener;
  struct Acceptor;

  rt::Co<void> accept_loop(std::shared_ptr<Acceptor> acceptor);
  bool make_room(Acceptor& acceptor, const multiformats::Multiaddr& from) const;
  rt::Co<void> upgrade_inbound(std::shared_ptr<Acceptor> acceptor, limits::HalfOpen::Id id,
                               rt::Connection connection);
  limits::HalfOpen::Time now() const { return loop_.clock().now().time_since_epoch(); }
  rt::Co<Result<std::unique_ptr<rt::Stream>>> upgrade_outbound(std::unique_ptr<rt::Stream> stream,
                                                               Address address, rt::Duration time);
  UpgradeContext context() { return {.loop = loop_, .rng = rng_, .tls = options_.tls.get()}; }

  rt::Loop& loop_;
  rt::Network& network_;
  rt::Rng& rng_;
  WebSocketOptions options_;
  Admission admission_;
  Roll<rt::Stream> dialling_;
  std::uint64_t dials_cancelled_ = 0;
  std::uint64_t refused_ = 0;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::websocket
