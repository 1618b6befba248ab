#pragma once

#include <optional>
#include <string>

#include "interop/peer/choice.hpp"
#include "vivim/base/problem.hpp"

namespace vivim::interop {

/// Which of the libp2p project's harnesses runs us.
enum class Harness : std::uint8_t {
  /// unified-testing: IS_DIALER, REDIS_ADDR, TEST_KEY, TRANSPORT, SECURE_CHANNEL, MUXER,
  /// LISTENER_IP, TEST_TIMEOUT_SECS, and for its perf tests UPLOAD_BYTES, DOWNLOAD_BYTES,
  /// UPLOAD_ITERATIONS, DOWNLOAD_ITERATIONS, LATENCY_ITERATIONS; answers in YAML.
  unified,
  /// test-plans' transport-interop: is_dialer, redis_addr, transport, security, muxer, ip,
  /// test_timeout_seconds; answers in JSON.
  test_plans,
};

/// What the environment of a harness asks for.
struct HarnessRun {
  Harness harness = Harness::unified;
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

  /// Absent when neither IS_DIALER nor is_dialer is set: then this is no harness. A Problem for
  /// what is missing or unknown.
  static std::optional<Outcome<HarnessRun>> from_environment();
};

/// Listens, tells Redis where, and serves until SIGTERM, or for test-plans until its time is over,
/// which is a failure; or asks Redis, dials, measures and prints. Returns the exit code.
int run_harness(const HarnessRun& run);

}  // namespace vivim::interop
