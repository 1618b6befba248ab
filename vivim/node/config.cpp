#include "vivim/node/config.hpp"

#include <charconv>

#include "vivim/libp2p/quic/addresses.hpp"
#include "vivim/libp2p/relay/client.hpp"
#include "vivim/libp2p/websocket/address.hpp"
#include "vivim/message/messenger.hpp"
#include "vivim/node/config_detail.hpp"

namespace vivim::node {

namespace {

using multiformats::Multiaddr;

/// The file that `vivim init` writes.
constexpr std::string_view k_default_text =
    R"(# VIVIM's configuration. What is commented out shows the default. Flags of
# `vivim run` win over this file.

# Where the web app and the API listen. Only this machine can reach 127.0.0.1.
# http = "127.0.0.1:8470"

# Where other nodes reach this one; port 0 picks a free one. An empty list: nobody can reach us.
# listen = ["/ip4/0.0.0.0/tcp/8471", "/ip4/0.0.0.0/udp/8471/quic-v1"]

# Names other than localhost by which browsers may call this node, when `http` is not loopback.
# names = ["vivim.lan"]

# What is written to vivim.log and the terminal: debug, info, warning or error.
# log_level = "info"

# Addresses that lead here beside those of `listen`: through a proxy, or by a name.
# announce = ["/dns4/node.example/tcp/443/tls/ws"]

# Nodes to be connected with whenever there are fewer than four others. /dnsaddr works too.
# bootstrap = ["/ip4/192.0.2.1/tcp/8471/p2p/12D3KooW..."]

# Nodes that relay for this one when nobody can reach it directly.
# relays = ["/ip4/192.0.2.1/tcp/8471/p2p/12D3KooW..."]

# Whether this node relays for others: a little for each, so that they find a direct way.
# relay_server = false

# Whether this node asks others if it can be reached, and answers when they ask.
# autonat = true

# Whether this node asks the router (UPnP, NAT-PMP) to let others through to it.
# port_mapping = true

# Whether this node finds others on the local network, and is found by them.
# mdns = true

# Meeting points: nodes that tell this one of others in the same namespace, and others of this one.
# rendezvous = ["/ip4/192.0.2.1/tcp/8471/p2p/12D3KooW..."]
# rendezvous_namespace = "vivim"

# Whether this node is such a meeting point for others.
# rendezvous_server = false

# The key file of a private network: only nodes with the same key can connect. Make one with:
# vivim swarm key. There is no QUIC in a private network.
# private_network = "swarm.key"

# Whether this node also speaks mplex, where a peer is too old for yamux.
# mplex = false

# Whether other nodes may measure the speed to this one (vivim perf).
# perf = false

# The folder of the web app, if it is not where the program expects it.
# web = "/usr/share/vivim/web"

# Messages of topics (gossipsub). All nodes of a network must agree on `anonymous`, whether messages
# tell nobody their author, and `message_ids`: "vivim", or "go", "rust", "js" in a network of those.
# `peer_exchange`: tell those who find no place here of others. `instances`: tell everybody where
# this node is, and hear of others. `topics`: to be in from the start.
# [pubsub]
# enabled = true
# anonymous = false
# message_ids = "vivim"
# peer_exchange = false
# instances = false
# topics = []

# The DHT, where nodes find each other and what they share. mode: "auto" answers others once they
# can reach this node, "server" always, "client" never; "off" takes no part. The protocol of the
# public IPFS network is /ipfs/kad/1.0.0.
# [dht]
# mode = "auto"
# protocol = "/vivim/kad/1.0.0"

# Messages for nodes that are away: who keeps them, for this node and from it, and whether this
# node keeps them for others, sealed.
# [message]
# mailboxes = ["/ip4/192.0.2.1/tcp/8471/p2p/12D3KooW..."]
# mailbox_server = false

# What the node may use for its peers. The defaults follow from the machine; vivim swarm limits
# shows them, what is in use, and what was refused.
# [limits.system]
# connections = 256

# Secure WebSocket, to listen on /ip4/0.0.0.0/tcp/443/tls/ws: files (PEM), and the authorities to
# trust when dialling, in place of those of this machine.
# [wss]
# certificate = "chain.pem"
# key = "key.pem"
# authorities = "authorities.pem"
)";

constexpr std::string_view k_default_listen = "/ip4/0.0.0.0/tcp/8471";
constexpr std::string_view k_default_listen_quic = "/ip4/0.0.0.0/udp/8471/quic-v1";

/// An IP address with /tcp/<port>, a WebSocket or secure WebSocket on it, or
/// /udp/<port>/quic-v1.
bool can_listen_on(const Multiaddr& address) {
  if (!address.endpoint() || address.peer()) {
    return false;
  }
  const bool plain_tcp = address.components().size() == 2 && !address.endpoint()->udp;
  return plain_tcp || libp2p::quic::to_endpoint(address) ||
         libp2p::websocket::parse_address(address);
}

bool is_secure_websocket(const Multiaddr& address) {
  const auto parsed = libp2p::websocket::parse_address(address);
  return parsed && parsed->secure == libp2p::websocket::Secure::yes;
}

Problem contradiction(const std::string& where, std::string message, std::string hint) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_configuration",
          .message = where + ": " + std::move(message),
          .hint = std::move(hint)};
}

}  // namespace

