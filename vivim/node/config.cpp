#include "vivim/node/config.hpp"

#include <charconv>

#include <toml++/toml.h>

namespace vivim::node {

namespace {

using multiformats::Multiaddr;

constexpr std::string_view k_default_listen = "/ip4/0.0.0.0/tcp/8471";
constexpr std::string_view k_default_listen_quic = "/ip4/0.0.0.0/udp/8471/quic-v1";

Problem bad_value(const std::string& option, std::string_view value, const std::string& why) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_configuration",
          .message = option + ": '" + std::string(value) + "' " + why + ".",
          .hint = "docs/guide.md lists what can be configured."};
}

Problem bad_file(const std::string& name, const toml::source_region& at, const std::string& why) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_configuration",
          .message = name + ", line " + std::to_string(at.begin.line) + ": " + why + ".",
          .hint =
              "docs/guide.md lists what can be configured. To begin anew, move the file away "
              "and run: vivim init"};
}

/// An IP address with /tcp/<port>, /tcp/<port>/ws or /udp/<port>/quic-v1.
bool can_listen_on(const Multiaddr& address) {
  using multiformats::Protocol;
  if (!address.endpoint() || address.peer()) {
    return false;
  }
  const auto parts = address.components();
  const bool udp = address.endpoint()->udp;
  return (parts.size() == 2 && !udp) ||
         (parts.size() == 3 && parts[2].protocol == (udp ? Protocol::quic_v1 : Protocol::ws));
}

/// Reads the members of one config.toml into a Config.
class ConfigReader {
 public:
  explicit ConfigReader(const std::string& name) : name_(name), config_(default_config()) {}

  Outcome<Config> read(const toml::table& table) {
    for (const auto& [key, value] : table) {
      VIVIM_TRYV(member(key.str(), value));
    }
    return std::move(config_);
  }

 private:
  Outcome<void> member(std::string_view key, const toml::node& value) {
    if (key == "http") {
      VIVIM_TRY(const auto text, string(key, value));
      VIVIM_TRY(config_.http, parse_endpoint(text, name_ + ": http"));
      return {};
    }
    if (key == "listen") {
      return listen(key, value);
    }
    if (key == "names") {
      VIVIM_TRY(config_.names, strings(key, value));
      return {};
    }
    if (key == "log_level") {
      return log_level(key, value);
    }
    if (key == "relays") {
      return relays(key, value);
    }
    if (key == "relay_server") {
      VIVIM_TRY(config_.network.relay_server, boolean(key, value));
      return {};
    }
    if (key == "mdns") {
      VIVIM_TRY(config_.network.mdns, boolean(key, value));
      return {};
    }
    if (key == "limits") {
      return limits(value);
    }
    if (key == "perf") {
      VIVIM_TRY(config_.network.perf, boolean(key, value));
      return {};
    }
    if (key == "web") {
      VIVIM_TRY(config_.web, string(key, value));
      return {};
    }
    return std::unexpected(
        bad_file(name_, value.source(), "there is no setting '" + std::string(key) + "'"));
  }

  Outcome<void> listen(std::string_view key, const toml::node& value) {
    VIVIM_TRY(const auto texts, strings(key, value));
    config_.network.listen.clear();
    config_.network.listen_is_default = false;
    for (const auto& text : texts) {
      VIVIM_TRY(auto address, parse_listen_address(text, name_ + ": listen"));
      config_.network.listen.push_back(std::move(address));
    }
    return {};
  }

  Outcome<void> relays(std::string_view key, const toml::node& value) {
    VIVIM_TRY(const auto texts, strings(key, value));
    for (const auto& text : texts) {
      VIVIM_TRY(auto address, parse_node_address(text, name_ + ": relays"));
      config_.network.relays.push_back(std::move(address));
    }
    return {};
  }

  Outcome<void> limits(const toml::node& value) {
    const auto* scopes = value.as_table();
    if (scopes == nullptr) {
      return std::unexpected(bad_file(name_, value.source(), "'limits' must be a table"));
    }
    for (const auto& [scope, limits] : *scopes) {
      if (!limits.is_table()) {
        return std::unexpected(bad_file(
            name_, limits.source(), "'limits." + std::string(scope.str()) + "' must be a table"));
      }
      for (const auto& [name, number] : *limits.as_table()) {
        VIVIM_TRYV(limit(scope.str(), name.str(), number));
      }
    }
    return {};
  }

