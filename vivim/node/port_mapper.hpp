#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/portmap/service.hpp"

namespace vivim::node {

/// A port that the router lets others through to.
struct MappedAddress {
  multiformats::Multiaddr local;
  multiformats::Multiaddr external;
  bool is_public = false;  ///< else the router itself is behind another one
};

/// The ports of a host, mapped at the router: those of IPv4 addresses that the world cannot reach
/// by itself.
class PortMapper {
 public:
  /// `on_change`: addresses() is another list. Must not await. All must outlive it.
  PortMapper(libp2p::Host& host, rt::Worker& router,
             std::vector<std::unique_ptr<libp2p::portmap::Gateway>> gateways,
             std::function<void()> on_change);

  /// Begins, with what the host listens on by now.
  void start();
  /// Takes mappings back. Idempotent.
  rt::Co<void> stop();

  std::vector<MappedAddress> mapped() const;
  /// What to tell others: the public ones of mapped().
  std::vector<multiformats::Multiaddr> addresses() const;
  /// "nat-pmp", "upnp"; empty when no router did it.
  const std::string& gateway() const { return service_.gateway(); }
  const std::optional<Error>& last_error() const { return service_.last_error(); }
  /// Ports that are to be mapped.
  std::size_t ports() const { return wanted_.size(); }

 private:
  libp2p::Host& host_;
  libp2p::portmap::Service service_;
  std::map<libp2p::portmap::Port, std::vector<multiformats::Multiaddr>> wanted_;
};

/// `address` with another IP address and port in front. An error when it has none.
Result<multiformats::Multiaddr> with_endpoint(const multiformats::Multiaddr& address,
                                              const rt::Endpoint& endpoint);

}  // namespace vivim::node
