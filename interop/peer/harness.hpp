#pragma once

#include <optional>
#include <string>

#include "interop/peer/choice.hpp"
#include "vivim/base/problem.hpp"

namespace vivim::interop {

/// What the environment of the libp2p project's own interop harness asks for: IS_DIALER,
/// REDIS_ADDR, TEST_KEY, TRANSPORT, SECURE_CHANNEL, MUXER, LISTENER_IP, TEST_TIMEOUT_SECS, and for
/// its perf tests UPLOAD_BYTES, DOWNLOAD_BYTES, UPLOAD_ITERATIONS, DOWNLOAD_ITERATIONS,
/// LATENCY_ITERATIONS.
struct HarnessRun {
  Choice choice;
  bool dialer = false;
  bool perf = false;  ///< one of perf's own variables is set
  std::string redis;
  std::string key;  ///< where the listener's address is told
  std::string listener_ip = "0.0.0.0";
  std::uint64_t timeout_seconds = 180;
  std::uint64_t upload_bytes = 0;
  std::uint64_t download_bytes = 0;
  std::uint64_t upload_iterations = 10;
  std::uint64_t download_iterations = 10;
  std::uint64_t latency_iterations = 100;

  /// Absent when IS_DIALER is not set: then this is not the harness. A Problem for what is missing
  /// or unknown.
  static std::optional<Outcome<HarnessRun>> from_environment();
};

/// Listens, tells Redis where, and serves until SIGTERM; or asks Redis, dials, measures and prints
/// YAML. Returns the exit code.
int run_harness(const HarnessRun& run);

}  // namespace vivim::interop
