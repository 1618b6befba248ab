// A slow link on this machine: passes TCP connections or UDP datagrams on, each byte later by a
// delay and not faster than a rate. TCP's own handshake happens at its two ends, without delay.
//
//   libp2p_link tcp|udp TARGET_PORT DELAY_MS RATE_MBIT
//
// Prints the port it listens on, and runs until its standard input ends.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t k_piece_bytes = std::size_t{64} * 1024;
constexpr std::size_t k_queue_bytes_max = std::size_t{32} * 1024 * 1024;
constexpr int k_poll_rounds = 16;

struct Settings {
  std::uint16_t target = 0;
  std::chrono::nanoseconds delay{};
  double seconds_per_byte = 0;
};

struct Piece {
  Clock::time_point due;
  std::vector<std::uint8_t> bytes;
  std::size_t sent = 0;
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int open_socket(int type) {
  const int made = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int size = 8 * 1024 * 1024;
  setsockopt(made, SOL_SOCKET, type == SOCK_DGRAM ? SO_RCVBUF : SO_SNDBUF, &size, sizeof size);
  if (type == SOCK_STREAM) {
    const int on = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return made;
}

// One direction: what was read, each piece with the time at which it may be written.
class Line {
 public:
  Line(int from, int to, const Settings& settings) : from_(from), to_(to), settings_(settings) {}

  bool wants_input() const { return !ended_ && queued_ < k_queue_bytes_max; }
  bool finished() const { return ended_ && queue_.empty(); }
  std::optional<Clock::time_point> due() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.front().due);
  }

  // Takes what can be read now; a datagram is one piece.
  void read() {
    for (int round = 0; round < k_poll_rounds && wants_input(); ++round) {
      std::vector<std::uint8_t> bytes(k_piece_bytes);
      const auto count = recv(from_, bytes.data(), bytes.size(), 0);
      if (count < 0) {
        ended_ = ended_ || (errno != EAGAIN && errno != ECONNREFUSED);
        return;
      }
      if (count == 0) {
        ended_ = true;
        return;
      }
      bytes.resize(static_cast<std::size_t>(count));
      push(std::move(bytes));
    }
  }

  void push(std::vector<std::uint8_t> bytes) {
    const auto now = Clock::now();
    busy_until_ = std::max(busy_until_, now) +
                  std::chrono::nanoseconds(static_cast<std::int64_t>(
                      static_cast<double>(bytes.size()) * settings_.seconds_per_byte * 1e9));
    queued_ += bytes.size();
    queue_.push_back({.due = busy_until_ + settings_.delay, .bytes = std::move(bytes)});
  }

  void write() {
    for (const auto now = Clock::now(); !queue_.empty() && queue_.front().due <= now;) {
      auto& piece = queue_.front();
      const auto rest = std::span(piece.bytes).subspan(piece.sent);
      const auto count = send(to_, rest.data(), rest.size(), MSG_NOSIGNAL);
      if (count < 0 && errno == EAGAIN) {
        return;
      }
      if (count < 0) {
        queue_.clear();
        ended_ = true;
        return;
      }
      piece.sent += static_cast<std::size_t>(count);
      queued_ -= static_cast<std::size_t>(count);
      if (piece.sent < piece.bytes.size()) {
        return;
      }
      queue_.pop_front();
    }
    if (finished() && !told_) {
      told_ = true;
      shutdown(to_, SHUT_WR);
    }
  }

  int from() const { return from_; }
  int to() const { return to_; }

 private:
  int from_;
  int to_;
  const Settings& settings_;
  std::deque<Piece> queue_;
  std::size_t queued_ = 0;
  Clock::time_point busy_until_{};
  bool ended_ = false;
  bool told_ = false;
};

struct Circuit {
  Line there;
  Line back;
};

