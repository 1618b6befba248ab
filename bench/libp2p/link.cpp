// A slow link on this machine: passes TCP connections or UDP datagrams on, each byte later by a
// delay and not faster than a rate. TCP's own handshake happens at its two ends, without delay.
// What waits for its turn is bounded: TCP's sender is held back then, a datagram is dropped, as at
// the end of a router's queue.
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
constexpr std::size_t k_datagram_bytes = 2048;
constexpr std::size_t k_batch = 32;
constexpr int k_poll_rounds = 16;
// How long what waits for its turn takes to leave: twice the usual round trip.
constexpr auto k_backlog_max = std::chrono::milliseconds(120);
// The link wakes so often at most, whatever is due between.
constexpr auto k_tick = std::chrono::microseconds(200);

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
  const int size = 16 * 1024 * 1024;
  if (type == SOCK_STREAM) {
    setsockopt(made, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  } else if (setsockopt(made, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(made, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  if (type == SOCK_STREAM) {
    const int on = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return made;
}

// Room for what one call reads; never initialised, shared by all lines.
struct Room {
  alignas(64) std::uint8_t bytes[std::max(k_piece_bytes, k_datagram_bytes* k_batch)];
  iovec vectors[k_batch];
  mmsghdr headers[k_batch];
};
Room room;

// One direction: what was read, each piece with the time at which it may be written.
class Line {
 public:
  Line(int type, int from, int to, const Settings& settings)
      : type_(type), from_(from), to_(to), settings_(settings) {}

  // A full line of datagrams drops them, and reads on.
  bool wants_input() const {
    return !ended_ && (type_ == SOCK_DGRAM || busy_until_ - Clock::now() < k_backlog_max);
  }
  bool finished() const { return ended_ && queue_.empty(); }
  std::optional<Clock::time_point> due() const {
    return queue_.empty() ? std::nullopt : std::optional(queue_.front().due);
  }

  // Takes what can be read now.
  void read() {
    for (int round = 0; round < k_poll_rounds && wants_input(); ++round) {
      if (!(type_ == SOCK_STREAM ? read_bytes() : read_datagrams())) {
        return;
      }
    }
  }

  void write() {
    while (!queue_.empty() && queue_.front().due <= Clock::now()) {
      if (!(type_ == SOCK_STREAM ? write_bytes() : write_datagrams())) {
        break;
      }
    }
    if (finished() && !told_) {
      told_ = true;
      shutdown(to_, SHUT_WR);
    }
  }

  int from() const { return from_; }
  int to() const { return to_; }

 private:
  bool read_bytes() {
    const auto count = recv(from_, room.bytes, k_piece_bytes, 0);
    if (count <= 0) {
      ended_ = count == 0 || errno != EAGAIN;
      return false;
    }
    push({room.bytes, static_cast<std::size_t>(count)});
    return true;
  }

  bool read_datagrams() {
    for (std::size_t i = 0; i < k_batch; ++i) {
      room.vectors[i] = {.iov_base = room.bytes + i * k_datagram_bytes,
                         .iov_len = k_datagram_bytes};
      room.headers[i] = {};
      room.headers[i].msg_hdr.msg_iov = &room.vectors[i];
      room.headers[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = recvmmsg(from_, room.headers, k_batch, MSG_DONTWAIT, nullptr);
    if (count < 0) {
      ended_ = errno != EAGAIN && errno != ECONNREFUSED;
      return false;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      if (busy_until_ - Clock::now() < k_backlog_max) {
        push({room.bytes + i * k_datagram_bytes, room.headers[i].msg_len});
      }
    }
    return true;
  }

  void push(std::span<const std::uint8_t> bytes) {
    const auto now = Clock::now();
    busy_until_ = std::max(busy_until_, now) +
                  std::chrono::nanoseconds(static_cast<std::int64_t>(
                      static_cast<double>(bytes.size()) * settings_.seconds_per_byte * 1e9));
    queue_.push_back({.due = busy_until_ + settings_.delay, .bytes = {bytes.begin(), bytes.end()}});
  }

  bool failed() {
    if (errno == EAGAIN) {
      return false;
    }
    queue_.clear();
    ended_ = true;
    return true;
  }

  bool write_bytes() {
    auto& piece = queue_.front();
    const auto rest = std::span(piece.bytes).subspan(piece.sent);
    const auto count = send(to_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0) {
      return failed();
    }
    piece.sent += static_cast<std::size_t>(count);
    if (piece.sent == piece.bytes.size()) {
      queue_.pop_front();
    }
    return true;
  }

  bool write_datagrams() {
    const auto now = Clock::now();
    unsigned count = 0;
    for (; count < k_batch && count < queue_.size() && queue_[count].due <= now; ++count) {
      auto& bytes = queue_[count].bytes;
      room.vectors[count] = {.iov_base = bytes.data(), .iov_len = bytes.size()};
      room.headers[count] = {};
      room.headers[count].msg_hdr.msg_iov = &room.vectors[count];
      room.headers[count].msg_hdr.msg_iovlen = 1;
    }
    const int sent = sendmmsg(to_, room.headers, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      return errno == ECONNREFUSED || failed();
    }
    queue_.erase(queue_.begin(), queue_.begin() + sent);
    return true;
  }

  int type_;
  int from_;
  int to_;
  const Settings& settings_;
  std::deque<Piece> queue_;
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
    const auto now = Clock::now();
    auto wake = now + std::chrono::seconds(1);
    each([&](Line& line) {
      if (line.wants_input()) {
        polled.push_back({.fd = line.from(), .events = POLLIN, .revents = 0});
      }
      const auto due = line.due();
      if (due && *due <= now) {
        polled.push_back({.fd = line.to(), .events = POLLOUT, .revents = 0});
      } else if (due) {
        wake = std::min(wake, std::max(*due, now + k_tick));
      }
    });
    wait_for(polled, std::chrono::nanoseconds(wake - now));
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

  static void wait_for(std::vector<pollfd>& polled, std::chrono::nanoseconds time) {
    const timespec until{.tv_sec = time.count() / 1'000'000'000,
                         .tv_nsec = time.count() % 1'000'000'000};
    ppoll(polled.data(), polled.size(), &until, nullptr);
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
    circuits_.push_back(
        {.there = {type_, near, far, settings_}, .back = {type_, far, near, settings_}});
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
