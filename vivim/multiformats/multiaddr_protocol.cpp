#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

#include "vivim/multiformats/multiaddr_protocol_detail.hpp"
#include "vivim/multiformats/multibase.hpp"

namespace vivim::multiformats::detail {
namespace {

constexpr std::array k_protocols{
    ProtocolInfo{Protocol::ip4, "ip4", ValueKind::ip4},
    ProtocolInfo{Protocol::tcp, "tcp", ValueKind::port},
    ProtocolInfo{Protocol::ip6, "ip6", ValueKind::ip6},
    ProtocolInfo{Protocol::ip6zone, "ip6zone", ValueKind::text},
    ProtocolInfo{Protocol::dns, "dns", ValueKind::name},
    ProtocolInfo{Protocol::dns4, "dns4", ValueKind::name},
    ProtocolInfo{Protocol::dns6, "dns6", ValueKind::name},
    ProtocolInfo{Protocol::dnsaddr, "dnsaddr", ValueKind::name},
    ProtocolInfo{Protocol::udp, "udp", ValueKind::port},
    ProtocolInfo{Protocol::webrtc_direct, "webrtc-direct", ValueKind::none},
    ProtocolInfo{Protocol::webrtc, "webrtc", ValueKind::none},
    ProtocolInfo{Protocol::p2p_circuit, "p2p-circuit", ValueKind::none},
    ProtocolInfo{Protocol::unix_path, "unix", ValueKind::path},
    ProtocolInfo{Protocol::p2p, "p2p", ValueKind::peer},
    ProtocolInfo{Protocol::https, "https", ValueKind::none},
    ProtocolInfo{Protocol::tls, "tls", ValueKind::none},
    ProtocolInfo{Protocol::sni, "sni", ValueKind::name},
    ProtocolInfo{Protocol::noise, "noise", ValueKind::none},
    ProtocolInfo{Protocol::quic, "quic", ValueKind::none},
    ProtocolInfo{Protocol::quic_v1, "quic-v1", ValueKind::none},
    ProtocolInfo{Protocol::webtransport, "webtransport", ValueKind::none},
    ProtocolInfo{Protocol::certhash, "certhash", ValueKind::hash},
    ProtocolInfo{Protocol::ws, "ws", ValueKind::none},
    ProtocolInfo{Protocol::wss, "wss", ValueKind::none},
    ProtocolInfo{Protocol::http, "http", ValueKind::none},
    ProtocolInfo{Protocol::memory, "memory", ValueKind::text},
};

constexpr std::size_t k_domain_name_max = 253;

bool is_visible(BytesView value) {
  return std::ranges::all_of(value, [](std::uint8_t c) { return c > 0x20 && c != 0x7f; });
}

bool is_segment(BytesView value, std::size_t size_max) {
  return !value.empty() && value.size() <= size_max && is_visible(value) &&
         std::ranges::find(value, '/') == value.end();
}

std::optional<Bytes> ip_from_text(int family, std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) {
    return std::nullopt;
  }
  std::ranges::copy(text, terminated.begin());
  Bytes out(family == AF_INET ? 4 : 16);
  if (std::strlen(terminated.data()) != text.size() ||
      ::inet_pton(family, terminated.data(), out.data()) != 1) {
    return std::nullopt;
  }
  return out;
}

std::string ip_to_text(int family, BytesView value) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, value.data(), text.data(), text.size());
  return text.data();
}

std::optional<Bytes> port_from_text(std::string_view text) {
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  Bytes out(2);
  store_be16(out, port);
  return out;
}

std::optional<Bytes> peer_from_text(std::string_view text) {
  const auto peer = PeerId::parse(text);
  return peer ? std::optional(to_bytes(peer->bytes())) : std::nullopt;
}

}  // namespace

const ProtocolInfo* find_protocol(std::uint64_t code) {
  const auto it = std::ranges::find_if(k_protocols, [code](const ProtocolInfo& info) {
    return static_cast<std::uint64_t>(info.protocol) == code;
  });
  return it == k_protocols.end() ? nullptr : it;
}

const ProtocolInfo* find_protocol(std::string_view name) {
  if (name == "ipfs") {
    name = "p2p";
  }
  const auto it = std::ranges::find(k_protocols, name, &ProtocolInfo::name);
  return it == k_protocols.end() ? nullptr : it;
}

std::optional<std::size_t> fixed_size(ValueKind kind) {
  switch (kind) {
    case ValueKind::none:
      return 0;
    case ValueKind::port:
      return 2;
    case ValueKind::ip4:
      return 4;
    case ValueKind::ip6:
      return 16;
    default:
      return std::nullopt;
  }
}

std::optional<Bytes> value_from_text(ValueKind kind, std::string_view text) {
  switch (kind) {
    case ValueKind::none:
      return Bytes{};
    case ValueKind::ip4:
      return ip_from_text(AF_INET, text);
    case ValueKind::ip6:
      return ip_from_text(AF_INET6, text);
    case ValueKind::port:
      return port_from_text(text);
    case ValueKind::peer:
      return peer_from_text(text);
    case ValueKind::hash: {
      auto bytes = decode_multibase(text);
      return bytes && value_is_valid(kind, *bytes) ? std::optional(std::move(*bytes))
                                                   : std::nullopt;
    }
    case ValueKind::name:
    case ValueKind::text:
    case ValueKind::path:
      return value_is_valid(kind, as_bytes(text)) ? std::optional(to_bytes(text)) : std::nullopt;
  }
  return std::nullopt;
}

std::string value_to_text(ValueKind kind, BytesView value) {
  switch (kind) {
    case ValueKind::none:
      return {};
    case ValueKind::ip4:
      return ip_to_text(AF_INET, value);
    case ValueKind::ip6:
      return ip_to_text(AF_INET6, value);
    case ValueKind::port:
      return std::to_string(load_be16(value));
    case ValueKind::peer:
      return encode(Base::base58btc, value);
    case ValueKind::hash:
      return encode_multibase(Base::base64url, value);
    case ValueKind::name:
    case ValueKind::text:
    case ValueKind::path:
      return std::string(as_text(value));
  }
  return {};
}

bool value_is_valid(ValueKind kind, BytesView value) {
  switch (kind) {
    case ValueKind::peer:
      return PeerId::from_bytes(value).has_value();
    case ValueKind::hash:
      return Multihash::from_bytes(value).has_value();
    case ValueKind::name:
      return is_segment(value, k_domain_name_max);
    case ValueKind::text:
      return is_segment(value, k_multiaddr_bytes_max);
    case ValueKind::path:
      return value.size() > 1 && value.front() == '/' && is_visible(value);
    default:
      return value.size() == fixed_size(kind);
  }
}

}  // namespace vivim::multiformats::detail
