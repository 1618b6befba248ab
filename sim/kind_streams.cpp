// Hosts that are connected with a few others open streams to them and echo: what the simulator
// costs, with everything below the protocols real.
#include <algorithm>

#include "kinds.hpp"
#include "stage.hpp"
#include "vivim/rt/task_group.hpp"

namespace vivim::sim {

namespace {

using std::chrono_literals::operator""s;

constexpr std::string_view k_echo = "/vivim/sim/echo/1";

rt::Co<void> echo(libp2p::InboundStream inbound) {
  Bytes buffer(2048);
  for (;;) {
    const auto count = co_await inbound.stream->read_some(buffer);
    if (!count) {
      co_return;
    }
    if (*count == 0) {
      (void)co_await inbound.stream->close_write();
      co_return;
    }
    if (!co_await inbound.stream->write(BytesView(buffer).first(*count))) {
      co_return;
    }
  }
}

class Streams {
 public:
  explicit Streams(Stage& stage)
      : stage_(stage),
        connections_(static_cast<std::size_t>(stage.scenario().number("connections", 20))),
        interval_(from_ms(1000 * stage.scenario().number("interval_seconds", 1))),
        message_(static_cast<std::size_t>(stage.scenario().number("message_bytes", 1024)), 7),
        dialled_(stage.scenario().nodes) {
    for (std::uint32_t i = 0; i < stage.scenario().nodes; ++i) {
      all_.push_back(std::make_unique<Swimmer>(stage, stage.add_machine("n" + std::to_string(i))));
    }
  }

  void play() {
    auto& world = stage_.world();
    rt::TaskGroup tasks(world.node(0).loop());
    libp2p::HostLimits limits;
    limits.connections_per_address_max = limits.inbound_connections_max;
    for (const auto& swimmer : all_) {
      swimmer->set_limits(limits);
      if (!swimmer->start() || !swimmer->host().handle(std::string(k_echo), echo)) {
        stage_.report().failures.emplace_back("a host does not start");
      }
    }
    stage_.doing("connecting");
    for (std::size_t i = 0; i < all_.size(); ++i) {
      tasks.spawn("dial", dial(i));
    }
    world.run_until([&] { return tasks.running() == 0; });
    world.run_for(10s);
    std::size_t connections = 0;
    for (const auto& swimmer : all_) {
      connections += swimmer->host().peers().size();
    }
    stage_.report().set("connections per node",
                        static_cast<double>(connections) / static_cast<double>(all_.size()));
    stage_.doing("talking");
    end_ = world.now() + stage_.scenario().duration();
    stage_.sample("echoes a second",
                  [this] { return static_cast<double>(std::exchange(echoes_, 0)); });
    for (std::size_t i = 0; i < all_.size() && stage_.scenario().seconds > 0; ++i) {
      tasks.spawn("talk", talk(i));
    }
    const double begin = processor_seconds();
    const auto from = stage_.seconds();
    world.run_until([&] { return tasks.running() == 0; });
    if (stage_.scenario().seconds > 0) {
      stage_.report().set("times real time",
                          (stage_.seconds() - from) / (processor_seconds() - begin));
    }
    stage_.doing("ending");
    for (const auto& swimmer : all_) {
      tasks.spawn("stop", swimmer->stop());
    }
    world.run_until([&] { return tasks.running() == 0; });
    world.run(tasks.stop());
    stage_.report().set("echoes failed", static_cast<double>(failed_));
  }

 private:
  rt::Co<void> dial(std::size_t i) {
    auto& rng = all_[i]->node().rng();
    co_await rt::sleep_for(all_[i]->node().loop(), from_ms(static_cast<double>(rng.below(5000))));
    for (std::size_t n = 0; n < connections_ / 2; ++n) {
      const auto other = rng.below(all_.size());
      if (other != i && co_await all_[i]->host().connect(all_[other]->address())) {
        dialled_[i].push_back(other);
      }
    }
  }

  /// Opens a stream to each host that it dialled, and sends on one of them after the other.
  rt::Co<void> talk(std::size_t i) {
    Swimmer& self = *all_[i];
    auto& rng = self.node().rng();
    std::vector<std::unique_ptr<rt::Stream>> streams;
    co_await rt::sleep_for(self.node().loop(), rt::Duration(rng.below(interval_.count())));
    for (const std::size_t other : dialled_[i]) {
      const std::vector<std::string> protocols{std::string(k_echo)};
      if (auto opened = co_await self.host().open_stream(all_[other]->peer(), protocols)) {
        streams.push_back(std::move(opened->stream));
      } else {
        ++failed_;
      }
    }
    for (std::size_t n = 0; !streams.empty() && stage_.world().now() < end_; ++n) {
      const auto begin = stage_.world().now();
      if (co_await exchange(*streams[n % streams.size()])) {
        stage_.report().distributions["echo ms"].add(to_ms(stage_.world().now() - begin));
        ++echoes_;
      } else {
        ++failed_;
      }
      if (const auto left = begin + interval_ - stage_.world().now(); left.count() > 0) {
        co_await rt::sleep_for(self.node().loop(), left);
      }
    }
  }

  rt::Co<bool> exchange(rt::Stream& stream) const {
    if (!co_await stream.write(message_)) {
      co_return false;
    }
    Bytes back(message_.size());
    co_return co_await rt::read_exactly(stream, back) && back == message_;
  }

  Stage& stage_;
  std::size_t connections_;
  rt::Duration interval_;
  Bytes message_;
  std::vector<std::unique_ptr<Swimmer>> all_;
  std::vector<std::vector<std::size_t>> dialled_;
  rt::TimePoint end_{};
  std::size_t echoes_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace

void play_streams(Stage& stage) {
  Streams(stage).play();
}

}  // namespace vivim::sim
