#include <toml++/toml.h>

#include "vivim/libp2p/gossipsub/options.hpp"
#include "vivim/libp2p/rendezvous/message.hpp"
#include "vivim/node/config.hpp"
#include "vivim/node/config_detail.hpp"

namespace vivim::node {

namespace {

Problem bad_file(const std::string& name, const toml::source_region& at, const std::string& why) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_configuration",
          .message = name + ", line " + std::to_string(at.begin.line) + ": " + why + ".",
          .hint =
              "docs/guide.md lists what can be configured. To begin anew, move the file away "
              "and run: vivim init"};
}

/// Reads the members of one config.toml into a Config.
class ConfigReader {
 public:
  explicit ConfigReader(const std::string& name) : name_(name), config_(default_config()) {}

  Outcome<Config> read(const toml::table& table) {
    for (const auto& [key, value] : table) {
      VIVIM_TRYV(member(key.str(), value));
    }
    VIVIM_TRYV(check_network(config_.network, name_));
    return std::move(config_);
  }

 private:
  using Read = Outcome<void> (ConfigReader::*)(std::string_view key, const toml::node& value);
  using Addresses = std::vector<multiformats::Multiaddr> NetworkConfig::*;

  Outcome<void> member(std::string_view key, const toml::node& value) {
    static constexpr std::pair<std::string_view, Read> k_members[] = {
        {"http", &ConfigReader::http},
        {"listen", &ConfigReader::listen},
        {"names", &ConfigReader::names},
        {"log_level", &ConfigReader::log_level},
        {"relays", &ConfigReader::nodes<&NetworkConfig::relays>},
        {"bootstrap", &ConfigReader::nodes<&NetworkConfig::bootstrap>},
        {"rendezvous", &ConfigReader::nodes<&NetworkConfig::rendezvous>},
        {"rendezvous_namespace", &ConfigReader::rendezvous_namespace},
        {"announce", &ConfigReader::announce},
        {"relay_server", &ConfigReader::flag<&NetworkConfig::relay_server>},
        {"rendezvous_server", &ConfigReader::flag<&NetworkConfig::rendezvous_server>},
        {"autonat", &ConfigReader::flag<&NetworkConfig::autonat>},
        {"port_mapping", &ConfigReader::flag<&NetworkConfig::port_mapping>},
        {"mdns", &ConfigReader::flag<&NetworkConfig::mdns>},
        {"mplex", &ConfigReader::flag<&NetworkConfig::mplex>},
        {"perf", &ConfigReader::flag<&NetworkConfig::perf>},
        {"private_network", &ConfigReader::path<&NetworkConfig::private_network>},
        {"wss", &ConfigReader::wss},
        {"pubsub", &ConfigReader::pubsub},
        {"dht", &ConfigReader::dht},
        {"message", &ConfigReader::message},
        {"limits", &ConfigReader::limits},
        {"web", &ConfigReader::web},
    };
    for (const auto& [name, read] : k_members) {
      if (name == key) {
        return (this->*read)(key, value);
      }
    }
    return std::unexpected(
        bad_file(name_, value.source(), "there is no setting '" + std::string(key) + "'"));
  }

  Outcome<void> http(std::string_view key, const toml::node& value) {
    VIVIM_TRY(const auto text, string(key, value));
    VIVIM_TRY(config_.http, parse_endpoint(text, name_ + ": http"));
    return {};
  }

  Outcome<void> names(std::string_view key, const toml::node& value) {
    VIVIM_TRY(config_.names, strings(key, value));
    return {};
  }

  Outcome<void> web(std::string_view key, const toml::node& value) {
    VIVIM_TRY(config_.web, string(key, value));
    return {};
  }

  template <bool NetworkConfig::* Member>
  Outcome<void> flag(std::string_view key, const toml::node& value) {
    VIVIM_TRY(config_.network.*Member, boolean(key, value));
    return {};
  }

  template <std::string NetworkConfig::* Member>
  Outcome<void> path(std::string_view key, const toml::node& value) {
    VIVIM_TRY(config_.network.*Member, path_text(key, value));
    return {};
  }

