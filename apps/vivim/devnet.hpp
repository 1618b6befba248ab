#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/vivim/context.hpp"
#include "vivim/node/home.hpp"

/// Several nodes on this machine, for those who build on VIVIM: real processes, each with a home of
/// its own in one folder.
namespace vivim::cli {

inline constexpr std::size_t k_devnet_nodes_max = 64;

/// What a node of a development network is configured for.
enum class DevRole : unsigned char { bootstrap, relay, pds, indexer, edge, client };
std::string_view name_of(DevRole role);
/// What it does for the others, in a few words.
std::string_view duties_of(DevRole role);

/// The role of the node with this number, from 0: one each of the first five, then clients.
DevRole role_at(std::size_t number);

/// Its config.toml. `bootstrap` and `relay` are addresses with /p2p, or empty before there are any;
/// `listen` is where it listened before, empty: any port.
std::string dev_config(DevRole role, const std::string& listen, const std::string& bootstrap,
                       const std::string& relay);

struct DevNode {
  std::string name;  ///< "1-bootstrap"
  DevRole role = DevRole::client;
  node::HomePaths home;
};

/// The folder of a development network. Whether a node runs is what the lock of its home says, so a
/// process that was killed, or whose number another has by now, misleads nobody.
class Devnet {
 public:
  explicit Devnet(std::string folder) : folder_(std::move(folder)) {}

  const std::string& folder() const { return folder_; }
  /// The nodes that there are, by number.
  Outcome<std::vector<DevNode>> nodes() const;
  /// Makes the homes that are missing for `count` nodes; those that are there stay.
  Outcome<void> make(std::size_t count) const;

 private:
  std::string folder_;
};

bool dev_node_runs(const DevNode& node);
/// Starts its process, and waits until it says where it is. A Problem carries the last lines that
/// it wrote.
Outcome<void> start_dev_node(Context& context, const DevNode& node);
/// Asks it to stop, and ends it if it does not.
Outcome<void> stop_dev_node(Context& context, const DevNode& node);
/// Its addresses with /p2p; none when it does not run.
Outcome<std::vector<std::string>> addresses_of(Context& context, const DevNode& node);
/// What it says of itself at `path`.
Outcome<Json> ask_dev_node(Context& context, const DevNode& node, const std::string& path);
/// The last lines of its log.
std::string last_lines(const std::string& path, std::size_t lines);

}  // namespace vivim::cli
