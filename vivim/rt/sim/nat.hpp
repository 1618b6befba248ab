#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "vivim/rt/network.hpp"

namespace vivim::rt::sim {

/// On what of the remote end a NAT's behaviour depends (RFC 4787, sections 4.1 and 5).
enum class NatDependence : std::uint8_t {
  none,  ///< "endpoint-independent"
  address,
  address_and_port,
};

/// What kind of NAT a node sits behind.
struct NatOptions {
  /// Which remote ends see the same external port of a local one.
  NatDependence mapping = NatDependence::none;
  /// From which remote ends an external port takes something: from all, or only from those that
  /// were sent to.
  NatDependence filtering = NatDependence::address_and_port;

  static NatOptions full_cone() { return {.filtering = NatDependence::none}; }
  static NatOptions restricted() { return {.filtering = NatDependence::address}; }
  static NatOptions port_restricted() { return {}; }
  static NatOptions symmetric() { return {.mapping = NatDependence::address_and_port}; }
};

/// The translations of one NAT for one transport. Mappings last for ever. Sans-IO.
class NatTable {
 public:
  NatTable(NatOptions options, IpAddress external) : options_(options), external_(external) {}

  /// Something leaves for `remote`: what it comes from as seen there. Opens the way back.
  Endpoint outbound(const Endpoint& local, const Endpoint& remote);

  /// Something comes from `remote` to an external end: whom it is for; none when it is dropped.
  std::optional<Endpoint> inbound(const Endpoint& external, const Endpoint& remote) const;

  const IpAddress& external() const { return external_; }

 private:
  struct Mapping {
    Endpoint local;
    std::set<Endpoint> sent_to;
  };
  static Endpoint reduced(const Endpoint& remote, NatDependence dependence);

  NatOptions options_;
  IpAddress external_;
  std::map<std::pair<Endpoint, Endpoint>, std::uint16_t> ports_;  ///< of (local, reduced remote)
  std::map<std::uint16_t, Mapping> mappings_;
  std::uint16_t next_port_ = 20000;
};

}  // namespace vivim::rt::sim
