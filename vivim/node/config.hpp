#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "vivim/base/log.hpp"
#include "vivim/base/problem.hpp"
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

/// A node among others.
struct NetworkConfig {
  /// Where other nodes reach us.
  std::vector<multiformats::Multiaddr> listen;
  /// `listen` is the default: another port will do when it is taken.
  bool listen_is_default = true;
  /// Nodes that relay for us, when nobody can reach us directly; each ends in /p2p/<id>.
  std::vector<multiformats::Multiaddr> relays;
  /// We relay for others.
  bool relay_server = false;
  /// Others may measure the speed to this node.
  bool perf = false;
  /// Find, and be found by, nodes on the local network.
  bool mdns = true;
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
/// The address of a node, ending in /p2p/<id>. A Problem names `option`.
Outcome<multiformats::Multiaddr> parse_node_address(std::string_view text,
                                                    const std::string& option);

}  // namespace vivim::node
