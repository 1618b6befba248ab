#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "vivim/base/roll.hpp"
#include "vivim/libp2p/autonat/reachability.hpp"
#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/rng.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::libp2p::autonat {

struct AutonatClientOptions {
  Scope scope = Scope::global;
  ReachabilityOptions reachability = {};
  /// A server's whole answer: it may dial for a while.
  rt::Duration answer_time_max = std::chrono::seconds(45);
  /// Between rounds, when all is known, and when it is not.
  rt::Duration interval = std::chrono::minutes(15);
  rt::Duration retry_interval = std::chrono::minutes(1);
  /// How long a server is left alone that was asked.
  rt::Duration server_pause = std::chrono::minutes(5);
  std::size_t servers_per_round = 3;
  /// What to ask about, most wanted first; empty: the host's addresses, and where at least two
  /// peers see us that are not neighbours.
  std::function<std::vector<Multiaddr>()> addresses = {};
  /// An address became public, private or unknown. Must not await.
  std::function<void(const AddressReachability&)> on_change = {};
};

struct AutonatClientStats {
  std::uint64_t reachable = 0;    ///< answers that an address was reached
  std::uint64_t unreachable = 0;  ///< and that none was
  std::uint64_t failed = 0;       ///< servers that gave no answer to use
};

/// Finds out which of our addresses others can reach: asks connected peers that serve AutoNAT v2,
/// or else v1.
class AutonatClient {
 public:
  /// The host and `rng` must outlive this.
  AutonatClient(Host& host, rt::Rng& rng, AutonatClientOptions options = {});
  ~AutonatClient();
  AutonatClient(const AutonatClient&) = delete;
  AutonatClient& operator=(const AutonatClient&) = delete;

  /// Serves the dial back protocol, and asks in the background. Error:
  /// HostError::too_many_protocols.
  Result<void> start();
  rt::Co<void> stop();

  /// Asks one server now, by the newest protocol that it speaks. Errors: no_addresses, timed_out,
  /// those of ClientSession::on_message, the host's (none_supported).
  rt::Co<Result<Finding>> ask(PeerId server);

  const AutonatClientStats& stats() const { return stats_; }
  /// What is known of each address.
  std::vector<AddressReachability> reachability() const { return table_.all(now()); }

 private:
  rt::Co<Result<Finding>> ask_v1(rt::Stream& stream, PeerId server,
                                 std::vector<Multiaddr> addresses);
  rt::Co<Result<Finding>> ask_v2(rt::Stream& stream, PeerId server,
                                 std::vector<Multiaddr> addresses);
  rt::Co<Result<Finding>> converse(rt::Stream& stream, ClientSession& session);
  rt::Co<Result<void>> send_data(rt::Stream& stream, std::uint64_t bytes);
  rt::Co<void> take_dial_back(InboundStream inbound);
  rt::Co<void> rounds();
  rt::Co<void> round();
  std::vector<PeerId> choose_servers();
  std::vector<Multiaddr> own_addresses() const;
  void note(const Finding& finding, const PeerId& server);
  void on_host_event(const HostEvent& event);
  bool all_known() const;
  Time now() const { return host_.loop().clock().now().time_since_epoch(); }

  Host& host_;
  rt::Rng& rng_;
  AutonatClientOptions options_;
  ReachabilityTable table_;
  AutonatClientStats stats_;
  std::map<std::uint64_t, ClientSession*> sessions_;  ///< by their nonce
  std::map<PeerId, Time> asked_;                      ///< of peers that are connected
  Roll<rt::Stream> asking_;
  std::size_t answering_ = 0;
  std::unique_ptr<rt::Timer> timer_;
  rt::Event idle_;
  Subscription subscription_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::libp2p::autonat
