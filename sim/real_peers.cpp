#include "real_peers.hpp"

#include <algorithm>
#include <memory>

#include <sys/resource.h>

#include "crowd.hpp"
#include "real_node.hpp"

namespace vivim::sim {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

const std::string k_crowd_topic = "/vivim/sim/topic";
constexpr std::uint16_t k_message_bytes = 1024;
constexpr std::size_t k_peers_min = 1000;  // with fewer descriptors nothing is shown
constexpr std::size_t k_crowd = 2500;      // peers in a process
constexpr auto k_patience = 20s;           // without any progress
constexpr std::size_t k_theirs_every = 5;  // messages of ours
constexpr auto k_pause = 500ms;            // between messages

/// The node that all the others are connected with.
class RealPeers {
 public:
  RealPeers(std::size_t peers, std::size_t messages, Report& report,
            const std::function<void(const Progress&)>& progress)
      : peers_(peers), messages_(messages), report_(report), progress_(progress) {}

  void play() {
    // First, while this process has no loop of ours yet.
    for (std::size_t left = peers_; left > 0; left -= std::min(left, k_crowd)) {
      crowds_.push_back(Crowd::start(std::min(left, k_crowd), k_crowd_topic));
      if (crowds_.back() == nullptr) {
        report_.failures.emplace_back("the system starts no more processes");
        return;
      }
    }
    loop_ = std::make_unique<rt::asio_::Loop>();
    network_ = std::make_unique<rt::asio_::TcpNetwork>(*loop_);
    center_ = std::make_unique<RealNode>(*loop_, *network_, rng_, peers_);
    loop_->run(run());
  }

 private:
  rt::Co<void> run() {
    begin_ = loop_->clock().now();
    const auto at = center_->host.listen(libp2p::Multiaddr::parse("/ip4/127.0.0.1/tcp/0").value());
    center_->subscription = center_->service.observe([this](const auto& event) {
      heard_ += std::holds_alternative<libp2p::gossipsub::Delivered>(event) ? 1 : 0;
    });
    if (!at || !center_->service.start() || !center_->service.subscribe(k_crowd_topic)) {
      report_.failures.emplace_back("the node does not start");
      co_return;
    }
    for (const auto& crowd : crowds_) {
      crowd->connect(at->with_peer(center_->host.peer_id()).value().to_string());
    }
    co_await until("connecting", [this] { return connected_ + failed_ >= peers_; });
    report_.set("connect seconds", to_ms(loop_->clock().now() - begin_) / 1000);
    co_await until("peers join the topic", [this] { return in_topic() >= peers_; });
    report_.set("connections at once", static_cast<double>(center_->host.peers().size()));
    report_.set("peers in the topic", static_cast<double>(in_topic()));
    const double cpu = processor_seconds();
    for (std::size_t i = 0; i < messages_ && delivered_ == i * peers_; ++i) {
      co_await publish(i);
    }
    const std::size_t expected = messages_ * peers_;
    report_.set("deliveries expected", static_cast<double>(expected));
    report_.set("deliveries lost", static_cast<double>(expected - std::min(expected, delivered_)));
    report_.set("messages of others lost",
                static_cast<double>(theirs_) - static_cast<double>(heard_));
    report_.set("processor ms per message of all",
                1000 * (processor_seconds() - cpu) / static_cast<double>(messages_));
    report_.set("peers that did not connect", static_cast<double>(failed_));
    crowds_.clear();
    center_->subscription = {};
    co_await center_->host.stop();
    co_await center_->service.stop();
    report_.virtual_seconds = to_ms(loop_->clock().now() - begin_) / 1000;
  }

  std::size_t in_topic() const {
    return center_->service.router().topic_peers(k_crowd_topic).size();
  }

  /// To all of them, and now and then one of theirs to us, which a quarter of the others asks for
  /// at each heartbeat then. The next one when all have come: a machine that is slow is not a node
  /// that loses messages.
  rt::Co<void> publish(std::size_t number) {
    Bytes data(k_message_bytes);
    rng_.fill(data);
    stamp(data, CrowdOrigin::other, loop_->clock().now());
    if (!center_->service.publish(k_crowd_topic, data)) {
      report_.failures.push_back("message " + std::to_string(number) + " is not published");
    }
    if (number % k_theirs_every == 0) {
      crowds_[theirs_++ % crowds_.size()]->publish(k_message_bytes);
    }
    const auto next = loop_->clock().now() + k_pause;
    co_await until("gossip flows", [&] {
      return loop_->clock().now() >= next && delivered_ >= (number + 1) * peers_ &&
             heard_ >= theirs_;
    });
  }

  template <class Done>
  rt::Co<void> until(const char* doing, Done done) {
    auto moved = loop_->clock().now();
    for (auto before = progress_made(); !done(); listen(doing)) {
      co_await rt::sleep_for(*loop_, 5ms);
      if (const auto now = progress_made(); now != before) {
        before = now;
        moved = loop_->clock().now();
      } else if (loop_->clock().now() - moved > k_patience) {
        co_return;
      }
    }
  }

  std::size_t progress_made() const {
    return connected_ + failed_ + delivered_ + heard_ + in_topic();
  }

  void listen(const char* doing) {
    for (const auto& crowd : crowds_) {
      for (const auto& fact : crowd->take()) {
        connected_ += fact.kind == CrowdFact::Kind::connected ? 1 : 0;
        failed_ += fact.kind == CrowdFact::Kind::failed ? 1 : 0;
        took(fact);
      }
    }
    if (progress_) {
      progress_({.virtual_seconds = to_ms(loop_->clock().now() - begin_) / 1000, .doing = doing});
    }
  }

  void took(const CrowdFact& fact) {
    if (fact.kind == CrowdFact::Kind::delivered) {
      report_.distributions["delivery ms"].add(static_cast<double>(fact.took_us) / 1000);
      ++delivered_;
    }
  }

  std::size_t peers_;
  std::size_t messages_;
  Report& report_;
  const std::function<void(const Progress&)>& progress_;
  std::vector<std::unique_ptr<Crowd>> crowds_;
  std::unique_ptr<rt::asio_::Loop> loop_;
  std::unique_ptr<rt::asio_::TcpNetwork> network_;
  rt::asio_::SystemRng rng_;
  std::unique_ptr<RealNode> center_;
  std::size_t connected_ = 0;
  std::size_t failed_ = 0;
  std::size_t delivered_ = 0;
  std::size_t theirs_ = 0;  ///< that they published
  std::size_t heard_ = 0;
  rt::TimePoint begin_{};
};

/// How many connections the descriptors allow that the system lets us have.
std::size_t connections_allowed(std::size_t wanted) {
  constexpr std::size_t k_others = 128;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t descriptors =
      limit.rlim_max == RLIM_INFINITY ? wanted + k_others : std::size_t{limit.rlim_max};
  return std::min(wanted, descriptors - std::min(descriptors, k_others));
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
                 {.metric = "messages of others lost", .at_most = 0.0},
                 {.metric = "deliveries lost", .at_most = 0.0}});
  return report;
}

}  // namespace vivim::sim
