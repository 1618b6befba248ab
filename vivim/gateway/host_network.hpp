#pragma once

#include <deque>
#include <string>
#include <vector>

#include "vivim/gateway/events.hpp"
#include "vivim/gateway/services.hpp"
#include "vivim/libp2p/host/host.hpp"

namespace vivim::gateway {

/// Connections that ended and are remembered.
inline constexpr std::size_t k_ended_connections_max = 64;

/// The node's libp2p host, for the API; and who comes and goes, for the events.
class HostNetwork final : public NetworkService {
 public:
  /// `public_key` is the node's Ed25519 key. Both references must outlive it.
  HostNetwork(libp2p::Host& host, crypto::Ed25519PublicKey public_key, EventHub& events);

  Co<Outcome<NodeIdentity>> identity() override;
  Co<Outcome<PeersStatus>> peers() override;
  Co<Outcome<std::string>> connect(std::string multiaddr) override;
  Co<Outcome<void>> disconnect(std::string peer_id) override;
  Co<Outcome<LimitsStatus>> limits() override;
  Co<Outcome<PingStatus>> ping(std::string peer) override;
  Co<Outcome<Throughput>> measure(std::string peer, std::uint64_t upload_bytes,
                                  std::uint64_t download_bytes) override;

 private:
  struct Ended {
    rt::TimePoint at;
    EndedConnection connection;
  };
  void on_event(const libp2p::HostEvent& event);
  void remember_end(const libp2p::HostEvent& event, const libp2p::CloseReason& reason);
  /// The peer that a text means: connected already, or now.
  Co<Outcome<multiformats::PeerId>> reach(std::string peer);

  libp2p::Host& host_;
  crypto::Ed25519PublicKey public_key_;
  EventHub& events_;
  std::deque<Ended> ended_;  ///< latest first
  libp2p::Subscription watching_;
};

}  // namespace vivim::gateway
