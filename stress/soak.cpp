#include "stress/soak.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "vivim/base/assert.hpp"

namespace vivim::stress {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr auto k_rest_max = 60s;
constexpr auto k_poll = 20ms;
constexpr int k_quiet_polls = 50;
constexpr auto k_reserve_again = 200ms;  // after a connection with the relay was lost
constexpr auto k_silence_max_ms = 300;
constexpr std::uint64_t k_exchange_bytes_max = std::uint64_t{1} << 20;
constexpr std::size_t k_garbage_bytes_max = 4096;
// What memory may differ by between the first rest after the warm-up and the last.
constexpr std::uint64_t k_heap_slack_bytes = std::uint64_t{1} << 20;
constexpr std::uint64_t k_resident_slack_bytes = std::uint64_t{8} << 20;
constexpr double k_heap_growth_max = 1.02;
constexpr double k_resident_growth_max = 1.10;
constexpr double k_mib = 1024.0 * 1024.0;

rt::IpAddress loopback() {
  return rt::IpAddress::v4(127, 0, 0, 1);
}

rt::Co<void> send_all(rt::Stream& stream, const Bytes& bytes) {
  if (co_await stream.write(bytes)) {
    (void)co_await stream.close_write();
  }
}

rt::Co<Result<Bytes>> receive_all(rt::Stream& stream) {
  Bytes all;
  Bytes buffer(std::size_t{32} * 1024);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return all;
    }
    append(all, BytesView(buffer).first(count));
  }
}

// Most are small, some are large.
std::size_t random_size(rt::Rng& rng, std::uint64_t most) {
  const auto bits = rng.below(static_cast<std::uint64_t>(std::bit_width(most)));
  return static_cast<std::size_t>(1 + rng.below(std::uint64_t{1} << bits));
}

}  // namespace

struct Soak::Slot {
  Slot(rt::Loop& loop, rt::Network& network, rt::Rng& rng)
      : key(crypto::KeyPair::generate([&rng](MutableBytes out) { rng.fill(out); })),
        cutter(loop, network, rng) {}

  crypto::KeyPair key;
  Handle node;
  Ports ports;
  bool restarting = false;
  Cutter cutter;
};

Soak::Soak(SoakOptions options, rt::Loop& loop, rt::Network& network, rt::Rng& rng)
    : options_(options), loop_(loop), network_(network), rng_(rng), resumed_(loop), tasks_(loop) {
  resumed_.set();
  for (std::size_t i = 0; i < options_.hosts; ++i) {
    slots_.push_back(std::make_unique<Slot>(loop, network, rng));
  }
}

Soak::~Soak() = default;

// The first host relays; the others keep a reservation there.
rt::Co<Result<void>> Soak::start_slot(Slot& slot) {
  const bool relays = &slot == slots_.front().get();
  auto node = std::make_shared<Node>(
      slot.key, loop_, network_, rng_,
      NodeOptions{.keeper = {.retry_min = k_reserve_again, .retry_max = 1s}, .serves = relays});
  VIVIM_CO_TRYV(node->listen(loopback(), slot.ports));
  slot.ports = node->ports();
  slot.cutter.set_target({.ip = loopback(), .port = slot.ports.tcp});
  if (!relays) {
    VIVIM_CO_TRY(const auto circuit, Multiaddr::parse("/p2p-circuit"));
    VIVIM_CO_TRY(const auto at, slots_.front()->node->address(Way::tcp).with(circuit));
    VIVIM_CO_TRYV(node->host().listen(at));
  }
  slot.node = std::move(node);
  co_return Result<void>{};
}

// Whoever still speaks through the old host holds it until they are done.
rt::Co<void> Soak::restart_slot(Slot& slot) {
  if (std::exchange(slot.restarting, true)) {
    co_return;
  }
  const Handle old = slot.node;
  co_await old->stop();
  const auto started = co_await start_slot(slot);
  VIVIM_ASSERT(started);
  ++tally_.restarts;
  slot.restarting = false;
}

Multiaddr Soak::address_of(const Slot& to, std::uint64_t choice) const {
  const auto way = static_cast<Way>(choice % k_ways);
  return to.node->address(way);
}

rt::Co<bool> Soak::connect(Node& from, Slot& to) {
  const PeerId peer = to.node->peer();
  const auto choice = rng_.below(8);
  libp2p::ConnectOptions options{.force_new = rng_.below(4) == 0, .ignore_backoff = true};
  Multiaddr address = address_of(to, choice);
  if (choice == 6) {  // over a line that breaks
    address = Multiaddr::from_tcp("127.0.0.1", to.cutter.port()).value().with_peer(peer).value();
    options.force_new = true;
  }
  const bool relayed = choice == 7 && &to != slots_.front().get();
  if (relayed) {
    const auto circuit = Multiaddr::parse("/p2p-circuit").value();
    address = slots_.front()->node->address(Way::tcp).with(circuit).value().with_peer(peer).value();
  }
  const auto connected = co_await from.host().connect(peer, {address}, options);
  if (!connected) {
    ++tally_.broken;
    co_return false;
  }
  (relayed ? tally_.relayed : tally_.connected[choice % k_ways])++;
  co_return true;
}

