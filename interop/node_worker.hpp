#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <sys/types.h>

#include "vivim/base/bytes.hpp"

namespace vivim::interop {

/// A Node program that answers frames (32-bit big-endian length, body) on its standard input with
/// frames on its standard output. Node is $VIVIM_NODE, else build/toolchain's, else `node` of the
/// PATH. What fails ends this program with a message: a differential test without its other side
/// has not passed.
class NodeWorker {
 public:
  /// `script` is relative to the repository's root.
  explicit NodeWorker(const std::string& script);
  ~NodeWorker();
  NodeWorker(const NodeWorker&) = delete;
  NodeWorker& operator=(const NodeWorker&) = delete;

  /// Sends a request and waits for its response.
  Bytes call(BytesView request);
  /// The two halves of it, to do something else meanwhile. One request at a time.
  void send(BytesView request);
  Bytes receive();
  /// As receive(), for programs that may never answer. Nothing: no answer came in time, or the
  /// worker ended; it has been started anew and knows nothing.
  std::optional<Bytes> receive_within(std::chrono::milliseconds patience);

 private:
  void start();
  void stop();

  std::string script_;
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

}  // namespace vivim::interop
