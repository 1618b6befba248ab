#include "vivim/libp2p/mplex/muxer.hpp"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::mplex;
using namespace std::chrono_literals;
using rt::RtError;

namespace {

/// A stream that is read in frames and secures nothing.
class PlainStream final : public FrameStream {
 public:
  explicit PlainStream(std::unique_ptr<rt::Stream> inner) : inner_(std::move(inner)) {}
  rt::Co<Result<BytesView>> read_frame() override {
    VIVIM_CO_TRY(const auto count, co_await inner_->read_some(buffer_));
    co_return BytesView(buffer_).first(count);
  }
  rt::Co<Result<std::size_t>> write_frames(FrameSource& source) override {
    Bytes frame(std::size_t{16} * 1024);
    frame.resize(source.take(frame));
    VIVIM_CO_TRYV(co_await inner_->write(frame));
    co_return frame.size();
  }
  std::size_t held_bytes() const override { return 0; }
  void trim() override { ++trims; }
  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override {
    return inner_->read_some(into);
  }
  rt::Co<Result<void>> write(BytesView bytes) override { return inner_->write(bytes); }
  rt::Co<Result<void>> close_write() override { return inner_->close_write(); }
  void reset(std::uint32_t reason) override { inner_->reset(reason); }

  static inline int trims = 0;

 private:
  std::unique_ptr<rt::Stream> inner_;
  std::array<std::uint8_t, 3000> buffer_{};
};

/// Two connections over a pipe, running.
struct Setting {
  explicit Setting(const Config& config = {}) : node(world.add_node("node")), tasks(node.loop()) {
    auto [left, right] = rt::sim::make_stream_pair(node.loop(), 10'000);
    a = MplexMuxer(config).make(node.loop(), Direction::outbound,
                                std::make_unique<PlainStream>(std::move(left)), {});
    b = MplexMuxer(config).make(node.loop(), Direction::inbound,
                                std::make_unique<PlainStream>(std::move(right)), {});
    tasks.spawn("a", a->run());
    tasks.spawn("b", b->run());
  }
  ~Setting() {
    a->close({});
    world.run_for(2s);
    CHECK(b->closed());
    world.run(tasks.stop());
  }
  std::unique_ptr<rt::Stream> accept() { return world.run(b->accept()); }
  Result<std::size_t> read(rt::Stream& stream) { return world.run(stream.read_some(buffer)); }

  rt::sim::World world{3};
  rt::sim::Node& node;
  rt::TaskGroup tasks;
  std::unique_ptr<MuxedConnection> a;
  std::unique_ptr<MuxedConnection> b;
  std::array<std::uint8_t, 1000> buffer{};
};

rt::Co<void> write_all(rt::Stream& stream, Bytes bytes, Result<void>& outcome) {
  outcome = co_await stream.write(bytes);
  if (outcome) {
    outcome = co_await stream.close_write();
  }
}

rt::Co<Result<Bytes>> read_all(rt::Stream& stream) {
  Bytes all;
  Bytes buffer(5000);
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return all;
    }
    append(all, BytesView(buffer).first(count));
  }
}

}  // namespace

