// Every attack against a node in a process of its own, over real sockets, while an honest peer in
// this process pings it: its p99 stays below five times that of a quiet node (or of 2 ms, where
// that is more).
//
//   libp2p_siege [--seconds N]            every attack for N seconds (2)
//   libp2p_siege [--seconds N] --reported the same, but how long pings take is told and not judged:
//   for
//                                         machines that have other work
//   libp2p_siege --victim                 the node: says where it is, then answers each line of its
//                                         standard input with how much it has refused
//   libp2p_siege --attack I ... (see attacker_arguments)
#include <array>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/attack.hpp"
#include "stress/process.hpp"
#include "stress/pulse.hpp"
#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
#include "vivim/rt/asio/worker.hpp"

namespace vivim::stress {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Words = std::vector<std::string>;

constexpr int k_slower_max = 5;
// About a slice of the scheduler's: below it, what else the machine does decides.
constexpr rt::Duration k_quiet_least = 2ms;
constexpr int k_tries_max = 3;  // what else it does can only make things worse
constexpr auto k_ping_pause = 2ms;
constexpr auto k_recovery = 300ms;
constexpr int k_attacker_niceness = 19;  // elsewhere, it would not take the victim's processor
constexpr std::uint64_t k_memory_max = std::uint64_t{256} << 20;

struct Machine {
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network{loop};
  rt::asio_::SystemRng rng;
  crypto::KeyPair key = crypto::KeyPair::generate([this](MutableBytes out) { rng.fill(out); });
};

rt::IpAddress loopback() {
  return rt::IpAddress::v4(127, 0, 0, 1);
}

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The victim: a line for each line that it reads, until there are no more.

rt::Co<void> stand(Machine& machine) {
  Node node(machine.key, machine.loop, machine.network, machine.rng, {.serves = true});
  VIVIM_ASSERT(node.listen(loopback()));
  const auto ports = node.ports();
  std::cout << node.peer().to_string() << ' ' << ports.tcp << ' ' << ports.ws << ' ' << ports.quic
            << std::endl;
  {
    rt::asio_::ThreadWorker input(machine.loop, "input");
    std::string line;
    while (co_await input.run([&line] { return bool(std::getline(std::cin, line)); })) {
      const auto usage = measure_process();
      std::cout << node.refusals() << ' ' << usage.resident_bytes << ' ' << usage.descriptors
                << std::endl;
    }
  }
  co_await node.stop();
}

// An attacker: one attack, for a while.

rt::Co<void> assault(Machine& machine, Target target, const Attack& attack, rt::Duration time) {
  Ground ground(machine.loop, machine.network, machine.rng, std::move(target));
  ground.begin(attack.shot, attack.parallel);
  co_await rt::sleep_for(machine.loop, time);
  co_await ground.stop();
}

Words attacker_arguments(std::size_t attack, const Target& target, rt::Duration time) {
  const auto text = [](auto value) { return std::to_string(value); };
  return {"--attack",
          text(attack),
          text(time / 1ms),
          target.peer.to_string(),
          target.bystander.to_string(),
          text(target.ports.tcp),
          text(target.ports.ws),
          text(target.ports.quic)};
}

int attack_as(const Words& words) {
  (void)setpriority(PRIO_PROCESS, 0, k_attacker_niceness);
  const auto peer = PeerId::parse(words[3]);
  const auto bystander = PeerId::parse(words[4]);
  const auto port = [&](std::size_t at) { return static_cast<std::uint16_t>(number(words[at])); };
  VIVIM_ASSERT(peer && bystander);
  Machine machine;
  machine.loop.run(assault(machine,
                           {.ip = loopback(),
                            .ports = {.tcp = port(5), .ws = port(6), .quic = port(7)},
                            .peer = *peer,
                            .bystander = *bystander},
                           all_attacks().at(number(words[1])),
                           std::chrono::milliseconds(number(words[2]))));
  return 0;
}

/// This program again, as somebody else.
class Process {
 public:
  explicit Process(const Words& words) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    VIVIM_ASSERT(pipe2(in.data(), O_CLOEXEC) == 0 && pipe2(out.data(), O_CLOEXEC) == 0);
    id_ = fork();
    if (id_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      std::vector<char*> arguments{const_cast<char*>("libp2p_siege")};
      for (const auto& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
      }
      arguments.push_back(nullptr);
      execv("/proc/self/exe", arguments.data());
      _exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = in[1];
    from_ = fdopen(out[0], "r");
  }
  ~Process() {
    ::close(to_);
    std::fclose(from_);
    if (id_ > 0) {
      (void)waitpid(id_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  Words read_words() {
    std::string line;
    for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_)) {
      line.push_back(static_cast<char>(c));
    }
    Words words;
    for (std::size_t at = 0; at < line.size();) {
      const auto end = std::min(line.find(' ', at), line.size());
      words.push_back(line.substr(at, end - at));
      at = end + 1;
    }
    return words;
  }
  Words ask() {
    VIVIM_ASSERT(::write(to_, "\n", 1) == 1);
    return read_words();
  }
  /// Whether it has ended, and well.
  bool ended() { return id_ < 0 || (waitpid(id_, &status_, WNOHANG) == id_ && (id_ = -1) < 0); }
  bool well() const { return status_ == 0; }

 private:
  pid_t id_ = -1;
  int to_ = -1;
  int status_ = 0;
  std::FILE* from_ = nullptr;
};

/// Whether slow pings fail an attack.
enum class Latency : std::uint8_t { judged, reported };

double ms(rt::Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

/// What an honest peer saw, and what the victim said.
struct Observation {
  rt::Duration quiet;
  rt::Duration attacked;
  std::size_t failed = 0;  ///< pings
  std::uint64_t refused = 0;
  std::uint64_t resident_bytes = 0;
  bool attacker_well = false;

  bool served(Latency latency) const {
    return failed == 0 && (latency == Latency::reported ||
                           attacked < k_slower_max * std::max(quiet, k_quiet_least));
  }
};

rt::Co<Observation> observe(Machine& machine, Process& victim, Pulse& pulse, std::size_t attack,
                            const Target& target, rt::Duration time) {
  Observation seen{};
  pulse.reset();
  co_await pulse.take(time, k_ping_pause);
  seen.quiet = pulse.p99();
  const auto before = number(victim.ask()[0]);
  Process attacker(attacker_arguments(attack, target, time));
  pulse.reset();
  co_await pulse.take(time, k_ping_pause);
  seen.attacked = pulse.p99();
  seen.failed = pulse.failed();
  while (!attacker.ended()) {
    co_await rt::sleep_for(machine.loop, 10ms);
  }
  const auto after = victim.ask();
  seen.refused = number(after[0]) - before;
  seen.resident_bytes = number(after[1]);
  seen.attacker_well = attacker.well();
  co_await rt::sleep_for(machine.loop, k_recovery);
  co_return seen;
}

// The honest peer, who sees how well it is served.
rt::Co<bool> withstand(Machine& machine, Process& victim, Pulse& pulse, std::size_t index,
                       const Target& target, rt::Duration time, Latency latency) {
  const auto attack = all_attacks()[index];
  auto seen = co_await observe(machine, victim, pulse, index, target, time);
  for (int left = k_tries_max - 1; left > 0 && !seen.served(latency); --left) {
    seen = co_await observe(machine, victim, pulse, index, target, time);
  }
  const bool held = seen.served(latency) && seen.attacker_well &&
                    seen.resident_bytes < k_memory_max &&
                    (attack.answer == Answer::borne || seen.refused > 0);
  std::printf("%-24s p99 %6.2f ms quiet, %6.2f ms attacked (%4.1fx)  %7llu refused  %3llu MiB%s\n",
              std::string(attack.name).c_str(), ms(seen.quiet), ms(seen.attacked),
              ms(seen.attacked) / ms(seen.quiet), static_cast<unsigned long long>(seen.refused),
              static_cast<unsigned long long>(seen.resident_bytes >> 20), held ? "" : "  FAILED");
  std::fflush(stdout);
  co_return held;
}

rt::Co<bool> besiege(Machine& machine, Process& victim, rt::Duration time, Latency latency) {
  const Words where = victim.read_words();
  Node honest(machine.key, machine.loop, machine.network, machine.rng);
  VIVIM_ASSERT(where.size() == 4 && honest.listen(loopback()));
  const auto port = [&](std::size_t at) { return static_cast<std::uint16_t>(number(where[at])); };
  const Target target{.ip = loopback(),
                      .ports = {.tcp = port(1), .ws = port(2), .quic = port(3)},
                      .peer = PeerId::parse(where[0]).value(),
                      .bystander = honest.peer()};
  const auto address = Multiaddr::from_tcp("127.0.0.1", target.ports.tcp).value();
  bool all = (co_await honest.host().connect(target.peer, {address})).has_value();
  Pulse pulse(honest.host(), target.peer);
  co_await pulse.take(time, k_ping_pause);  // caches are warm then
  for (std::size_t i = 0; i < all_attacks().size(); ++i) {
    all = co_await withstand(machine, victim, pulse, i, target, time, latency) && all;
  }
  co_await honest.stop();
  co_return all;
}

int siege(rt::Duration time, Latency latency) {
  Process victim({"--victim"});
  Machine machine;
  const bool held = machine.loop.run(besiege(machine, victim, time, latency));
  std::printf("%s\n", held ? "held" : "did not hold");
  return held ? 0 : 1;
}

int run(const Words& words) {
  log::set_sink([](auto&&...) {}, log::Level::error);
  const std::string mode = words.empty() ? std::string() : words[0];
  if (mode == "--victim") {
    Machine machine;
    machine.loop.run(stand(machine));
    return 0;
  }
  if (mode == "--attack" && words.size() == 8) {
    return attack_as(words);
  }
  auto time = rt::Duration(2s);
  auto latency = Latency::judged;
  for (std::size_t at = 0; at < words.size(); ++at) {
    if (words[at] == "--seconds" && at + 1 < words.size()) {
      time = std::chrono::seconds(number(words[++at]));
    } else if (words[at] == "--reported") {
      latency = Latency::reported;
    } else {
      std::fprintf(stderr, "libp2p_siege [--seconds N] [--reported]\n");
      return 2;
    }
  }
  return siege(time, latency);
}

}  // namespace

}  // namespace vivim::stress

int main(int count, char** values) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  return vivim::stress::run({values + 1, values + count});
}
