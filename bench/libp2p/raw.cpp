// What the machine does without any protocol, for ratios: one process writes into a TCP connection
// on loopback and another reads.
//
//   libp2p_raw pipe BYTES WRITE_BYTES    prints the seconds from connect to the reader's end
//   libp2p_raw echo COUNT                prints the median round trip of 32 bytes in microseconds

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t k_echo_bytes = 32;
constexpr std::size_t k_read_bytes = std::size_t{256} * 1024;

struct Pair {
  int here = -1;
  int there = -1;
};

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  _exit(1);
}

void no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Two ends of one connection over loopback.
Pair connect_pair() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, any, size) != 0 || listen(listener, 1) != 0) {
    give_up("listen");
  }
  getsockname(listener, any, &size);
  Pair pair{.here = socket(AF_INET, SOCK_STREAM, 0)};
  if (connect(pair.here, any, size) != 0) {
    give_up("connect");
  }
  pair.there = accept(listener, nullptr, nullptr);
  close(listener);
  no_delay(pair.here);
  no_delay(pair.there);
  return pair;
}

void write_all(int socket, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto count = write(socket, bytes.data(), bytes.size());
    if (count <= 0) {
      give_up("write");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

bool read_all(int socket, std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto count = read(socket, bytes.data(), bytes.size());
    if (count <= 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

// Runs `work` in a process of its own.
template <class Work>
pid_t fork_with(Work work) {
  const pid_t child = fork();
  if (child == 0) {
    work();
    _exit(0);
  }
  return child;
}

void send_zeros(int socket, std::uint64_t bytes, std::size_t write_bytes) {
  const std::vector<std::uint8_t> zeros(write_bytes);
  for (std::uint64_t left = bytes; left > 0;) {
    const auto part = std::min<std::uint64_t>(left, write_bytes);
    write_all(socket, std::span(zeros).first(part));
    left -= part;
  }
}

double pipe_seconds(std::uint64_t bytes, std::size_t write_bytes) {
  const Pair pair = connect_pair();
  const auto begin = Clock::now();
  const pid_t child = fork_with([&] {
    close(pair.there);
    send_zeros(pair.here, bytes, write_bytes);
  });
  close(pair.here);
  std::vector<std::uint8_t> buffer(k_read_bytes);
  while (read(pair.there, buffer.data(), buffer.size()) > 0) {
  }
  const std::chrono::duration<double> took = Clock::now() - begin;
  waitpid(child, nullptr, 0);
  return took.count();
}

void echo(int socket) {
  std::vector<std::uint8_t> bytes(k_echo_bytes);
  while (read_all(socket, bytes)) {
    write_all(socket, bytes);
  }
}

double echo_microseconds(std::uint64_t count) {
  const Pair pair = connect_pair();
  const pid_t child = fork_with([&] {
    close(pair.here);
    echo(pair.there);
  });
  close(pair.there);
  std::vector<std::uint8_t> bytes(k_echo_bytes);
  std::vector<double> times;
  for (; count > 0; --count) {
    const auto begin = Clock::now();
    write_all(pair.here, bytes);
    if (!read_all(pair.here, bytes)) {
      give_up("read");
    }
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
  }
  close(pair.here);
  waitpid(child, nullptr, 0);
  std::ranges::sort(times);
  return times[times.size() / 2];
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

int main(int count, char** values) {
  const std::vector<std::string_view> words(values + 1, values + count);
  if (words.size() == 3 && words[0] == "pipe") {
    std::printf("%.6f\n", pipe_seconds(number(words[1]), number(words[2])));
    return 0;
  }
  if (words.size() == 2 && words[0] == "echo") {
    std::printf("%.3f\n", echo_microseconds(number(words[1])));
    return 0;
  }
  std::fprintf(stderr, "usage: libp2p_raw pipe BYTES WRITE_BYTES | echo COUNT\n");
  return 2;
}