TEST_CASE("connection: bytes go through streams of both sides") {
  Setting setting;
  auto from_a = setting.a->open_stream().value();
  Result<void> writing;
  const Bytes sent(500'000, 7);
  setting.tasks.spawn("write", write_all(*from_a, sent, writing));
  const auto at_b = setting.accept();
  REQUIRE(at_b);
  CHECK(setting.world.run(read_all(*at_b)).value() == sent);
  CHECK(writing);
  REQUIRE(setting.world.run(at_b->write(as_bytes("answer"))));
  CHECK(setting.read(*from_a).value() == 6);
  CHECK(setting.a->streams() == 1);
  from_a.reset();
  CHECK(setting.a->streams() == 0);
}

TEST_CASE("connection: a reset reaches the peer, and what closes here fails here") {
  Setting setting;
  auto stream = setting.a->open_stream().value();
  REQUIRE(setting.world.run(stream->write(as_bytes("x"))));
  const auto at_b = setting.accept();
  REQUIRE(at_b);
  setting.world.run_for(1s);
  stream->reset(5);
  CHECK(setting.read(*stream).error().is(RtError::closed));
  setting.world.run_for(1s);
  CHECK(setting.read(*at_b).error().is(RtError::reset));
}

TEST_CASE("connection: a slow reader stops the others only for a while") {
  Setting setting({.receive_buffer_bytes_max = 10'000, .slow_reader_time = 2s});
  auto slow = setting.a->open_stream().value();
  auto quick = setting.a->open_stream().value();
  Result<void> writing[2];
  setting.tasks.spawn("slow", write_all(*slow, Bytes(500'000), writing[0]));
  const auto slow_at_b = setting.accept();
  setting.world.run_for(1s);
  setting.tasks.spawn("quick", write_all(*quick, Bytes(1000, 7), writing[1]));
  const auto quick_at_b = setting.accept();  // waits for the slow one's end
  REQUIRE(quick_at_b);
  CHECK(setting.world.run(read_all(*quick_at_b)).value() == Bytes(1000, 7));
  CHECK(setting.read(*slow_at_b).error().is(RtError::reset));
  setting.world.run_for(1s);
  REQUIRE_FALSE(writing[0]);
  CHECK(writing[0].error().is(RtError::reset));
}

TEST_CASE("connection: back-pressure keeps a reader's stream whole") {
  Setting setting({.receive_buffer_bytes_max = 5'000});
  auto stream = setting.a->open_stream().value();
  Result<void> writing;
  setting.tasks.spawn("write", write_all(*stream, Bytes(100'000, 9), writing));
  const auto at_b = setting.accept();
  REQUIRE(at_b);
  setting.world.run_for(1s);  // less than what the limit of time is
  CHECK(setting.world.run(read_all(*at_b)).value() == Bytes(100'000, 9));
}

TEST_CASE("connection: closing ends both sides, and those who wait") {
  Setting setting;
  auto stream = setting.a->open_stream().value();
  bool idle = false;
  setting.a->when_idle([&idle] { idle = true; });
  setting.a->close({.cause = CloseCause::local});
  CHECK(setting.a->open_stream().error().is(RtError::closed));
  CHECK_FALSE(idle);
  setting.world.run_for(1s);
  CHECK(setting.b->closed());
  CHECK(setting.b->reason().cause == CloseCause::remote);
  CHECK(setting.accept() == nullptr);
  CHECK(setting.read(*stream).error().is(RtError::closed));
  stream.reset();
  CHECK(idle);
}

TEST_CASE("connection: what breaks the protocol is the reason of its end") {
  rt::sim::World world{3};
  rt::sim::Node& node = world.add_node("node");
  rt::TaskGroup tasks(node.loop());
  auto [left, right] = rt::sim::make_stream_pair(node.loop());
  auto connection = MplexMuxer().make(node.loop(), Direction::inbound,
                                      std::make_unique<PlainStream>(std::move(left)),
                                      Bytes{0x07, 0x00});  // arrived with the handshake
  tasks.spawn("run", connection->run());
  world.run_for(2s);
  REQUIRE(connection->closed());
  CHECK(connection->reason().cause == CloseCause::protocol);
  CHECK(connection->reason().error->is(MplexError::bad_flag));
  world.run(tasks.stop());
}

TEST_CASE("connection: one that rests gives its buffers back") {
  Setting setting;
  const int before = PlainStream::trims;
  auto stream = setting.a->open_stream().value();
  REQUIRE(setting.world.run(stream->write(as_bytes("x"))));
  setting.world.run_for(100s);
  CHECK(PlainStream::trims == before + 2);  // once at each end
}

TEST_CASE("connection: one that was never run may go, and its streams fail") {
  rt::sim::World world{3};
  rt::sim::Node& node = world.add_node("node");
  auto [left, right] = rt::sim::make_stream_pair(node.loop());
  auto connection = MplexMuxer().make(node.loop(), Direction::outbound,
                                      std::make_unique<PlainStream>(std::move(left)), {});
  auto stream = connection->open_stream().value();
  connection.reset();
  CHECK(world.run(stream->write(as_bytes("x"))).error().is(RtError::closed));
}