  Outcome<void> limit(std::string_view scope, std::string_view name, const toml::node& value) {
    const std::string key = "limits." + std::string(scope) + "." + std::string(name);
    libp2p::limits::Limits all;
    if (libp2p::limits::find_limit(all, scope, name) == nullptr) {
      return std::unexpected(bad_file(name_, value.source(), "there is no limit '" + key + "'"));
    }
    const auto number = value.value_exact<std::int64_t>();
    if (!number || *number < 0) {
      return std::unexpected(
          bad_file(name_, value.source(), "'" + key + "' must be a whole number"));
    }
    config_.network.limits.push_back({.scope = std::string(scope),
                                      .name = std::string(name),
                                      .value = static_cast<std::uint64_t>(*number)});
    return {};
  }

  Outcome<void> log_level(std::string_view key, const toml::node& value) {
    constexpr std::string_view k_names[] = {"debug", "info", "warning", "error"};
    VIVIM_TRY(const auto text, string(key, value));
    for (std::size_t i = 0; i < std::size(k_names); ++i) {
      if (text == k_names[i]) {
        config_.log_level = static_cast<log::Level>(i);
        return {};
      }
    }
    return std::unexpected(
        bad_value(name_ + ": log_level", text, "is none of debug, info, warning, error"));
  }

  Outcome<std::string> string(std::string_view key, const toml::node& value) {
    const auto text = value.value_exact<std::string>();
    if (!text) {
      return std::unexpected(
          bad_file(name_, value.source(), "'" + std::string(key) + "' must be a text in quotes"));
    }
    return *text;
  }

  Outcome<bool> boolean(std::string_view key, const toml::node& value) {
    const auto flag = value.value_exact<bool>();
    if (!flag) {
      return std::unexpected(
          bad_file(name_, value.source(), "'" + std::string(key) + "' must be true or false"));
    }
    return *flag;
  }

  Outcome<std::vector<std::string>> strings(std::string_view key, const toml::node& value) {
    const auto* array = value.as_array();
    if (array == nullptr || array->size() > k_config_list_max) {
      return std::unexpected(bad_file(name_, value.source(),
                                      "'" + std::string(key) + "' must be a list of at most " +
                                          std::to_string(k_config_list_max) + " texts"));
    }
    std::vector<std::string> texts;
    for (const auto& item : *array) {
      VIVIM_TRY(auto text, string(key, item));
      texts.push_back(std::move(text));
    }
    return texts;
  }

  const std::string& name_;
  Config config_;
};

}  // namespace

Config default_config() {
  Config config;
  config.network.listen.push_back(*Multiaddr::parse(k_default_listen));
  config.network.listen.push_back(*Multiaddr::parse(k_default_listen_quic));
  return config;
}

Outcome<Config> parse_config(std::string_view text, const std::string& name) {
  try {
    return ConfigReader(name).read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return std::unexpected(bad_file(name, error.source(), std::string(error.description())));
  }
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
  return R"(# VIVIM's configuration. What is commented out shows the default. Flags of
# `vivim run` win over this file.

# Where the web app and the API listen. Only this machine can reach 127.0.0.1.
# http = "127.0.0.1:8470"

# Where other nodes reach this one; port 0 picks a free one. An empty list: nobody can reach us.
# listen = [")" +
         std::string(k_default_listen) + R"(", ")" + std::string(k_default_listen_quic) + R"("]

# Names other than localhost by which browsers may call this node, when `http` is not loopback.
# names = ["vivim.lan"]

# What is written to vivim.log and the terminal: debug, info, warning or error.
# log_level = "info"

# Nodes that relay for this one when nobody can reach it directly.
# relays = ["/ip4/192.0.2.1/tcp/8471/p2p/12D3KooW..."]

# Whether this node relays for others: a little for each, so that they find a direct way.
# relay_server = false

# Whether this node finds others on the local network, and is found by them.
# mdns = true

# Whether other nodes may measure the speed to this one (vivim perf).
# perf = false

# The folder of the web app, if it is not where the program expects it.
# web = "/usr/share/vivim/web"

# What the node may use for its peers. The defaults follow from the machine; vivim swarm limits
# shows them, what is in use, and what was refused.
# [limits.system]
# connections = 256
)";
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
