#include <filesystem>

#include "apps/vivim/commands.hpp"
#include "apps/vivim/devnet.hpp"
#include "apps/vivim/table.hpp"
#include "apps/vivim/text.hpp"
#include "apps/vivim/units.hpp"

namespace vivim::cli {

namespace {

Devnet devnet_of(const Context& context, const std::string& folder) {
  return Devnet(folder.empty() ? context.home.root + "-devnet"
                               : std::filesystem::absolute(folder).lexically_normal().string());
}

/// Where a node listened, without /p2p: it shall be found there again.
std::string listen_of(const std::string& address) {
  return address.substr(0, address.find("/p2p/"));
}

std::string port_file(const DevNode& node) {
  return node.home.root + "/listen.txt";
}

bool is_relayed(const std::string& address) {
  return address.find("/p2p-circuit") != std::string::npos;
}

/// Writes its configuration, starts it, and remembers its port. What it is reached at; empty:
/// through the relay.
Outcome<std::string> bring_up(Context& context, const DevNode& node, const std::string& bootstrap,
                              const std::string& relay) {
  if (!dev_node_runs(node)) {
    VIVIM_TRY(const auto before, node::read_private(port_file(node)));
    VIVIM_TRYV(node::write_private(node.home.config(),
                                   dev_config(node.role, before.value_or(""), bootstrap, relay)));
    VIVIM_TRYV(start_dev_node(context, node));
  }
  VIVIM_TRY(const auto addresses, addresses_of(context, node));
  if (addresses.empty() || is_relayed(addresses.front())) {
    return std::string();  // it listens nowhere
  }
  VIVIM_TRYV(node::write_private(port_file(node), listen_of(addresses.front())));
  return addresses.front();
}

struct Row {
  std::string name;
  std::string role;
  bool running = false;
  std::string http;
  std::vector<std::string> addresses;
  std::uint64_t peers = 0;
};

Row row_of(Context& context, const DevNode& node) {
  Row row{.name = node.name, .role = std::string(name_of(node.role))};
  if (!dev_node_runs(node)) {
    return row;
  }
  if (const auto status = ask_dev_node(context, node, "/api/v2/status")) {
    row.running = true;
    row.http = text_at(*status, "http");
    row.peers = count_at(*status, "peers");
  }
  row.addresses = addresses_of(context, node).value_or(std::vector<std::string>());
  return row;
}

void show_rows(Context& context, const Devnet& devnet, const std::vector<DevNode>& nodes) {
  Table table({{.header = "NODE", .style = Style::cyan},
               {.header = "DOES"},
               {.header = "STATE"},
               {.header = "PEERS", .align = Align::right},
               {.header = "WEB APP"},
               {.header = "ADDRESS"}});
  boost::json::array list;
  for (const auto& node : nodes) {
    const Row row = row_of(context, node);
    const std::string address = row.addresses.empty() ? "" : row.addresses.front();
    table.add({row.name, std::string(duties_of(node.role)), row.running ? "running" : "down",
               row.running ? format_count(row.peers) : "-", row.http.empty() ? "-" : row.http,
               address.empty() ? "-" : address});
    for (std::size_t i = 1; i < row.addresses.size(); ++i) {
      table.add({"", "", "", "", "", row.addresses[i]});
    }
    list.push_back(boost::json::object{
        {"name", row.name},
        {"role", row.role},
        {"running", row.running},
        {"http", row.http},
        {"does", duties_of(node.role)},
        {"address", address},
        {"addresses", boost::json::array(row.addresses.begin(), row.addresses.end())},
        {"peers", row.peers},
        {"home", node.home.root}});
  }
  if (context.common.json) {
    print_json(boost::json::object{{"folder", devnet.folder()}, {"nodes", std::move(list)}});
    return;
  }
  print(table.render(context.out));
}

}  // namespace

Outcome<void> execute(Context& context, const DevnetUpArguments& arguments) {
  const auto devnet = devnet_of(context, arguments.folder);
  VIVIM_TRYV(devnet.make(arguments.nodes));
  VIVIM_TRY(const auto nodes, devnet.nodes());
  std::string bootstrap;
  std::string relay;
  for (const auto& node : nodes) {
    VIVIM_TRY(const auto address, bring_up(context, node, bootstrap, relay));
    if (node.role == DevRole::bootstrap) {
      bootstrap = address;
    } else if (node.role == DevRole::relay) {
      relay = address;
    }
  }
  show_rows(context, devnet, nodes);
  if (!context.common.json) {
    print("\nEach is a node with a home in " + devnet.folder() +
          ", so every command works on it:\n  vivim peers --home " + nodes.back().home.root +
          "\nEnd them with: vivim devnet down" +
          (arguments.folder.empty() ? "" : " --dir " + devnet.folder()) + "\n");
  }
  return {};
}

Outcome<void> execute(Context& context, const DevnetStatusArguments& arguments) {
  const auto devnet = devnet_of(context, arguments.folder);
  VIVIM_TRY(const auto nodes, devnet.nodes());
  show_rows(context, devnet, nodes);
  return {};
}

Outcome<void> execute(Context& context, const DevnetLogsArguments& arguments) {
  const auto devnet = devnet_of(context, arguments.folder);
  VIVIM_TRY(const auto nodes, devnet.nodes());
  bool found = false;
  boost::json::object logs;
  for (const auto& node : nodes) {
    if (!arguments.node.empty() && node.name != arguments.node &&
        name_of(node.role) != arguments.node) {
      continue;
    }
    found = true;
    const auto lines = last_lines(node.home.log(), arguments.lines);
    if (context.common.json) {
      logs[node.name] = lines;
    } else {
      print(styled(context.out, Style::bold, node.name) + "\n" + sanitize(lines));
    }
  }
  if (!found) {
    return std::unexpected(Problem{.kind = ProblemKind::not_found,
                                   .code = "no_devnet_node",
                                   .message = "There is no node '" + arguments.node + "'.",
                                   .hint = "See them with: vivim devnet status"});
  }
  if (context.common.json) {
    print_json(logs);
  }
  return {};
}

Outcome<void> execute(Context& context, const DevnetDownArguments& arguments) {
  const auto devnet = devnet_of(context, arguments.folder);
  VIVIM_TRY(auto nodes, devnet.nodes());
  std::ranges::reverse(nodes);
  std::size_t stopped = 0;
  for (const auto& node : nodes) {
    stopped += dev_node_runs(node) ? 1 : 0;
    VIVIM_TRYV(stop_dev_node(context, node));
  }
  if (arguments.purge) {
    for (const auto& node : nodes) {
      std::error_code error;
      std::filesystem::remove_all(node.home.root, error);
    }
    std::error_code error;
    std::filesystem::remove(devnet.folder(), error);
  }
  if (context.common.json) {
    print_json(boost::json::object{{"stopped", stopped}, {"purged", arguments.purge}});
  } else {
    print(format_count_of(stopped, "node") + " stopped" +
          (arguments.purge ? ", homes removed.\n"
                           : "; their homes stay in " + devnet.folder() + ".\n"));
  }
  return {};
}

}  // namespace vivim::cli
