#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "vivim/base/problem.hpp"

namespace vivim::interop {

/// A process of interop/js/libp2p-peer.mjs. Its standard error is ours; it ends when this object
/// goes.
class JsPeer {
 public:
  /// Starts it with `arguments`. A Problem when Node 22 or the packages are missing.
  static Outcome<std::unique_ptr<JsPeer>> start(std::vector<std::string> arguments);
  ~JsPeer();
  JsPeer(const JsPeer&) = delete;
  JsPeer& operator=(const JsPeer&) = delete;

  /// The next line that it prints; blocks. Nothing at the end of its output or after `patience`.
  std::optional<std::string> read_line(std::chrono::seconds patience);

  /// How it ended, once it has: 0 is success.
  std::optional<int> exit_code();

 private:
  JsPeer(pid_t pid, int input, int output) : pid_(pid), input_(input), output_(output) {}
  static Outcome<std::unique_ptr<JsPeer>> spawn(std::vector<std::string> command);

  pid_t pid_;
  int input_;
  int output_;
  std::string pending_;
  std::optional<int> exit_code_;
};

}  // namespace vivim::interop