class Link {
 public:
  Link(int type, const Settings& settings) : type_(type), settings_(settings) {
    listener_ = open_socket(type);
    auto at = loopback(0);
    socklen_t size = sizeof at;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
        (type == SOCK_STREAM && listen(listener_, 128) != 0)) {
      std::perror("listen");
      _exit(1);
    }
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    std::printf("%u\n", static_cast<unsigned>(ntohs(at.sin_port)));
    std::fflush(stdout);
  }

  void run() {
    while (step()) {
    }
  }

 private:
  // False at the end of standard input.
  bool step() {
    std::vector<pollfd> polled{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
    if (type_ == SOCK_STREAM || circuits_.empty()) {
      polled.push_back({.fd = listener_, .events = POLLIN, .revents = 0});
    }
    auto wake = Clock::now() + std::chrono::seconds(1);
    each([&](Line& line) {
      if (line.wants_input()) {
        polled.push_back({.fd = line.from(), .events = POLLIN, .revents = 0});
      }
      const auto due = line.due();
      if (due && *due <= Clock::now()) {
        polled.push_back({.fd = line.to(), .events = POLLOUT, .revents = 0});
      } else if (due) {
        wake = std::min(wake, *due);
      }
    });
    const auto left = std::chrono::ceil<std::chrono::nanoseconds>(wake - Clock::now());
    const auto wait = std::max<std::int64_t>(0, left.count());
    const timespec time{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
    ppoll(polled.data(), polled.size(), &time, nullptr);
    if (polled[0].revents != 0) {
      std::uint8_t byte = 0;
      if (::read(STDIN_FILENO, &byte, 1) <= 0) {
        return false;
      }
    }
    type_ == SOCK_STREAM ? accept_all() : adopt_peer();
    each([](Line& line) {
      if (line.wants_input()) {
        line.read();
      }
      line.write();
    });
    std::erase_if(circuits_, [](Circuit& one) {
      const bool over = one.there.finished() && one.back.finished();
      if (over) {
        close(one.there.from());
        close(one.there.to());
      }
      return over;
    });
    return true;
  }

  template <class Work>
  void each(Work work) {
    for (auto& circuit : circuits_) {
      work(circuit.there);
      work(circuit.back);
    }
  }

  void accept_all() {
    for (;;) {
      const int near = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (near < 0) {
        return;
      }
      add(near);
    }
  }

  // A UDP socket belongs to the first who sends to it.
  void adopt_peer() {
    if (!circuits_.empty()) {
      return;
    }
    std::uint8_t byte = 0;
    sockaddr_in from{};
    socklen_t size = sizeof from;
    auto* const any = reinterpret_cast<sockaddr*>(&from);
    if (recvfrom(listener_, &byte, 1, MSG_PEEK, any, &size) >= 0 &&
        connect(listener_, any, size) == 0) {
      add(listener_);
    }
  }

  void add(int near) {
    const int far = open_socket(type_);
    const auto target = loopback(settings_.target);
    if (connect(far, reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 &&
        errno != EINPROGRESS) {
      std::perror("connect");
    }
    circuits_.push_back({.there = {near, far, settings_}, .back = {far, near, settings_}});
  }

  int type_;
  Settings settings_;
  int listener_ = -1;
  std::list<Circuit> circuits_;
};

double number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string_view> words(values + 1, values + count);
  if (words.size() != 4 || (words[0] != "tcp" && words[0] != "udp")) {
    std::fprintf(stderr, "usage: libp2p_link tcp|udp TARGET_PORT DELAY_MS RATE_MBIT\n");
    return 2;
  }
  const Settings settings{
      .target = static_cast<std::uint16_t>(number(words[1])),
      .delay = std::chrono::nanoseconds(static_cast<std::int64_t>(number(words[2]) * 1e6)),
      .seconds_per_byte = 8 / (number(words[3]) * 1e6)};
  Link(words[0] == "tcp" ? SOCK_STREAM : SOCK_DGRAM, settings).run();
  return 0;
}
