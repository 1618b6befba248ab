#include "interop/peer/harness.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "interop/peer/node.hpp"
#include "interop/peer/resp.hpp"
#include "vivim/rt/asio/resolver.hpp"

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
  (void)co_await signals.next();
  co_return Result<void>{};
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

// Minimum, quartiles and maximum, by linear interpolation, as the harness prints them.
void print_figures(const char* name, std::vector<double> values, const char* unit, int digits) {
  std::ranges::sort(values);
  const auto at = [&values](double part) {
    const double place = part * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    const auto high = std::min(low + 1, values.size() - 1);
    return values[low] + (values[high] - values[low]) * (place - static_cast<double>(low));
  };
  std::printf("%s:\n  iterations: %zu\n", name, values.size());
  constexpr std::pair<const char*, double> k_parts[] = {
      {"min", 0}, {"q1", 0.25}, {"median", 0.5}, {"q3", 0.75}, {"max", 1}};
  for (const auto& [label, part] : k_parts) {
    std::printf("  %s: %.*f\n", label, digits, at(part));
  }
  std::printf("  outliers: []\n  samples: [");
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::printf("%s%.*f", i == 0 ? "" : ", ", digits, values[i]);
  }
  std::printf("]\n  unit: %s\n", unit);
}

rt::Co<Result<void>> ping_once(Node& node, Multiaddr address) {
  const auto begin = node.loop().clock().now();
  VIVIM_CO_TRY(const auto peer, co_await node.host().connect(std::move(address)));
  VIVIM_CO_TRY(const auto rtt, co_await node.host().ping(peer));
  const auto both = node.loop().clock().now() - begin;
  std::printf("latency:\n  handshake_plus_one_rtt: %.3f\n  ping_rtt: %.3f\n  unit: ms\n",
              milliseconds(both), milliseconds(rtt));
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
  print_figures(name, std::move(values), "Gbps", 2);
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
  print_figures("latency", std::move(times), "ms", 3);
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
                     : co_await ping_once(node, std::move(address));
}

rt::Co<Result<void>> run_and_stop(const HarnessRun& run, Node& node, rt::Network& network) {
  auto result = co_await run_all(run, node, network);
  co_await node.stop();
  co_return result;
}

Outcome<HarnessRun> read_environment() {
  HarnessRun run;
  const auto transport = variable("TRANSPORT");
  std::vector<std::string> words{"--transport", transport.value_or("")};
  for (const auto& [name, flag] :
       {std::pair{"SECURE_CHANNEL", "--security"}, {"MUXER", "--muxer"}}) {
    if (const auto value = variable(name)) {
      words.insert(words.end(), {flag, *value});
    }
  }
  auto choice = Choice::parse({words.begin(), words.end()});
  if (!choice) {
    return std::unexpected(choice.error());
  }
  const auto redis = variable("REDIS_ADDR");
  const auto key = variable("TEST_KEY");
  if (!redis || !key) {
    return std::unexpected(missing(redis ? "TEST_KEY" : "REDIS_ADDR"));
  }
  run.choice = std::move(*choice);
  run.dialer = variable("IS_DIALER") == "true";
  run.perf = variable("UPLOAD_BYTES") || variable("UPLOAD_ITERATIONS");
  run.redis = *redis;
  run.key = *key + "_listener_multiaddr";
  run.listener_ip = variable("LISTENER_IP").value_or(run.listener_ip);
  run.timeout_seconds = number("TEST_TIMEOUT_SECS", run.timeout_seconds);
  run.upload_bytes = number("UPLOAD_BYTES", std::uint64_t{1} << 30);
  run.download_bytes = number("DOWNLOAD_BYTES", std::uint64_t{1} << 30);
  run.upload_iterations = std::max<std::uint64_t>(1, number("UPLOAD_ITERATIONS", 10));
  run.download_iterations = std::max<std::uint64_t>(1, number("DOWNLOAD_ITERATIONS", 10));
  run.latency_iterations = std::max<std::uint64_t>(1, number("LATENCY_ITERATIONS", 100));
  return run;
}

}  // namespace

std::optional<Outcome<HarnessRun>> HarnessRun::from_environment() {
  return variable("IS_DIALER") ? std::optional(read_environment()) : std::nullopt;
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
