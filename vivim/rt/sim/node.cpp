#include "vivim/rt/sim/node.hpp"

#include <exception>
#include <optional>

#include <boost/asio/post.hpp>

#include "vivim/base/assert.hpp"

namespace vivim::rt::sim {

namespace {

constexpr auto k_clock_lie_max = std::chrono::hours(24 * 60);
constexpr WallMs k_start_of_world_ms = 1'767'225'600'000;  // 2026-01-01

class SimTimer final : public Timer {
 public:
  SimTimer(Engine& engine, Duration boot_time)
      : engine_(engine), boot_time_(boot_time), waiter_(engine) {}
  ~SimTimer() override {
    VIVIM_ASSERT(!waiter_.waiting());
    engine_.cancel(event_);
  }

  void expire_at(TimePoint when) override {
    engine_.cancel(event_);
    cancelled_ = fired_ = false;
    event_ = engine_.schedule(when - boot_time_, [this] {
      fired_ = true;
      answer(true);
    });
  }

  Co<bool> wait() override {
    if (cancelled_ || fired_) {
      co_return fired_;
    }
    answer_.reset();
    co_await waiter_.wait();
    co_return answer_.value_or(false);
  }

  void cancel() override {
    engine_.cancel(event_);
    fired_ = false;
    cancelled_ = true;
    answer(false);
  }

 private:
  void answer(bool expired) {
    if (waiter_.waiting()) {
      answer_ = expired;
      waiter_.wake();
    }
  }

  Engine& engine_;
  Duration boot_time_;
  Waiter waiter_;
  EventKey event_;
  std::optional<bool> answer_;
  bool cancelled_ = false;
  bool fired_ = false;
};

class SimWorker final : public Worker {
 public:
  SimWorker(Engine& engine, SeededRng& rng, const NodeOptions& options)
      : engine_(engine), rng_(rng), options_(options) {}

  Co<void> run_erased(std::move_only_function<void()> job) override {
    std::exception_ptr error;
    Waiter done(engine_);
    free_at_ =
        std::max(free_at_, engine_.now()) + options_.job_min + rng_.up_to(options_.job_jitter);
    engine_.schedule(free_at_, [&job, &error, &done] {
      try {
        job();
      } catch (...) {
        error = std::current_exception();
      }
      done.wake();
    });
    co_await done.wait();
    if (error) {
      std::rethrow_exception(error);
    }
  }

 private:
  Engine& engine_;
  SeededRng& rng_;
  NodeOptions options_;
  TimePoint free_at_{};
};

IpAddress address_v4(NodeId id) {
  return IpAddress::v4(10, 0, static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id));
}

IpAddress address_v6(NodeId id) {
  IpAddress ip;
  ip.is_v6 = true;
  ip.bytes[0] = 0xfd;
  store_be32(MutableBytes(ip.bytes).subspan(12), id);
  return ip;
}

}  // namespace

class Node::NodeLoop final : public Loop, public Clock {
 public:
  NodeLoop(Engine& engine, const NodeOptions& options) : engine_(engine), options_(options) {}

  Executor executor() override { return engine_.executor(); }
  Clock& clock() override { return *this; }
  std::unique_ptr<Timer> make_timer() override {
    return std::make_unique<SimTimer>(engine_, options_.boot_time);
  }
  void post(std::move_only_function<void()> work) override {
    boost::asio::post(engine_.executor(), std::move(work));
  }
  TimePoint now() const override { return engine_.now() + options_.boot_time; }
  WallMs wall_now_ms() const override {
    const Duration true_time = engine_.now().time_since_epoch() + options_.wall_skew + wrong_;
    return k_start_of_world_ms +
           std::chrono::duration_cast<std::chrono::milliseconds>(true_time).count();
  }
  void set_wrong(Duration wrong) { wrong_ = wrong; }

 private:
  Engine& engine_;
  NodeOptions options_;
  Duration wrong_{0};  ///< the wall clock, by a lie
};

class Node::NodeNetwork final : public Network {
 public:
  NodeNetwork(Fabric& fabric, NodeId node) : fabric_(fabric), node_(node) {}

  Result<std::unique_ptr<Listener>> listen(Endpoint at) override {
    return fabric_.listen(node_, at);
  }
  Co<Result<Connection>> dial(Endpoint to, std::chrono::nanoseconds timeout) override {
    return fabric_.dial(node_, std::nullopt, to, timeout);
  }
  Co<Result<Connection>> dial_from(Endpoint from, Endpoint to,
                                   std::chrono::nanoseconds timeout) override {
    return fabric_.dial(node_, from, to, timeout);
  }
  void cancel_dials() override { fabric_.cancel_dials(node_); }
  Result<std::unique_ptr<DatagramSocket>> open_datagram(Endpoint at,
                                                        DatagramOptions options) override {
    return fabric_.open_datagram(node_, at, options);
  }
  Result<std::vector<IpAddress>> interfaces() override {
    auto all = fabric_.addresses(node_);
    all.insert(all.begin(), IpAddress::v4(127, 0, 0, 1));
    return all;
  }

 private:
  Fabric& fabric_;
  NodeId node_;
};

Node::Node(Engine& engine, Fabric& fabric, NodeId id, std::string name, NodeOptions options)
    : engine_(engine),
      fabric_(fabric),
      id_(id),
      name_(std::move(name)),
      options_(options),
      seed_(engine.rng().next()),
      rng_(seed_),
      disk_(engine),
      loop_(std::make_unique<NodeLoop>(engine, options)),
      network_(std::make_unique<NodeNetwork>(fabric, id)) {
  fabric_.add_node(id_, {.addresses = {ip(), address_v6(id_)},
                         .region = options_.region,
                         .upload_bytes_per_second = options_.upload_bytes_per_second,
                         .download_bytes_per_second = options_.download_bytes_per_second});
}

Node::~Node() = default;

IpAddress Node::ip() const {
  return options_.ip.value_or(address_v4(id_));
}
Loop& Node::loop() {
  return *loop_;
}
Clock& Node::clock() {
  return *loop_;
}
Network& Node::network() {
  return *network_;
}

std::unique_ptr<Worker> Node::make_worker() {
  return std::make_unique<SimWorker>(engine_, rng_, options_);
}

void Node::crash(CrashKind kind) {
  if (!std::exchange(running_, false)) {
    return;
  }
  engine_.trace(id_, static_cast<std::uint64_t>(kind));
  fabric_.sever(id_, kind);
  if (kind == CrashKind::power) {
    disk_.crash();
  } else {
    disk_.flush_and_detach();
  }
  disk_.set_online(false);
}

void Node::restart() {
  if (std::exchange(running_, true)) {
    return;
  }
  disk_.set_online(true);
  fabric_.raise(id_);
  if (lie_ == Lie::random) {
    rng_ = SeededRng(seed_);
  } else if (lie_ == Lie::clock) {
    loop_->set_wrong(engine_.rng().up_to(2 * k_clock_lie_max) - k_clock_lie_max);
  }
}

void Node::set_lie(Lie lie) {
  lie_ = lie;
  disk_.set_lying(lie == Lie::disk);
  if (lie != Lie::clock) {
    loop_->set_wrong(Duration{0});
  }
}

}  // namespace vivim::rt::sim
