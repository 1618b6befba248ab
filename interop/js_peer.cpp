#include "interop/js_peer.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace vivim::interop {

namespace {

constexpr int k_node_major_min = 22;

std::string source_path(const char* path) {
  return std::string(VIVIM_SOURCE_DIR) + "/" + path;
}

std::string find_node() {
  if (const char* named = std::getenv("VIVIM_NODE"); named != nullptr && *named != '\0') {
    return named;
  }
  auto installed = source_path("build/toolchain/node_modules/.bin/node");
  return std::filesystem::exists(installed) ? installed : "node";
}

Problem missing(std::string message) {
  return {.kind = ProblemKind::unavailable,
          .code = "interop_peer_missing",
          .message = std::move(message),
          .hint = "Install the foreign peers with: scripts/bootstrap test"};
}

int major_version(const std::string& text) {
  int major = 0;
  std::from_chars(text.data(), text.data() + text.size(), major);
  return major;
}

}  // namespace

Outcome<std::unique_ptr<JsPeer>> JsPeer::spawn(std::vector<std::string> command) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0) {
    return std::unexpected(missing("No pipe to a child process could be made."));
  }
  std::vector<char*> arguments;
  for (auto& word : command) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  pid_t pid = 0;
  const int failed = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (failed != 0) {
    close(in[1]);
    close(out[0]);
    return std::unexpected(missing("'" + command[0] + "' cannot be run."));
  }
  return std::unique_ptr<JsPeer>(new JsPeer(pid, in[1], out[0]));
}

Outcome<std::unique_ptr<JsPeer>> JsPeer::start(std::vector<std::string> arguments) {
  const auto node = find_node();
  auto version = spawn({node, "-p", "process.versions.node"});
  if (!version) {
    return version;
  }
  const auto line = (*version)->read_line(std::chrono::seconds(20)).value_or("");
  if (major_version(line) < k_node_major_min) {
    return std::unexpected(missing("Node 22 or newer is needed; '" + node + "' is " + line + "."));
  }
  if (!std::filesystem::exists(source_path("interop/js/node_modules/libp2p/package.json"))) {
    return std::unexpected(missing("js-libp2p is not installed in interop/js."));
  }
  arguments.insert(arguments.begin(), {node, source_path("interop/js/libp2p-peer.mjs")});
  return spawn(std::move(arguments));
}

JsPeer::~JsPeer() {
  close(input_);
  close(output_);
  if (!exit_code()) {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
}

std::optional<std::string> JsPeer::read_line(std::chrono::seconds patience) {
  for (;;) {
    if (const auto end = pending_.find('\n'); end != std::string::npos) {
      auto line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    pollfd wait{.fd = output_, .events = POLLIN, .revents = 0};
    const auto patience_ms = std::chrono::milliseconds(patience).count();
    std::array<char, 4096> buffer{};
    if (poll(&wait, 1, static_cast<int>(patience_ms)) != 1) {
      return std::nullopt;
    }
    const auto count = read(output_, buffer.data(), buffer.size());
    if (count <= 0) {
      return std::nullopt;
    }
    pending_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

std::optional<int> JsPeer::exit_code() {
  int status = 0;
  if (!exit_code_ && waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  return exit_code_;
}

}  // namespace vivim::interop
