#include "crowd.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "real_node.hpp"
#include "scenario.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

using std::chrono_literals::operator""ms;

constexpr std::size_t k_dials_at_once = 16;
constexpr auto k_tick = 5ms;
constexpr std::size_t k_line_bytes_max = 4096;

/// Writes all of it, however long that takes. False: nobody reads any more.
bool write_all(int to, const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t written = ::write(to, at, size);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

/// The other process.
class Members {
 public:
  Members(std::size_t peers, std::string topic, int in, int out)
      : peers_(peers),
        topic_(std::move(topic)),
        in_(in),
        out_(out),
        network_(loop_),
        tasks_(loop_) {
    ::fcntl(in_, F_SETFL, O_NONBLOCK);
  }

  void run() { loop_.run(serve()); }

 private:
  /// Until the one who made us closes its end.
  rt::Co<void> serve() {
    std::string lines;
    while (read_some(lines)) {
      for (auto end = lines.find('\n'); end != std::string::npos; end = lines.find('\n')) {
        obey(lines.substr(0, end));
        lines.erase(0, end + 1);
      }
      tell();
      co_await rt::sleep_for(loop_, k_tick);
    }
    tell();
    ::_exit(0);  // connections end as when a process dies: it is what happens to crowds
  }

  bool read_some(std::string& lines) const {
    std::array<char, k_line_bytes_max> buffer{};
    const ssize_t size = ::read(in_, buffer.data(), buffer.size());
    if (size > 0) {
      lines.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
  }

  void obey(const std::string& line) {
    if (line.starts_with("publish ")) {
      std::uint16_t bytes = 0;
      std::from_chars(line.data() + line.find(' ') + 1, line.data() + line.size(), bytes);
      Bytes data(std::max<std::size_t>(bytes, k_crowd_header_bytes));
      rng_.fill(data);
      stamp(data, CrowdOrigin::crowd, loop_.clock().now());
      if (nodes_.empty() || !nodes_.front()->service.publish(topic_, data)) {
        facts_.push_back({.kind = CrowdFact::Kind::failed});
      }
      return;
    }
    const auto address = libp2p::Multiaddr::parse(line);
    for (std::size_t lane = 0; address && lane < k_dials_at_once; ++lane) {
      tasks_.spawn("dial", dial(*address));
    }
  }

  rt::Co<void> dial(libp2p::Multiaddr to) {
    while (nodes_.size() < peers_) {
      nodes_.push_back(std::make_unique<RealNode>(loop_, network_, rng_, 1));
      auto& node = *nodes_.back();
      node.subscription = node.service.observe([this](const libp2p::gossipsub::Event& event) {
        if (const auto* it = std::get_if<libp2p::gossipsub::Delivered>(&event)) {
          delivered(it->message->data());
        }
      });
      const bool connected =
          node.service.start() && node.service.subscribe(topic_) && co_await node.host.connect(to);
      facts_.push_back({.kind = connected ? CrowdFact::Kind::connected : CrowdFact::Kind::failed});
    }
  }

  void delivered(BytesView data) {
    if (data[sizeof(std::uint64_t)] != static_cast<std::uint8_t>(CrowdOrigin::other)) {
      return;  // of another leaf of the star: gossip may bring it, or not in time
    }
    const auto published = static_cast<std::int64_t>(load_be64(data));
    const auto took = loop_.clock().now().time_since_epoch().count() - published;
    facts_.push_back(
        {.kind = CrowdFact::Kind::delivered, .took_us = static_cast<std::uint32_t>(took / 1000)});
  }

  void tell() {
    if (!write_all(out_, facts_.data(), facts_.size() * sizeof(CrowdFact))) {
      ::_exit(1);
    }
    facts_.clear();
  }

  std::size_t peers_;
  std::string topic_;
  int in_;
  int out_;
  rt::asio_::Loop loop_;
  rt::asio_::TcpNetwork network_;
  rt::asio_::SystemRng rng_;
  std::vector<std::unique_ptr<RealNode>> nodes_;
  std::vector<CrowdFact> facts_;
  rt::TaskGroup tasks_;
};

}  // namespace

void stamp(MutableBytes message, CrowdOrigin origin, rt::TimePoint now) {
  store_be64(message, static_cast<std::uint64_t>(now.time_since_epoch().count()));
  message[sizeof(std::uint64_t)] = static_cast<std::uint8_t>(origin);
}

std::unique_ptr<Crowd> Crowd::start(std::size_t peers, const std::string& topic) {
  std::array<int, 2> down{};
  std::array<int, 2> up{};
  if (::pipe2(down.data(), O_CLOEXEC) != 0) {
    return nullptr;
  }
  if (::pipe2(up.data(), O_CLOEXEC) != 0) {
    ::close(down[0]);
    ::close(down[1]);
    return nullptr;
  }
  const pid_t process = ::fork();
  if (process == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(down[1]);
    ::close(up[0]);
    Members(peers, topic, down[0], up[1]).run();
    ::_exit(0);
  }
  ::close(down[0]);
  ::close(up[1]);
  if (process < 0) {
    ::close(down[1]);
    ::close(up[0]);
    return nullptr;
  }
  ::fcntl(up[0], F_SETFL, O_NONBLOCK);
  return std::unique_ptr<Crowd>(new Crowd(process, up[0], down[1]));
}

Crowd::~Crowd() {
  ::close(out_);
  ::close(in_);
  ::kill(process_, SIGKILL);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
}

void Crowd::connect(const std::string& address) {
  const std::string line = address + "\n";
  (void)write_all(out_, line.data(), line.size());
}

void Crowd::publish(std::uint16_t bytes) {
  const std::string line = "publish " + std::to_string(bytes) + "\n";
  (void)write_all(out_, line.data(), line.size());
}

std::vector<CrowdFact> Crowd::take() {
  std::array<char, 1U << 16U> buffer{};
  for (;;) {
    const ssize_t size = ::read(in_, buffer.data(), buffer.size());
    if (size <= 0) {
      break;
    }
    rest_.append(buffer.data(), static_cast<std::size_t>(size));
  }
  std::vector<CrowdFact> facts(rest_.size() / sizeof(CrowdFact));
  std::memcpy(facts.data(), rest_.data(), facts.size() * sizeof(CrowdFact));
  rest_.erase(0, facts.size() * sizeof(CrowdFact));
  return facts;
}

}  // namespace vivim::sim
