#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "vivim/base/roll.hpp"
#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/relay/keeper.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/rt/wait.hpp"

namespace vivim::libp2p::relay {

/// Most relays that one host listens through.
inline constexpr std::size_t k_relays_max = 8;
/// Circuits that nobody accepted yet, per relay.
inline constexpr std::size_t k_circuit_backlog_max = 16;

struct RelayClientOptions {
  /// How long a relay may take for an answer, and a circuit's other end for its message.
  rt::Duration answer_time_max = std::chrono::seconds(15);
  KeeperTimes times = {};
  /// Called when the addresses of a listener changed: a reservation came or went. Must not await.
  std::function<void()> on_change = {};
};

/// A circuit's address in parts: /<relay's address>/p2p/<relay>/p2p-circuit[/p2p/<target>].
struct CircuitAddress {
  Multiaddr relay;  ///< ending in /p2p/<relay>
  PeerId relay_id;
  std::optional<PeerId> target;

  /// Errors: not_a_circuit, nested_circuit, relay_to_itself.
  static Result<CircuitAddress> parse(const Multiaddr& address);
  /// <relay>/p2p-circuit.
  Multiaddr circuit() const;
};

/// Connections through relays: dials <relay>/p2p-circuit/p2p/<peer>, and listens on
/// <relay>/p2p-circuit, for which it keeps a reservation at the relay. Its connections are limited
/// when the relay says so.
///
///   host.add_transport(std::make_unique<relay::RelayTransport>(host, options));
class RelayTransport final : public Transport {
 public:
  /// For this host, whose other transports reach the relays.
  explicit RelayTransport(Host& host, RelayClientOptions options = {});
  ~RelayTransport() override;

  std::string_view name() const override { return "p2p-circuit"; }
  bool can_dial(const Multiaddr& address) const override;
  bool can_listen(const Multiaddr& address) const override;

  /// Returns at once; the listener has addresses() while the relay holds our reservation. Errors:
  /// not_a_circuit, nested_circuit, too_many_listeners, RtError::address_in_use for a relay that we
  /// listen through already.
  Result<std::unique_ptr<TransportListener>> listen(const Multiaddr& address) override;

  /// To the peer that the address names at its end, or else the expected one. Connects with the
  /// relay if need be, and asks it together with what is written first: the first read fails with
  /// refused (and the relay's status) or unexpected. Errors: of CircuitAddress::parse, the host's.
  rt::Co<Result<TransportConnection>> dial(Multiaddr address, DialOptions options) override;
  void cancel_dials() override;
  rt::Co<void> stop() override;

  /// Whether this relay holds a reservation of ours now.
  bool reserved(const PeerId& relay) const;

 private:
  class Listener;
  struct Session;

  rt::Co<Result<PeerId>> reach_relay(CircuitAddress address);
  rt::Co<Result<RawConnection>> open_circuit(CircuitAddress address);
  rt::Co<Result<Granted>> reserve(CircuitAddress address);
  rt::Co<Result<HopMessage>> ask(rt::Stream& stream, DelimitedReader& reader, HopMessage question,
                                 rt::Duration timeout);
  rt::Co<void> keep(Session& session);
  rt::Co<void> accept(InboundStream inbound);
  std::variant<StopMessage, Session*> judge(const Result<Bytes>& bytes,
                                            const InboundStream& inbound, RawConnection& into);
  void close(Session& session);
  void sweep();
  void on_event(const HostEvent& event);
  void changed();
  Time now() const { return host_.loop().clock().now().time_since_epoch(); }

  Host& host_;
  RelayClientOptions options_;
  std::map<PeerId, std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Session>> closed_;  ///< whose task or listener is still there
  Roll<rt::Stream> dialling_;
  Subscription subscription_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::relay
