#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/multiformats/error.hpp"
#include "vivim/multiformats/multihash.hpp"
#include "vivim/multiformats/peer_id.hpp"

namespace vivim::multiformats {

/// Longest binary multiaddr, and text of one, that is accepted.
inline constexpr std::size_t k_multiaddr_bytes_max = 1024;
inline constexpr std::size_t k_multiaddr_text_max = 2048;
/// Most components that one multiaddr may have.
inline constexpr std::size_t k_multiaddr_components_max = 16;

/// The protocols that are understood, by their code (multiformats/multiaddr protocols.csv).
enum class Protocol : std::uint16_t {
  ip4 = 4,
  tcp = 6,
  ip6 = 41,
  ip6zone = 42,
  dns = 53,
  dns4 = 54,
  dns6 = 55,
  dnsaddr = 56,
  udp = 273,
  webrtc_direct = 280,
  webrtc = 281,
  p2p_circuit = 290,
  unix_path = 400,
  p2p = 421,
  https = 443,
  tls = 448,
  sni = 449,
  noise = 454,
  quic = 460,
  quic_v1 = 461,
  webtransport = 465,
  certhash = 466,
  ws = 477,
  wss = 478,
  http = 480,
  memory = 777,
};

/// One step of a multiaddr. `value` is in binary form, without its length, and points into the
/// multiaddr.
struct Component {
  Protocol protocol;
  BytesView value;

  /// The protocol's name, e.g. "quic-v1".
  std::string_view name() const;
  /// The value as text, e.g. "127.0.0.1"; empty when the protocol has none.
  std::string text() const;
};

/// Where a multiaddr's first two components point.
struct Endpoint {
  enum class Host : std::uint8_t { ip4, ip6, dns, dns4, dns6 };
  Host kind = Host::ip4;
  std::string host;  ///< an address or a name, without brackets
  bool udp = false;  ///< otherwise TCP
  std::uint16_t port = 0;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// A self-describing network address (multiformats/multiaddr), always valid; kept in binary form.
class Multiaddr {
 public:
  /// An address without components; `parse` and `from_bytes` never give one.
  Multiaddr() = default;
  /// Reads "/ip4/127.0.0.1/tcp/4001". "/ipfs/" is read as "/p2p/". Details of errors are positions
  /// in `text`.
  static Result<Multiaddr> parse(std::string_view text);
  /// Reads the binary form, strictly: known protocols, minimal varints, valid values. Details are
  /// positions.
  static Result<Multiaddr> from_bytes(BytesView bytes);
  /// "/ip4/HOST/tcp/PORT" or "/ip6/HOST/tcp/PORT", from an address's text without brackets or zone.
  static Result<Multiaddr> from_tcp(std::string_view host, std::uint16_t port);

  const Bytes& bytes() const { return bytes_; }
  std::string to_string() const;
  bool empty() const { return bytes_.empty(); }
  /// All components in order; their values point into this object.
  std::vector<Component> components() const;
  /// True when a component has this protocol.
  bool has(Protocol protocol) const;
  /// The first component of this protocol.
  std::optional<Component> find(Protocol protocol) const;

  /// The peer at the end of the address: a last component /p2p.
  std::optional<PeerId> peer() const;
  /// This address ending in /p2p/`peer`, which replaces one that is there. Fails with too_long.
  Result<Multiaddr> with_peer(const PeerId& peer) const;
  /// This address without a last component /p2p.
  Multiaddr without_peer() const;
  /// This address followed by `tail`. Fails with too_long.
  Result<Multiaddr> with(const Multiaddr& tail) const;
  /// The host and port at the front. Fails with no_endpoint.
  Result<Endpoint> endpoint() const;

  friend bool operator==(const Multiaddr&, const Multiaddr&) = default;
  friend auto operator<=>(const Multiaddr&, const Multiaddr&) = default;

 private:
  explicit Multiaddr(Bytes bytes) : bytes_(std::move(bytes)) {}

  Bytes bytes_;
};

}  // namespace vivim::multiformats