Problem bad_value(const std::string& option, std::string_view value, const std::string& why) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_configuration",
          .message = option + ": '" + std::string(value) + "' " + why + ".",
          .hint = "docs/guide.md lists what can be configured."};
}

Config default_config() {
  Config config;
  config.network.listen.push_back(*Multiaddr::parse(k_default_listen));
  config.network.listen.push_back(*Multiaddr::parse(k_default_listen_quic));
  return config;
}

Outcome<void> check_network(const NetworkConfig& config, const std::string& where) {
  if (config.wss.certificate.empty() != config.wss.key.empty()) {
    return std::unexpected(contradiction(
        where, "wss.certificate and wss.key only work together, and one of them is missing.",
        "Name both files, the certificate's chain and its private key, both as PEM."));
  }
  if (config.relays.size() > libp2p::relay::k_relays_max) {
    return std::unexpected(contradiction(
        where,
        "relays: there are " + std::to_string(config.relays.size()) + ", and a node uses at most " +
            std::to_string(libp2p::relay::k_relays_max) + ".",
        "Two or three are enough: when one is away, the others still serve."));
  }
  if (config.messages.mailboxes.size() > message::k_mailboxes_max) {
    return std::unexpected(contradiction(
        where,
        "message.mailboxes: there are " + std::to_string(config.messages.mailboxes.size()) +
            ", and a node uses at most " + std::to_string(message::k_mailboxes_max) + ".",
        "Two or three are enough: when one is away, the others still serve."));
  }
  for (const auto& address : config.listen) {
    if (is_secure_websocket(address) && config.wss.certificate.empty()) {
      return std::unexpected(contradiction(
          where, "listen: '" + address.to_string() + "' needs a certificate, and there is none.",
          "Name its files under [wss]: certificate = \"chain.pem\", key = \"key.pem\"; or listen "
          "with /ws behind a proxy that has one."));
    }
    if (!config.private_network.empty() && !config.listen_is_default &&
        libp2p::quic::to_endpoint(address)) {
      return std::unexpected(
          contradiction(where,
                        "listen: '" + address.to_string() +
                            "' cannot be part of a private network: QUIC has no place for its key.",
                        "Listen on TCP or WebSocket only, or take private_network out."));
    }
  }
  return {};
}

libp2p::limits::Limits limits_of(const libp2p::limits::Machine& machine,
                                 const NetworkConfig& config) {
  auto limits = libp2p::limits::scaled_limits(machine);
  for (const auto& setting : config.limits) {
    if (auto* limit = libp2p::limits::find_limit(limits, setting.scope, setting.name)) {
      *limit = setting.value;
    }
  }
  return limits;
}

std::string default_config_text() {
  return std::string(k_default_text);
}

Outcome<rt::Endpoint> parse_endpoint(std::string_view text, const std::string& option) {
  const auto colon = text.rfind(':');
  std::string host(text.substr(0, colon == text.npos ? 0 : colon));
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  const std::string_view digits = colon == text.npos ? "" : text.substr(colon + 1);
  const auto* end = digits.data() + digits.size();
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), end, port);
  const auto ip = rt::IpAddress::parse(host == "localhost" ? "127.0.0.1" : host);
  if (!ip || digits.empty() || parsed.ec != std::errc() || parsed.ptr != end) {
    return std::unexpected(
        bad_value(option, text, "is not an address and a port, such as 127.0.0.1:8470"));
  }
  return rt::Endpoint{.ip = *ip, .port = port};
}

Outcome<Multiaddr> parse_listen_address(std::string_view text, const std::string& option) {
  auto address = Multiaddr::parse(text);
  if (!address || !can_listen_on(*address)) {
    return std::unexpected(
        bad_value(option, text, "is not an address to listen on, such as /ip4/0.0.0.0/tcp/8471"));
  }
  return std::move(*address);
}

Outcome<Multiaddr> parse_announced_address(std::string_view text, const std::string& option) {
  auto address = Multiaddr::parse(text);
  if (!address || !address->endpoint() || address->peer()) {
    return std::unexpected(
        bad_value(option, text,
                  "is not an address that leads here, such as /dns4/node.example/tcp/443/tls/ws"));
  }
  return std::move(*address);
}

Outcome<Multiaddr> parse_node_address(std::string_view text, const std::string& option) {
  auto address = Multiaddr::parse(text);
  if (!address || !address->peer()) {
    return std::unexpected(
        bad_value(option, text,
                  "is not the address of a node, such as /ip4/192.0.2.1/tcp/8471/p2p/12D3KooW..."));
  }
  return std::move(*address);
}

}  // namespace vivim::node