rt::Co<void> Soak::exchange(Node& node, PeerId peer) {
  const std::vector<std::string> protocols{std::string(k_echo_protocol)};
  auto opened = co_await node.host().open_stream(
      peer, protocols, {.allow_limited = true, .assume_spoken = rng_.below(2) == 0});
  if (!opened) {
    ++tally_.broken;
    co_return;
  }
  Bytes sent(random_size(rng_, k_exchange_bytes_max));
  rng_.fill(sent);
  rt::TaskGroup sending(loop_);
  rt::Stream* const raw = opened->stream.get();
  sending.on_stop([raw] { raw->reset(); });
  sending.spawn("send", send_all(*raw, sent));
  const auto received = co_await receive_all(*raw);
  co_await sending.stop();
  if (!received) {
    ++tally_.broken;
    co_return;
  }
  tally_.corrupted += *received != sent ? 1 : 0;
  ++tally_.streams;
  tally_.bytes += 2 * sent.size();
}

// Writes a part, reads a little or nothing, then resets the stream or lets it go.
rt::Co<void> Soak::abandon(Node& node, PeerId peer) {
  const std::vector<std::string> protocols{std::string(k_echo_protocol)};
  auto opened = co_await node.host().open_stream(peer, protocols, {.allow_limited = true});
  if (!opened) {
    ++tally_.broken;
    co_return;
  }
  Bytes part(random_size(rng_, std::uint64_t{64} * 1024));
  rng_.fill(part);
  const auto written = co_await opened->stream->write(part);
  if (written && rng_.below(2) == 0) {
    (void)co_await opened->stream->read_some(part);
  }
  if (rng_.below(2) == 0) {
    opened->stream->reset(static_cast<std::uint32_t>(rng_.below(100)));
  }
  ++tally_.abandoned;
}

rt::Co<void> Soak::ask_unknown(Node& node, PeerId peer) {
  const std::vector<std::string> protocols{"/nobody/speaks/this"};
  const auto opened = co_await node.host().open_stream(peer, protocols, {.allow_limited = true});
  VIVIM_ASSERT(!opened);
  ++tally_.refused;
}

rt::Co<void> Soak::converse(Node& node, PeerId peer) {
  for (auto left = 1 + rng_.below(6); left > 0; --left) {
    switch (rng_.below(8)) {
      case 0:
        co_await abandon(node, peer);
        break;
      case 1:
        co_await ask_unknown(node, peer);
        break;
      case 2:
        tally_.pings += co_await node.host().ping(peer) ? 1 : 0;
        break;
      default:
        co_await exchange(node, peer);
    }
  }
}

rt::Co<void> Soak::meet() {
  const auto a = rng_.below(slots_.size());
  const auto b = (a + 1 + rng_.below(slots_.size() - 1)) % slots_.size();
  const Handle from = slots_[a]->node;
  const PeerId peer = slots_[b]->node->peer();
  if (co_await connect(*from, *slots_[b])) {
    co_await converse(*from, peer);
    if (rng_.below(2) == 0) {
      from->host().disconnect(peer);
    }
  }
}

// Bytes that are nothing, then silence for a while, then gone.
rt::Co<void> Soak::throw_garbage(Slot& at) {
  const auto port = rng_.below(2) == 0 ? at.ports.tcp : at.ports.ws;
  auto connection = co_await network_.dial({.ip = loopback(), .port = port}, 1s);
  if (!connection) {
    co_return;
  }
  Bytes garbage(rng_.below(k_garbage_bytes_max));
  rng_.fill(garbage);
  (void)co_await connection->stream->write(garbage);
  co_await rt::sleep_for(loop_, std::chrono::milliseconds(rng_.below(k_silence_max_ms)));
  ++tally_.garbage;
}

rt::Co<void> Soak::act() {
  const auto choice = rng_.below(100);
  auto& slot = *slots_[rng_.below(slots_.size())];
  if (choice < 2) {
    co_await restart_slot(slot);
  } else if (choice < 8) {
    co_await throw_garbage(slot);
  } else {
    co_await meet();
  }
}

rt::Co<void> Soak::work() {
  while (!tasks_.stopping()) {
    if (paused_) {
      co_await resumed_.wait();
      continue;
    }
    ++active_;
    co_await act();
    --active_;
  }
}

bool Soak::at_rest() const {
  auto& relay = *slots_.front()->node;
  return active_ == 0 && relay.host().peers().size() == slots_.size() - 1 &&
         std::ranges::all_of(slots_, [&](const auto& slot) {
           return &*slot == slots_.front().get() ||
                  (slot->node->host().peers().size() == 1 && slot->node->reserved(relay.peer()));
         });
}

