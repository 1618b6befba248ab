#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vivim/libp2p/portmap/error.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::libp2p::portmap {

/// A port of this machine that others should reach.
struct Port {
  enum class Protocol : std::uint8_t { tcp, udp };
  Protocol protocol = Protocol::tcp;
  std::uint16_t number = 0;

  auto operator<=>(const Port&) const = default;
};

/// What a router gave.
struct Grant {
  rt::IpAddress external_ip;
  std::uint16_t external_port = 0;
  std::chrono::seconds lifetime{0};  ///< 0: until it is taken back

  friend bool operator==(const Grant&, const Grant&) = default;
};

/// A router that maps ports, by one protocol. Blocking, for a few seconds at most: called on a
/// Worker, one call at a time.
class Gateway {
 public:
  virtual ~Gateway() = default;
  /// "nat-pmp", "upnp". Constant.
  virtual std::string_view name() const = 0;
  /// Maps `port`, to the same number outside if that is free, for about `lifetime`. Again: extends
  /// it. Errors: PortmapError.
  virtual Result<Grant> map(const Port& port, std::chrono::seconds lifetime) = 0;
  /// Takes a mapping back.
  virtual Result<void> unmap(const Port& port, const Grant& grant) = 0;
};

struct NatPmpOptions {
  /// Whom to ask; absent: the default route's router.
  std::optional<rt::IpAddress> router;
  /// Until the router must have answered.
  std::chrono::milliseconds answer_max{3000};
};

/// NAT-PMP (RFC 6886), over libnatpmp; routers with PCP answer it too.
std::unique_ptr<Gateway> make_nat_pmp_gateway(NatPmpOptions options = {});

struct UpnpOptions {
  /// Where the router describes itself; empty: searched by multicast.
  std::string description_url;
  /// Until routers must have answered the search.
  std::chrono::milliseconds search_max{2000};
  /// What the router shows people as the reason.
  std::string description = "vivim";
};

/// UPnP Internet Gateway Device, over miniupnpc.
std::unique_ptr<Gateway> make_upnp_gateway(UpnpOptions options = {});

/// Whether an address can be reached from everywhere: not of a private, shared, link-local or other
/// special range.
bool is_public(const rt::IpAddress& ip);

}  // namespace vivim::libp2p::portmap
