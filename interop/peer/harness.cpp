#include "interop/peer/harness.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "interop/peer/figures.hpp"
#include "interop/peer/node.hpp"
#include "interop/peer/resp.hpp"
#include "vivim/rt/asio/resolver.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::interop {

namespace {

using libp2p::Multiaddr;
using libp2p::PeerId;

constexpr auto k_ask_interval = std::chrono::milliseconds(200);
constexpr std::uint64_t k_block_seconds_max = 180;

std::optional<std::string> variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
}

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const auto text = variable(name);
  std::uint64_t value = otherwise;
  if (text) {
    std::from_chars(text->data(), text->data() + text->size(), value);
  }
  return value;
}

Problem missing(const char* name) {
  return {.kind = ProblemKind::bad_input,
          .code = "harness_environment",
          .message = std::string("The environment has no ") + name + ".",
          .hint = ""};
}

double milliseconds(rt::Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

Result<Multiaddr> listen_address(const HarnessRun& run) {
  const auto& transport = run.choice.transport;
  const std::string at = "/ip4/" + run.listener_ip;
  if (transport == "quic-v1") {
    return Multiaddr::parse(at + "/udp/0/quic-v1");
  }
  return Multiaddr::parse(at + "/tcp/0" + (transport == "ws" ? "/ws" : ""));
}

// One that other machines reach, when there is one.
std::string address_to_tell(const std::vector<Multiaddr>& all) {
  const auto found = std::ranges::find_if(
      all, [](const Multiaddr& address) { return !address.to_string().starts_with("/ip4/127."); });
  return (found == all.end() ? all.front() : *found).to_string();
}

rt::Co<Result<void>> listen(const HarnessRun& run, Node& node, RespClient& redis) {
  VIVIM_CO_TRY(const auto at, listen_address(run));
  VIVIM_CO_TRYV(node.host().listen(at));
  const auto told = address_to_tell(node.host().listen_addresses());
  VIVIM_CO_TRYV(co_await redis.ask({run.perf ? "SET" : "RPUSH", run.key, told}));
  std::fprintf(stderr, "listens on %s\n", told.c_str());
  rt::asio_::Signals signals(node.loop(), {SIGINT, SIGTERM});
  bool late = false;
  rt::Deadline deadline(node.loop(), std::chrono::seconds(run.timeout_seconds), [&] {
    late = run.harness == Harness::test_plans;
    if (late) {
      signals.cancel();
    }
  });
  (void)co_await signals.next();
  co_await deadline.finish();
  co_return late ? fail(rt::RtError::timed_out) : Result<void>();
}

// perf's listeners SET the address, the others RPUSH it.
rt::Co<Result<Multiaddr>> ask_address(const HarnessRun& run, Node& node, RespClient& redis) {
  if (!run.perf) {
    const auto seconds = std::min(run.timeout_seconds, k_block_seconds_max);
    VIVIM_CO_TRY(const auto popped,
                 co_await redis.ask({"BLPOP", run.key, std::to_string(seconds)}));
    if (!popped || popped->size() != 2) {
      co_return fail(PeerError::not_found);
    }
    co_return Multiaddr::parse(popped->back());
  }
  const auto end = node.loop().clock().now() + std::chrono::seconds(run.timeout_seconds);
  while (node.loop().clock().now() < end) {
    VIVIM_CO_TRY(const auto found, co_await redis.ask({"GET", run.key}));
    if (found && !found->empty()) {
      co_return Multiaddr::parse(found->front());
    }
    co_await rt::sleep_for(node.loop(), k_ask_interval);
  }
  co_return fail(PeerError::not_found);
}

void print_latency(Harness harness, double handshake_plus_one_rtt_ms, double ping_rtt_ms) {
  if (harness == Harness::test_plans) {
    // The third l is the contract's.
    std::printf("{\"handshakePlusOneRTTMillis\":%.3f,\"pingRTTMilllis\":%.3f}\n",
                handshake_plus_one_rtt_ms, ping_rtt_ms);
    return;
  }
  std::printf("latency:\n  handshake_plus_one_rtt: %.3f\n  ping_rtt: %.3f\n  unit: ms\n",
              handshake_plus_one_rtt_ms, ping_rtt_ms);
}

rt::Co<Result<void>> ping_once(const HarnessRun& run, Node& node, Multiaddr address) {
  const auto begin = node.loop().clock().now();
  VIVIM_CO_TRY(const auto peer, co_await node.host().connect(std::move(address)));
  VIVIM_CO_TRY(const auto rtt, co_await node.host().ping(peer));
  const auto both = node.loop().clock().now() - begin;
  print_latency(run.harness, milliseconds(both), milliseconds(rtt));
  co_return Result<void>{};
}

rt::Co<Result<std::vector<double>>> measure(Node& node, PeerId peer, libp2p::perf::Request request,
                                            std::uint64_t count) {
  std::vector<double> seconds;
  for (; count > 0; --count) {
    const auto begin = node.loop().clock().now();
    VIVIM_CO_TRYV(co_await libp2p::perf::measure(node.host(), node.loop().clock(), peer, request));
    seconds.push_back(std::chrono::duration<double>(node.loop().clock().now() - begin).count());
  }
  co_return seconds;
}

rt::Co<Result<void>> measure_rate(Node& node, PeerId peer, libp2p::perf::Request request,
                                  std::uint64_t count, const char* name) {
  VIVIM_CO_TRY(auto values, co_await measure(node, peer, request, count));
  const auto bits = static_cast<double>(request.upload_bytes + request.download_bytes) * 8;
  for (auto& value : values) {
    value = bits / value / 1e9;
  }
  Figures::of(std::move(values)).print(name, "Gbps", 2);
  co_return Result<void>{};
}

rt::Co<Result<void>> perf_all(const HarnessRun& run, Node& node, Multiaddr address) {
  VIVIM_CO_TRY(const auto peer, co_await node.host().connect(std::move(address)));
  VIVIM_CO_TRYV(co_await measure_rate(node, peer, {.upload_bytes = run.upload_bytes},
                                      run.upload_iterations, "upload"));
  VIVIM_CO_TRYV(co_await measure_rate(node, peer, {.download_bytes = run.download_bytes},
                                      run.download_iterations, "download"));
  VIVIM_CO_TRY(auto times, co_await measure(node, peer, {.upload_bytes = 1, .download_bytes = 1},
                                            run.latency_iterations));
  for (auto& value : times) {
    value *= 1000;
  }
  Figures::of(std::move(times)).print("latency", "ms", 3);
  co_return Result<void>{};
}

rt::Co<Result<void>> run_all(const HarnessRun& run, Node& node, rt::Network& network) {
  rt::asio_::DnsResolver resolver(node.loop());
  VIVIM_CO_TRY(auto redis, co_await RespClient::connect(network, resolver, run.redis));
  if (!run.dialer) {
    co_return co_await listen(run, node, *redis);
  }
  VIVIM_CO_TRY(auto address, co_await ask_address(run, node, *redis));
  co_return run.perf ? co_await perf_all(run, node, std::move(address))
                     : co_await ping_once(run, node, std::move(address));
}

rt::Co<Result<void>> run_and_stop(const HarnessRun& run, Node& node, rt::Network& network) {
  auto result = co_await run_all(run, node, network);
  co_await node.stop();
  co_return result;
}

// The names that the two harnesses have for the same.
struct VariableNames {
  const char* transport;
  const char* security;
  const char* muxer;
  const char* dialer;
  const char* redis;
  const char* ip;
  const char* timeout;
};
constexpr VariableNames k_unified{"TRANSPORT",        "SECURE_CHANNEL", "MUXER",
                                  "IS_DIALER",        "REDIS_ADDR",     "LISTENER_IP",
                                  "TEST_TIMEOUT_SECS"};
constexpr VariableNames k_test_plans{
    "transport", "security", "muxer", "is_dialer", "redis_addr", "ip", "test_timeout_seconds"};
constexpr std::string_view k_redis_of_test_plans = "redis:6379";
constexpr std::string_view k_key_of_test_plans = "listenerAddr";

Outcome<Choice> read_choice(const VariableNames& names) {
  const auto transport = variable(names.transport);
  std::vector<std::string> words{"--transport", transport.value_or("")};
  for (const auto& [name, flag] :
       {std::pair{names.security, "--security"}, {names.muxer, "--muxer"}}) {
    if (const auto value = variable(name)) {
      words.insert(words.end(), {flag, *value});
    }
  }
  return Choice::parse({words.begin(), words.end()});
}

// Where Redis is, and what its keys are called.
Outcome<void> read_meeting_place(HarnessRun& run, const VariableNames& names) {
  const auto redis = variable(names.redis);
  if (run.harness == Harness::test_plans) {
    run.redis = redis.value_or(std::string(k_redis_of_test_plans));
    run.key = k_key_of_test_plans;
    return {};
  }
  const auto key = variable("TEST_KEY");
  if (!redis || !key) {
    return std::unexpected(missing(redis ? "TEST_KEY" : names.redis));
  }
  run.redis = *redis;
  run.key = *key + "_listener_multiaddr";
  return {};
}

void read_perf(HarnessRun& run) {
  run.perf = variable("UPLOAD_BYTES") || variable("UPLOAD_ITERATIONS");
  run.upload_bytes = number("UPLOAD_BYTES", std::uint64_t{1} << 30);
  run.download_bytes = number("DOWNLOAD_BYTES", std::uint64_t{1} << 30);
  run.upload_iterations = std::max<std::uint64_t>(1, number("UPLOAD_ITERATIONS", 10));
  run.download_iterations = std::max<std::uint64_t>(1, number("DOWNLOAD_ITERATIONS", 10));
  run.latency_iterations = std::max<std::uint64_t>(1, number("LATENCY_ITERATIONS", 100));
}

Outcome<HarnessRun> read_environment(Harness harness) {
  const VariableNames& names = harness == Harness::unified ? k_unified : k_test_plans;
  HarnessRun run{.harness = harness};
  auto choice = read_choice(names);
  if (!choice) {
    return std::unexpected(choice.error());
  }
  run.choice = std::move(*choice);
  if (auto found = read_meeting_place(run, names); !found) {
    return std::unexpected(found.error());
  }
  run.dialer = variable(names.dialer) == "true";
  run.listener_ip = variable(names.ip).value_or(run.listener_ip);
  run.timeout_seconds = number(names.timeout, run.timeout_seconds);
  if (harness == Harness::unified) {
    read_perf(run);
  }
  return run;
}

}  // namespace

std::optional<Outcome<HarnessRun>> HarnessRun::from_environment() {
  for (const auto harness : {Harness::unified, Harness::test_plans}) {
    if (variable(harness == Harness::unified ? k_unified.dialer : k_test_plans.dialer)) {
      return read_environment(harness);
    }
  }
  return std::nullopt;
}

int run_harness(const HarnessRun& run) {
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  Node node(run.choice, loop);
  const auto result = loop.run(run_and_stop(run, node, network));
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message().c_str());
    return 1;
  }
  return 0;
}

}  // namespace vivim::interop
