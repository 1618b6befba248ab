// What the machine does without any protocol, for ratios: one process writes into a TCP connection
// on loopback and another reads.
//
//   libp2p_raw pipe BYTES WRITE_BYTES    prints the seconds from connect to the reader's end
//   libp2p_raw sealed BYTES WRITE_BYTES  the same, with every write sealed by one side and opened
//   by
//                                        the other (ChaCha20-Poly1305, 32 KiB at a time): what a
//                                        secured stream without any protocol reaches
//   libp2p_raw echo COUNT                prints the median round trip of 32 bytes in microseconds
//   libp2p_raw sink                      prints its port, and reads one connection to its end
//   libp2p_raw send PORT BYTES WRITE_BYTES  to a sink: prints the seconds from connect to its
//   answer

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
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vivim/crypto/aead.hpp"

namespace {

namespace crypto = vivim::crypto;
using vivim::Bytes;
using vivim::BytesView;
using vivim::MutableBytes;

using Clock = std::chrono::steady_clock;

constexpr std::size_t k_echo_bytes = 32;
constexpr std::size_t k_read_bytes = std::size_t{256} * 1024;
constexpr std::size_t k_sealed_bytes = std::size_t{32} * 1024;
constexpr std::size_t k_message_bytes = k_sealed_bytes + crypto::k_aead_tag_bytes;

struct Pair {
  int here = -1;
  int there = -1;
};

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  _exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void no_delay(int socket) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct Listener {
  int socket = -1;
  std::uint16_t port = 0;
};

Listener listen_anywhere() {
  Listener made{.socket = socket(AF_INET, SOCK_STREAM, 0)};
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (bind(made.socket, any, size) != 0 || listen(made.socket, 1) != 0) {
    give_up("listen");
  }
  getsockname(made.socket, any, &size);
  made.port = ntohs(address.sin_port);
  return made;
}

int connect_to(std::uint16_t port) {
  const int made = socket(AF_INET, SOCK_STREAM, 0);
  const auto address = loopback(port);
  if (connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    give_up("connect");
  }
  no_delay(made);
  return made;
}

int accept_one(const Listener& listener) {
  const int accepted = accept(listener.socket, nullptr, nullptr);
  close(listener.socket);
  no_delay(accepted);
  return accepted;
}

// Two ends of one connection over loopback.
Pair connect_pair() {
  const auto listener = listen_anywhere();
  const int here = connect_to(listener.port);
  return {.here = here, .there = accept_one(listener)};
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

void read_to_end(int socket) {
  std::vector<std::uint8_t> buffer(k_read_bytes);
  while (read(socket, buffer.data(), buffer.size()) > 0) {
  }
}

// Runs on one of the cores that it may use, so that figures do not hang on where the system puts
// two processes that wake each other.
void take_core(unsigned which) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return;
  }
  which %= static_cast<unsigned>(CPU_COUNT(&allowed));
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &allowed) && which-- == 0) {
      cpu_set_t own;
      CPU_ZERO(&own);
      CPU_SET(core, &own);
      (void)sched_setaffinity(0, sizeof own, &own);
      return;
    }
  }
}

// Runs `work` in a process of its own; the two have a core each.
template <class Work>
pid_t fork_with(Work work) {
  const pid_t child = fork();
  take_core(child == 0 ? 1 : 0);
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

// The nonce of the n-th message.
crypto::AeadNonce nonce_of(std::uint64_t number) {
  crypto::AeadNonce nonce{};
  vivim::store_be64(MutableBytes(nonce).last(8), number);
  return nonce;
}

void send_sealed_zeros(int socket, std::uint64_t bytes, std::size_t write_bytes) {
  crypto::SealingKey key(crypto::Aead::chacha20_poly1305, crypto::AeadKey(Bytes(32)));
  const Bytes zeros(write_bytes);
  Bytes out(write_bytes / k_sealed_bytes * k_message_bytes);
  std::uint64_t number = 0;
  for (; bytes > 0; bytes -= write_bytes) {
    for (std::size_t i = 0; i < write_bytes / k_sealed_bytes; ++i) {
      const auto message = MutableBytes(out).subspan(i * k_message_bytes, k_message_bytes);
      std::ranges::copy(BytesView(zeros).subspan(i * k_sealed_bytes, k_sealed_bytes),
                        message.begin());
      key.seal(nonce_of(number++), {}, message.first(k_sealed_bytes), message);
    }
    write_all(socket, out);
  }
}

void open_to_end(int socket) {
  crypto::OpeningKey key(crypto::Aead::chacha20_poly1305, crypto::AeadKey(Bytes(32)));
  Bytes in(2 * k_message_bytes);
  std::uint64_t number = 0;
  while (read_all(socket, in)) {
    for (const auto message :
         {MutableBytes(in).first(k_message_bytes), MutableBytes(in).subspan(k_message_bytes)}) {
      if (!key.open(nonce_of(number++), {}, message, message.first(k_sealed_bytes))) {
        give_up("open");
      }
    }
  }
}

// `send` in a process of its own, `receive` in this one.
template <class Send, class Receive>
double pipe_seconds(Send send, Receive receive) {
  const Pair pair = connect_pair();
  const auto begin = Clock::now();
  const pid_t child = fork_with([&] {
    close(pair.there);
    send(pair.here);
  });
  close(pair.here);
  receive(pair.there);
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

void sink() {
  const auto listener = listen_anywhere();
  std::printf("%u\n", static_cast<unsigned>(listener.port));
  std::fflush(stdout);
  const int socket = accept_one(listener);
  read_to_end(socket);
  const std::uint8_t answer = 0;
  write_all(socket, {&answer, 1});
}

double send_seconds(std::uint16_t port, std::uint64_t bytes, std::size_t write_bytes) {
  const auto begin = Clock::now();
  const int socket = connect_to(port);
  send_zeros(socket, bytes, write_bytes);
  shutdown(socket, SHUT_WR);
  std::uint8_t answer = 0;
  if (!read_all(socket, {&answer, 1})) {
    give_up("read");
  }
  return std::chrono::duration<double>(Clock::now() - begin).count();
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
    const auto send = [&](int to) { send_zeros(to, number(words[1]), number(words[2])); };
    std::printf("%.6f\n", pipe_seconds(send, read_to_end));
    return 0;
  }
  if (words.size() == 3 && words[0] == "sealed" && number(words[2]) % (2 * k_sealed_bytes) == 0 &&
      number(words[1]) % number(words[2]) == 0) {
    const auto send = [&](int to) { send_sealed_zeros(to, number(words[1]), number(words[2])); };
    std::printf("%.6f\n", pipe_seconds(send, open_to_end));
    return 0;
  }
  if (words.size() == 2 && words[0] == "echo") {
    std::printf("%.3f\n", echo_microseconds(number(words[1])));
    return 0;
  }
  if (words.size() == 1 && words[0] == "sink") {
    sink();
    return 0;
  }
  if (words.size() == 4 && words[0] == "send") {
    const auto port = static_cast<std::uint16_t>(number(words[1]));
    std::printf("%.6f\n", send_seconds(port, number(words[2]), number(words[3])));
    return 0;
  }
  std::fprintf(stderr,
               "usage: libp2p_raw pipe|sealed BYTES WRITE_BYTES | echo COUNT | sink |"
               " send PORT BYTES WRITE_BYTES\n");
  return 2;
}
