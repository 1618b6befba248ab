#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/log.hpp"
#include "vivim/base/problem.hpp"
#include "vivim/libp2p/kad/mode.hpp"
#include "vivim/libp2p/limits/limits.hpp"
#include "vivim/multiformats/multiaddr.hpp"
#include "vivim/rt/network.hpp"

namespace vivim::node {

/// One line of [limits.<scope>].
struct LimitSetting {
  std::string scope;  ///< "system"
  std::string name;   ///< "connections_inbound"
  std::uint64_t value = 0;
};

/// Files (PEM) of secure WebSocket; empty: none.
struct WssConfig {
  std::string certificate;  ///< ours and those up to an authority
  std::string key;          ///< its private key
  std::string authorities;  ///< whom to trust when dialling, in place of the machine's
};

/// [pubsub]: messages of topics, over gossipsub.
struct PubsubConfig {
  bool enabled = true;
  /// No message tells its author; all nodes of a network must have the same here.
  bool anonymous = false;
  /// How message ids are made: "vivim", "go", "rust" or "js".
  std::string message_ids = "vivim";
  /// Whether peers that find no place in our meshes are told of others.
  bool peer_exchange = false;
  /// Whether the node tells everybody where it is, and hears of others, in /vivim/instances.
  bool instances = false;
  /// Topics to be in from the start, for the API.
  std::vector<std::string> topics;
};

/// The DHT (docs/protocol/kad.md).
struct DhtConfig {
  bool on = true;
  libp2p::kad::Mode mode = libp2p::kad::Mode::automatic;
  std::string protocol{libp2p::kad::k_protocol_id};
};

/// Messages between nodes.
struct MessageConfig {
  /// Nodes that keep messages for those who are away, for us and from us; each ends in /p2p/<id>.
  std::vector<multiformats::Multiaddr> mailboxes;
  /// We are such a node.
  bool mailbox_server = false;
};

/// A node among others.
struct NetworkConfig {
  /// Where other nodes reach us.
  std::vector<multiformats::Multiaddr> listen;
  /// `listen` is the default: another port will do when it is taken.
  bool listen_is_default = true;
  /// Addresses that lead to us by other means, without /p2p.
  std::vector<multiformats::Multiaddr> announce;
  /// Nodes to be connected with when there are few others; each ends in /p2p/<id>.
  std::vector<multiformats::Multiaddr> bootstrap;
  /// Nodes that relay for us, when nobody can reach us directly; each ends in /p2p/<id>.
  std::vector<multiformats::Multiaddr> relays;
  /// We relay for others.
  bool relay_server = false;
  /// Ask others whether we can be reached, and tell them about themselves.
  bool autonat = true;
  /// Have the router let others through.
  bool port_mapping = true;
  /// Rendezvous points, each ending in /p2p/<id>, and where at them we are.
  std::vector<multiformats::Multiaddr> rendezvous;
  std::string rendezvous_namespace = "vivim";
  /// We are a rendezvous point.
  bool rendezvous_server = false;
  /// The key file of a private network; empty: the public one. A path is relative to the home.
  std::string private_network;
  /// Also mplex, for peers without yamux.
  bool mplex = false;
  DhtConfig dht;
  WssConfig wss;  ///< paths relative to the home
  MessageConfig messages;
  /// Others may measure the speed to this node.
  bool perf = false;
  /// Find, and be found by, nodes on the local network.
  bool mdns = true;
  PubsubConfig pubsub;
  /// What the limits that follow from the machine are changed to.
  std::vector<LimitSetting> limits;
};

/// What config.toml says; what it does not say is as here.
struct Config {
  rt::Endpoint http{.ip = rt::IpAddress::v4(127, 0, 0, 1), .port = 8470};
  NetworkConfig network;
  /// Host names besides loopback's by which browsers may call this node.
  std::vector<std::string> names;
  log::Level log_level = log::Level::info;
  std::string web;  ///< the web app's folder; empty: beside the program
};

/// What of it contradicts itself, if anything does; `where` begins the message.
Outcome<void> check_network(const NetworkConfig& config, const std::string& where);

/// The limits of a machine, with what the configuration changes of them.
libp2p::limits::Limits limits_of(const libp2p::limits::Machine& machine,
                                 const NetworkConfig& config);

/// Most entries of a list in config.toml.
inline constexpr std::size_t k_config_list_max = 16;

/// The default configuration.
Config default_config();

/// Reads config.toml. A Problem with the line for what is not TOML, not known, or makes no sense;
/// `name` is what the file is called in it.
Outcome<Config> parse_config(std::string_view text, const std::string& name);

/// The file that `vivim init` writes: everything commented out, with the defaults.
std::string default_config_text();

/// "127.0.0.1:8470" or "[::1]:8470". A Problem names `option`.
Outcome<rt::Endpoint> parse_endpoint(std::string_view text, const std::string& option);
/// A multiaddr to listen on. A Problem names `option`.
Outcome<multiformats::Multiaddr> parse_listen_address(std::string_view text,
                                                      const std::string& option);
/// An address under which others reach us. A Problem names `option`.
Outcome<multiformats::Multiaddr> parse_announced_address(std::string_view text,
                                                         const std::string& option);
/// The address of a node, ending in /p2p/<id>. A Problem names `option`.
Outcome<multiformats::Multiaddr> parse_node_address(std::string_view text,
                                                    const std::string& option);

}  // namespace vivim::node
