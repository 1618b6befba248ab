#include "interop/node_worker.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmake/test_paths.hpp"

extern char** environ;

namespace vivim::interop {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "%s\nRun scripts/bootstrap to install Node and the npm packages.\n",
               what.c_str());
  std::exit(1);
}

std::string node_path() {
  if (const char* given = std::getenv("VIVIM_NODE")) {
    return given;
  }
  const std::string toolchain =
      test_paths::repository() + "/build/toolchain/node_modules/.bin/node";
  return std::filesystem::exists(toolchain) ? toolchain : "node";
}

using Deadline = std::chrono::steady_clock::time_point;

// False: nothing more came until the deadline, or nothing more will.
bool readable(int fd, Deadline deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
  return left.count() > 0 && ::poll(&waiting, 1, static_cast<int>(left.count())) > 0;
}

bool read_exactly(int fd, MutableBytes out, std::optional<Deadline> deadline) {
  while (!out.empty()) {
    if (deadline && !readable(fd, *deadline)) {
      return false;
    }
    const ssize_t count = ::read(fd, out.data(), out.size());
    if (count <= 0) {
      return false;
    }
    out = out.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

std::optional<Bytes> read_frame(int fd, std::optional<Deadline> deadline) {
  Bytes header(4);
  if (!read_exactly(fd, header, deadline)) {
    return std::nullopt;
  }
  Bytes body(load_be32(header));
  return read_exactly(fd, body, deadline) ? std::optional(std::move(body)) : std::nullopt;
}

void write_all(int fd, BytesView in) {
  while (!in.empty()) {
    const ssize_t count = ::write(fd, in.data(), in.size());
    if (count <= 0) {
      give_up("The Node worker does not read any more.");
    }
    in = in.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace

NodeWorker::NodeWorker(const std::string& script) : script_(script) {
  start();
}

NodeWorker::~NodeWorker() {
  stop();
}

void NodeWorker::start() {
  const std::string path = test_paths::repository() + "/" + script_;
  const auto packages = std::filesystem::path(path).parent_path() / "node_modules";
  if (!std::filesystem::exists(packages)) {
    give_up("The npm packages of interop/js are not installed (" + packages.string() + ").");
  }
  std::signal(SIGPIPE, SIG_IGN);
  int in[2];
  int out[2];
  if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) {
    give_up("No pipe to the Node worker.");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  std::string node = node_path();
  std::string script_argument = path;
  char* arguments[] = {node.data(), script_argument.data(), nullptr};
  const int error = ::posix_spawnp(&pid_, node.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    give_up("Node cannot be started (" + node + "): version 20 or newer is needed.");
  }
  ::close(in[0]);
  ::close(out[1]);
  to_ = in[1];
  from_ = out[0];
}

void NodeWorker::stop() {
  ::close(to_);
  ::close(from_);
  ::waitpid(pid_, nullptr, 0);
}

Bytes NodeWorker::call(BytesView request) {
  send(request);
  return receive();
}

void NodeWorker::send(BytesView request) {
  Bytes frame(4);
  store_be32(frame, static_cast<std::uint32_t>(request.size()));
  append(frame, request);
  write_all(to_, frame);
}

Bytes NodeWorker::receive() {
  auto body = read_frame(from_, std::nullopt);
  if (!body) {
    give_up("The Node worker ended without an answer (its message is above).");
  }
  return std::move(*body);
}

std::optional<Bytes> NodeWorker::receive_within(std::chrono::milliseconds patience) {
  auto body = read_frame(from_, std::chrono::steady_clock::now() + patience);
  if (!body) {
    ::kill(pid_, SIGKILL);
    stop();
    start();
  }
  return body;
}

}  // namespace vivim::interop