// What keeps it from rest, for a person.
std::string Soak::unrest() const {
  std::string told = std::to_string(active_) + " workers are not done";
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const auto& slot = *slots_[i];
    told += "; host " + std::to_string(i) + " has " +
            std::to_string(slot.node->host().peers().size()) + " connections" +
            (slot.restarting ? " and is stopping" : "");
  }
  return told;
}

void Soak::hang_up() {
  for (const auto& slot : slots_) {
    for (const auto& info : slot->node->host().peers()) {
      slot->node->host().disconnect(info.id);
    }
  }
}

// Everybody finishes and hangs up; then each keeps its one connection with the relay. False when
// that does not come to an end.
rt::Co<bool> Soak::rest(double seconds) {
  paused_ = true;
  resumed_.reset();
  const auto end = loop_.clock().now() + k_rest_max;
  bool hung_up = false;
  for (int quiet = 0; quiet < k_quiet_polls; quiet = at_rest() && hung_up ? quiet + 1 : 0) {
    if (loop_.clock().now() > end) {
      co_return false;
    }
    if (active_ == 0 && !std::exchange(hung_up, true)) {
      hang_up();
    }
    co_await rt::sleep_for(loop_, k_poll);
  }
  rests_.push_back({.seconds = seconds, .usage = measure_process()});
  const auto& now = rests_.back().usage;
  std::printf("%7.1f s  resident %6.1f MiB  heap %6.2f MiB  descriptors %llu  streams %llu\n",
              seconds, static_cast<double>(now.resident_bytes) / k_mib,
              static_cast<double>(now.heap_bytes) / k_mib,
              static_cast<unsigned long long>(now.descriptors),
              static_cast<unsigned long long>(tally_.streams));
  std::fflush(stdout);
  co_return true;
}

rt::Co<std::vector<std::string>> Soak::run() {
  std::vector<std::string> problems;
  for (const auto& slot : slots_) {
    const auto cutting = slot->cutter.start(loopback());
    const auto started = co_await start_slot(*slot);
    VIVIM_ASSERT(cutting && started);
  }
  for (std::size_t i = 0; i < options_.workers; ++i) {
    tasks_.spawn("worker", work());
  }
  const auto begin = loop_.clock().now();
  const auto elapsed = [&] { return loop_.clock().now() - begin; };
  while (elapsed() < options_.time && problems.empty()) {
    co_await rt::sleep_for(loop_, options_.round);
    if (!co_await rest(std::chrono::duration<double>(elapsed()).count())) {
      problems.emplace_back("it does not come to rest: " + unrest());
    }
    paused_ = false;
    resumed_.set();
  }
  co_await tasks_.stop();
  for (const auto& slot : slots_) {
    co_await slot->cutter.stop();
    co_await slot->node->stop();
  }
  judge(problems);
  judge_work(problems);
  co_return problems;
}

void Soak::judge(std::vector<std::string>& problems) const {
  const auto warm = std::chrono::duration<double>(options_.warm_up).count();
  const auto first = std::ranges::find_if(rests_, [&](const Rest& r) { return r.seconds >= warm; });
  if (first == rests_.end() || first + 1 == rests_.end()) {
    problems.emplace_back("too short: fewer than two rests after the warm-up");
    return;
  }
  const auto& then = first->usage;
  const auto& now = rests_.back().usage;
  const auto grew = [](std::uint64_t from, std::uint64_t to, double factor, std::uint64_t slack) {
    return static_cast<double>(to) >
           static_cast<double>(from) * factor + static_cast<double>(slack);
  };
  if (grew(then.heap_bytes, now.heap_bytes, k_heap_growth_max, k_heap_slack_bytes)) {
    problems.emplace_back("the heap grows");
  }
  if (grew(then.resident_bytes, now.resident_bytes, k_resident_growth_max,
           k_resident_slack_bytes)) {
    problems.emplace_back("resident memory grows");
  }
  for (const auto& one : rests_) {
    if (one.usage.descriptors != rests_.front().usage.descriptors) {
      problems.emplace_back(
          "descriptors at rest differ: " + std::to_string(rests_.front().usage.descriptors) +
          ", then " + std::to_string(one.usage.descriptors));
      break;
    }
  }
}

// A soak in which something never happened has shown nothing.
void Soak::judge_work(std::vector<std::string>& problems) const {
  const bool all = std::ranges::all_of(tally_.connected, [](auto count) { return count > 0; }) &&
                   tally_.relayed > 0 && tally_.streams > 0 && tally_.abandoned > 0 &&
                   tally_.refused > 0 && tally_.garbage > 0 && tally_.pings > 0 &&
                   tally_.restarts > 0;
  if (!all) {
    problems.emplace_back("something that should happen never did");
  }
  if (tally_.corrupted > 0) {
    problems.emplace_back("other bytes came back than were sent");
  }
}

}  // namespace vivim::stress
