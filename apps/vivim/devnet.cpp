#include "apps/vivim/devnet.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vivim/node/node_file.hpp"

namespace vivim::cli {

namespace {

constexpr auto k_poll = std::chrono::milliseconds(20);
constexpr auto k_start_time_max = std::chrono::seconds(30);
constexpr auto k_node_stop_time_max = std::chrono::seconds(20);
constexpr std::size_t k_lines_of_failure = 5;

constexpr std::array k_roles{DevRole::bootstrap, DevRole::relay, DevRole::pds,
                             DevRole::indexer,   DevRole::edge,  DevRole::client};

Problem failed(const DevNode& node, const std::string& what) {
  const auto lines = last_lines(node.home.log(), k_lines_of_failure);
  return {.kind = ProblemKind::unavailable,
          .code = "devnet_node",
          .message = "Node " + node.name + " " + what + "." +
                     (lines.empty() ? "" : " It logged last: " + lines),
          .hint = "See: vivim devnet logs " + node.name};
}

std::string output_path(const DevNode& node) {
  return node.home.root + "/output.txt";
}

/// `vivim run` on the node's home, in a session of its own.
Outcome<pid_t> spawn(const DevNode& node) {
  std::vector<std::string> words{"vivim",  "run",         "--home", node.home.root,
                                 "--http", "127.0.0.1:0", "--quiet"};
  std::vector<char*> argv;
  for (auto& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  const std::string output = output_path(node);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, S_IRUSR | S_IWUSR);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t child = 0;
  const int error =
      posix_spawn(&child, "/proc/self/exe", &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return std::unexpected(failed(node, "could not be started, error " + std::to_string(error)));
  }
  return child;
}

void pause(Context& context) {
  context.loop.run(rt::sleep_for(context.loop, k_poll));
}

/// Whether it ends within `time`.
bool ends(Context& context, const DevNode& node, std::chrono::milliseconds time) {
  const auto deadline = context.loop.clock().now() + time;
  while (dev_node_runs(node)) {
    if (context.loop.clock().now() > deadline) {
      return false;
    }
    pause(context);
  }
  return true;
}

Context context_of(Context& context, const DevNode& node) {
  return {.common = context.common,
          .home = node.home,
          .out = context.out,
          .err = context.err,
          .loop = context.loop};
}

std::optional<DevRole> role_of(std::string_view name) {
  for (const DevRole role : k_roles) {
    if (name == name_of(role)) {
      return role;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view name_of(DevRole role) {
  static constexpr std::array<std::string_view, k_roles.size()> k_names{
      "bootstrap", "relay", "pds", "indexer", "edge", "client"};
  return k_names[static_cast<std::size_t>(role)];
}

std::string_view duties_of(DevRole role) {
  static constexpr std::array<std::string_view, k_roles.size()> k_duties{
      "meeting point, DHT server",        "relays, keeps messages, DHT server",
      "always there, DHT server",         "hears of instances, DHT server",
      "web app, speed tests, DHT server", "listens nowhere, reached through the relay"};
  return k_duties[static_cast<std::size_t>(role)];
}

DevRole role_at(std::size_t number) {
  return k_roles[std::min(number, k_roles.size() - 1)];
}

std::string dev_config(DevRole role, const std::string& listen, const std::string& bootstrap,
                       const std::string& relay) {
  const auto list = [](const std::string& key, const std::string& address) {
    return address.empty() ? "" : key + " = [\"" + address + "\"]\n";
  };
  std::string text = "# A node of a development network (vivim devnet), role " +
                     std::string(name_of(role)) + ". Written anew by each `vivim devnet up`.\n";
  // Whoever uses a client is at home behind a router: others come through the relay.
  const bool listens = role != DevRole::client || relay.empty();
  text += listens ? list("listen", listen.empty() ? "/ip4/127.0.0.1/tcp/0" : listen)
                  : std::string("listen = []\n");
  text += "mdns = false\nport_mapping = false\n";
  text += role == DevRole::edge ? "perf = true\n" : "";
  if (role == DevRole::bootstrap) {
    text += "rendezvous_server = true\n";
  } else {
    text += list("bootstrap", bootstrap) + list("rendezvous", bootstrap);
  }
  if (role == DevRole::client) {
    text += list("relays", relay);
  }
  if (role == DevRole::relay) {
    text += "relay_server = true\n\n[message]\nmailbox_server = true\n";
  } else {
    text += relay.empty() ? "" : "\n[message]\n" + list("mailboxes", relay);
  }
  text += "\n[pubsub]\ninstances = true\n";
  text += role == DevRole::indexer ? "topics = [\"/vivim/instances\"]\n" : "";
  return text + "\n[dht]\nmode = \"" + (role == DevRole::client ? "client" : "server") + "\"\n";
}

Outcome<std::vector<DevNode>> Devnet::nodes() const {
  std::vector<std::pair<std::size_t, DevNode>> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename();
    const auto dash = name.find('-');
    std::size_t number = 0;
    const auto read =
        std::from_chars(name.data(), name.data() + std::min(dash, name.size()), number);
    const auto role = dash == std::string::npos ? std::nullopt : role_of(name.substr(dash + 1));
    if (read.ec == std::errc() && role && entry.is_directory()) {
      found.emplace_back(
          number, DevNode{.name = name, .role = *role, .home = {.root = folder_ + "/" + name}});
    }
  }
  std::ranges::sort(found, {}, &std::pair<std::size_t, DevNode>::first);
  std::vector<DevNode> nodes;
  for (auto& [number, node] : found) {
    nodes.push_back(std::move(node));
  }
  if (nodes.empty()) {
    return std::unexpected(Problem{.kind = ProblemKind::not_found,
                                   .code = "no_devnet",
                                   .message = "There is no development network in " + folder_ + ".",
                                   .hint = "Make one: vivim devnet up"});
  }
  return nodes;
}

Outcome<void> Devnet::make(std::size_t count) const {
  for (std::size_t i = 0; i < count; ++i) {
    const node::HomePaths home{.root = folder_ + "/" + std::to_string(i + 1) + "-" +
                                       std::string(name_of(role_at(i)))};
    VIVIM_TRYV(node::make_home(home));
  }
  return {};
}

bool dev_node_runs(const DevNode& node) {
  return node::HomeLock::holder(node.home).has_value();
}

Outcome<void> start_dev_node(Context& context, const DevNode& node) {
  VIVIM_TRY(const pid_t child, spawn(node));
  const auto deadline = context.loop.clock().now() + k_start_time_max;
  for (;;) {
    const auto file = node::NodeFile::read(node.home);
    if (file && file->pid == child && dev_node_runs(node)) {
      return {};
    }
    if (::waitpid(child, nullptr, WNOHANG) == child) {
      return std::unexpected(failed(
          node, "ended at once; it said: " + last_lines(output_path(node), k_lines_of_failure)));
    }
    if (context.loop.clock().now() > deadline) {
      return std::unexpected(failed(node, "does not say where it is"));
    }
    pause(context);
  }
}

Outcome<void> stop_dev_node(Context& context, const DevNode& node) {
  if (!dev_node_runs(node)) {
    return {};
  }
  auto there = context_of(context, node);
  bool asked = false;
  if (auto api = open_api(there, ApiUse::running_node)) {
    asked = request(**api,
                    {.method = "POST", .path = "/api/v2/stop", .patience = std::chrono::seconds(5)})
                .has_value();
  }
  if (asked && ends(context, node, k_node_stop_time_max)) {
    return {};
  }
  // Who holds the lock is alive, and is the process that took it.
  for (const int signal : {SIGTERM, SIGKILL}) {
    const auto holder = node::HomeLock::holder(node.home);
    if (!holder || holder->pid <= 1) {
      return {};
    }
    ::kill(static_cast<pid_t>(holder->pid), signal);
    if (ends(context, node, std::chrono::seconds(5))) {
      return {};
    }
  }
  return std::unexpected(failed(node, "cannot be stopped"));
}

Outcome<Json> ask_dev_node(Context& context, const DevNode& node, const std::string& path) {
  auto there = context_of(context, node);
  VIVIM_TRY(const auto api, open_api(there, ApiUse::running_node));
  return get_json(*api, path);
}

Outcome<std::vector<std::string>> addresses_of(Context& context, const DevNode& node) {
  VIVIM_TRY(const auto identity, ask_dev_node(context, node, "/api/v2/id"));
  std::vector<std::string> addresses;
  for (const auto& address : items_at(identity, "addresses")) {
    if (const auto* text = address.if_string()) {
      addresses.emplace_back(text->data(), text->size());
    }
  }
  return addresses;
}

std::string last_lines(const std::string& path, std::size_t lines) {
  std::ifstream file(path);
  std::deque<std::string> kept;
  for (std::string line; std::getline(file, line);) {
    kept.push_back(std::move(line));
    if (kept.size() > lines) {
      kept.pop_front();
    }
  }
  std::string out;
  for (const auto& line : kept) {
    out += line + "\n";
  }
  return out;
}

}  // namespace vivim::cli
