#include "real_peers.hpp"

#include <algorithm>
#include <memory>

#include <sys/resource.h>

#include "vivim/crypto/random.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

namespace gossipsub = libp2p::gossipsub;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr std::string_view k_topic = "/vivim/sim/topic";
constexpr std::size_t k_dials_at_once = 64;
constexpr std::size_t k_message_bytes = 1024;
constexpr std::size_t k_peers_min = 1000;  // with fewer descriptors nothing is shown

libp2p::HostLimits limits_for(std::size_t peers) {
  libp2p::HostLimits limits;
  limits.inbound_connections_max = limits.connections_per_address_max = peers + 16;
  limits.handshakes_max = 2 * k_dials_at_once;
  return limits;
}

/// A host on real sockets, with gossipsub.
struct RealNode {
  RealNode(rt::asio_::Loop& loop, rt::asio_::TcpNetwork& network, rt::Rng& rng, std::size_t peers)
      : key(crypto::KeyPair::generate(crypto::os_random)),
        host({.key = key, .limits = limits_for(peers), .connection_manager = water_marks(peers)},
             loop, network, rng),
        service(host, loop, rng, options(key)) {}

  static libp2p::ConnectionManagerOptions water_marks(std::size_t peers) {
    return {.low_water = peers + 16, .high_water = peers + 32};
  }
  static gossipsub::ServiceOptions options(const crypto::KeyPair& key) {
    gossipsub::ServiceOptions options;
    options.router.signer = libp2p::record::Signer::of(key);
    options.router.score.colocation_weight = 0;  // all of them are at 127.0.0.1
    return options;
  }

  crypto::KeyPair key;
  libp2p::Host host;
  gossipsub::Service service;
  libp2p::Subscription subscription;
};

class RealPeers {
 public:
  RealPeers(std::size_t peers, std::size_t messages, Report& report,
            const std::function<void(const Progress&)>& progress)
      : peers_(peers),
        messages_(messages),
        report_(report),
        progress_(progress),
        network_(loop_),
        center_(loop_, network_, rng_, peers),
        tasks_(loop_) {}

  void play() { loop_.run(run()); }

 private:
  rt::Co<void> run() {
    const auto begin = loop_.clock().now();
    const auto at = center_.host.listen(libp2p::Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value());
    if (!at || !center_.service.start() || !center_.service.subscribe(k_topic)) {
      report_.failures.emplace_back("the node does not start");
      co_return;
    }
    const auto to = at->with_peer(center_.host.peer_id()).value();
    for (std::size_t n = 0; n < k_dials_at_once; ++n) {
      tasks_.spawn("dial", dial(to));
    }
    while (tasks_.running() > 0) {
      tell("connecting", begin);
      co_await rt::sleep_for(loop_, 20ms);
    }
    report_.set("connect seconds", to_ms(loop_.clock().now() - begin) / 1000);
    const auto settled = loop_.clock().now() + 60s;
    while (center_.service.router().topic_peers(k_topic).size() < peers_ &&
           loop_.clock().now() < settled) {
      co_await rt::sleep_for(loop_, 20ms);
    }
    report_.set("connections at once", static_cast<double>(center_.host.peers().size()));
    report_.set("peers in the topic",
                static_cast<double>(center_.service.router().topic_peers(k_topic).size()));
    for (std::size_t i = 0; i < messages_; ++i) {
      co_await publish(i);
    }
    report_.set("deliveries lost", static_cast<double>(lost_));
    co_await end();
    report_.virtual_seconds = to_ms(loop_.clock().now() - begin) / 1000;
  }

  rt::Co<void> dial(libp2p::Multiaddr to) {
    while (leaves_.size() < peers_) {
      leaves_.push_back(std::make_unique<RealNode>(loop_, network_, rng_, 1));
      auto& leaf = *leaves_.back();
      leaf.subscription = leaf.service.observe([this](const gossipsub::Event& event) {
        if (std::holds_alternative<gossipsub::Delivered>(event)) {
          report_.distributions["delivery ms"].add(to_ms(loop_.clock().now() - published_));
          ++delivered_;
        }
      });
      const bool started = leaf.service.start() && leaf.service.subscribe(k_topic);
      if (!started || !co_await leaf.host.connect(to)) {
        report_.failures.emplace_back("a peer does not connect");
        co_return;
      }
    }
  }

  rt::Co<void> publish(std::size_t number) {
    Bytes data(k_message_bytes);
    rng_.fill(data);
    delivered_ = 0;
    published_ = loop_.clock().now();
    if (!center_.service.publish(k_topic, data)) {
      report_.failures.push_back("message " + std::to_string(number) + " is not published");
    }
    while (delivered_ < leaves_.size() && loop_.clock().now() - published_ < 30s) {
      tell("gossip flows", published_);
      co_await rt::sleep_for(loop_, 5ms);
    }
    lost_ += leaves_.size() - delivered_;
  }

  rt::Co<void> end() {
    for (const auto& leaf : leaves_) {
      tasks_.spawn("stop", stop(*leaf));
    }
    while (tasks_.running() > 0) {
      co_await rt::sleep_for(loop_, 20ms);
    }
    co_await stop(center_);
    co_await tasks_.stop();
  }

  rt::Co<void> stop(RealNode& node) {
    node.subscription = {};
    co_await node.host.stop();
    co_await node.service.stop();
  }

  void tell(const char* doing, rt::TimePoint since) {
    if (progress_) {
      progress_({.virtual_seconds = to_ms(loop_.clock().now() - since) / 1000, .doing = doing});
    }
  }

  std::size_t peers_;
  std::size_t messages_;
  Report& report_;
  const std::function<void(const Progress&)>& progress_;
  rt::asio_::Loop loop_;
  rt::asio_::TcpNetwork network_;
  rt::asio_::SystemRng rng_;
  RealNode center_;
  std::vector<std::unique_ptr<RealNode>> leaves_;
  std::size_t delivered_ = 0;
  std::size_t lost_ = 0;
  rt::TimePoint published_{};
  rt::TaskGroup tasks_;
};

/// How many connections the descriptors allow that the system lets us have: two each, and some.
std::size_t connections_allowed(std::size_t wanted) {
  constexpr std::size_t k_others = 128;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t descriptors =
      limit.rlim_max == RLIM_INFINITY ? 2 * wanted + k_others : std::size_t{limit.rlim_max};
  return std::min(wanted, (descriptors - std::min(descriptors, k_others)) / 2);
}

}  // namespace

Report run_real_peers(std::size_t peers, std::size_t messages,
                      const std::function<void(const Progress&)>& progress) {
  Report report{.scenario = "peers",
                .about = "one host, real sockets, so many peers at once, gossip to all of them",
                .nodes = static_cast<std::uint32_t>(peers),
                .security = SecurityKind::noise};
  const std::size_t allowed = connections_allowed(peers);
  if (allowed < std::min(peers, k_peers_min)) {
    report.failures.push_back("the system allows descriptors for " + std::to_string(allowed) +
                              " connections only: raise the limit (ulimit -n)");
    return report;
  }
  peers = allowed;
  reset_memory_peak();
  const double begin = processor_seconds();
  RealPeers(peers, messages, report, progress).play();
  report.cpu_seconds = processor_seconds() - begin;
  report.memory_peak_bytes = memory_peak_bytes();
  report.finish({{.metric = "connections at once", .at_least = static_cast<double>(peers)},
                 {.metric = "peers in the topic", .at_least = static_cast<double>(peers)},
                 {.metric = "deliveries lost", .at_most = 0.0}});
  return report;
}

}  // namespace vivim::sim