  template <Addresses Member>
  Outcome<void> nodes(std::string_view key, const toml::node& value) {
    VIVIM_TRY(const auto texts, strings(key, value));
    for (const auto& text : texts) {
      VIVIM_TRY(auto address, parse_node_address(text, name_ + ": " + std::string(key)));
      (config_.network.*Member).push_back(std::move(address));
    }
    return {};
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

  Outcome<void> announce(std::string_view key, const toml::node& value) {
    VIVIM_TRY(const auto texts, strings(key, value));
    for (const auto& text : texts) {
      VIVIM_TRY(auto address, parse_announced_address(text, name_ + ": announce"));
      config_.network.announce.push_back(std::move(address));
    }
    return {};
  }

  Outcome<void> rendezvous_namespace(std::string_view key, const toml::node& value) {
    VIVIM_TRY(auto text, string(key, value));
    if (text.empty() || text.size() > libp2p::rendezvous::k_namespace_bytes_max) {
      return std::unexpected(
          bad_file(name_, value.source(), "'rendezvous_namespace' must have 1 to 255 bytes"));
    }
    config_.network.rendezvous_namespace = std::move(text);
    return {};
  }

  Outcome<void> dht(std::string_view, const toml::node& value) {
    const auto* table = value.as_table();
    if (table == nullptr) {
      return std::unexpected(bad_file(name_, value.source(), "'dht' must be a table"));
    }
    for (const auto& [key, setting] : *table) {
      const std::string name = "dht." + std::string(key.str());
      if (key.str() == "mode") {
        VIVIM_TRY(const auto text, string(name, setting));
        VIVIM_TRYV(dht_mode(text));
      } else if (key.str() == "protocol") {
        VIVIM_TRY(config_.network.dht.protocol, string(name, setting));
        if (!config_.network.dht.protocol.starts_with('/')) {
          return std::unexpected(
              bad_file(name_, setting.source(), "'dht.protocol' must begin with a slash"));
        }
      } else {
        return std::unexpected(
            bad_file(name_, setting.source(), "there is no setting '" + name + "'"));
      }
    }
    return {};
  }

  Outcome<void> dht_mode(const std::string& text) {
    auto& dht = config_.network.dht;
    dht.on = text != "off";
    if (text == "client") {
      dht.mode = libp2p::kad::Mode::client;
    } else if (text == "server") {
      dht.mode = libp2p::kad::Mode::server;
    } else if (text == "auto") {
      dht.mode = libp2p::kad::Mode::automatic;
    } else if (dht.on) {
      return std::unexpected(
          bad_value(name_ + ": dht.mode", text, "is none of auto, client, server, off"));
    }
    return {};
  }

  Outcome<void> wss(std::string_view, const toml::node& value) {
    const auto* table = value.as_table();
    if (table == nullptr) {
      return std::unexpected(bad_file(name_, value.source(), "'wss' must be a table"));
    }
    auto& wss = config_.network.wss;
    for (const auto& [key, path] : *table) {
      const std::string name = "wss." + std::string(key.str());
      auto* const place = key.str() == "certificate"   ? &wss.certificate
                          : key.str() == "key"         ? &wss.key
                          : key.str() == "authorities" ? &wss.authorities
                                                       : nullptr;
      if (place == nullptr) {
        return std::unexpected(
            bad_file(name_, path.source(), "there is no setting '" + name + "'"));
      }
      VIVIM_TRY(*place, path_text(name, path));
    }
    return {};
  }

  Outcome<void> message(std::string_view, const toml::node& value) {
    const auto* table = value.as_table();
    if (table == nullptr) {
      return std::unexpected(bad_file(name_, value.source(), "'message' must be a table"));
    }
    auto& messages = config_.network.messages;
    for (const auto& [key, setting] : *table) {
      const std::string name = "message." + std::string(key.str());
      if (key.str() == "mailbox_server") {
        VIVIM_TRY(messages.mailbox_server, boolean(name, setting));
      } else if (key.str() == "mailboxes") {
        VIVIM_TRY(const auto texts, strings(name, setting));
        for (const auto& text : texts) {
          VIVIM_TRY(auto address, parse_node_address(text, name_ + ": " + name));
          messages.mailboxes.push_back(std::move(address));
        }
      } else {
        return std::unexpected(
            bad_file(name_, setting.source(), "there is no setting '" + name + "'"));
      }
    }
    return {};
  }

  Outcome<std::string> path_text(std::string_view key, const toml::node& value) {
    VIVIM_TRY(auto text, string(key, value));
    if (text.empty()) {
      return std::unexpected(
          bad_file(name_, value.source(), "'" + std::string(key) + "' must be the path of a file"));
    }
    return text;
  }

  Outcome<void> pubsub(std::string_view, const toml::node& value) {
    const auto* table = value.as_table();
    if (table == nullptr) {
      return std::unexpected(bad_file(name_, value.source(), "'pubsub' must be a table"));
    }
    auto& pubsub = config_.network.pubsub;
    for (const auto& [key, setting] : *table) {
      const std::string name = "pubsub." + std::string(key.str());
      bool* const flag = key.str() == "enabled"         ? &pubsub.enabled
                         : key.str() == "anonymous"     ? &pubsub.anonymous
                         : key.str() == "peer_exchange" ? &pubsub.peer_exchange
                         : key.str() == "instances"     ? &pubsub.instances
                                                        : nullptr;
      if (flag != nullptr) {
        VIVIM_TRY(*flag, boolean(name, setting));
      } else if (key.str() == "message_ids") {
        VIVIM_TRYV(message_ids(name, setting));
      } else if (key.str() == "topics") {
        VIVIM_TRYV(topics(name, setting));
      } else {
        return std::unexpected(
            bad_file(name_, setting.source(), "there is no setting '" + name + "'"));
      }
    }
    return {};
  }

  Outcome<void> message_ids(std::string_view key, const toml::node& value) {
    VIVIM_TRY(config_.network.pubsub.message_ids, string(key, value));
    if (!libp2p::gossipsub::parse_id_profile(config_.network.pubsub.message_ids)) {
      return std::unexpected(bad_value(name_ + ": " + std::string(key),
                                       config_.network.pubsub.message_ids,
                                       "is none of vivim, go, rust, js"));
    }
    return {};
  }

  Outcome<void> topics(std::string_view key, const toml::node& value) {
    VIVIM_TRY(config_.network.pubsub.topics, strings(key, value));
    for (const auto& topic : config_.network.pubsub.topics) {
      if (topic.empty() || topic.size() > libp2p::gossipsub::k_topic_bytes_max) {
        return std::unexpected(
            bad_file(name_, value.source(), "'pubsub.topics': each must have 1 to 1024 bytes"));
      }
    }
    return {};
  }

  Outcome<void> limits(std::string_view, const toml::node& value) {
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

Outcome<Config> parse_config(std::string_view text, const std::string& name) {
  try {
    return ConfigReader(name).read(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return std::unexpected(bad_file(name, error.source(), std::string(error.description())));
  }
}

}  // namespace vivim::node
