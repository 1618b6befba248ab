#include "vivim/libp2p/pnet/stream.hpp"

#include <array>

#include <doctest/doctest.h>

#include "vivim/libp2p/pnet/transport.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p::pnet;
using namespace std::chrono_literals;
using rt::RtError;

namespace {

constexpr std::string_view k_greeting = "\x13/multistream/1.0.0\n";

rt::Co<void> write_all(rt::Stream& stream, Bytes bytes, Result<void>& outcome) {
  outcome = co_await stream.write(bytes);
  if (outcome) {
    outcome = co_await stream.close_write();
  }
}

rt::Co<void> read_all(rt::Stream& stream, Bytes& into, Result<void>& outcome, std::size_t piece) {
  Bytes buffer(piece);
  for (;;) {
    const auto count = co_await stream.read_some(buffer);
    if (!count) {
      outcome = fail(count.error());
      co_return;
    }
    if (*count == 0) {
      co_return;
    }
    append(into, BytesView(buffer).first(*count));
  }
}

/// Passes on, and keeps what was written.
class Tapped final : public rt::Stream {
 public:
  Tapped(std::unique_ptr<rt::Stream> inner, Bytes& tap) : inner_(std::move(inner)), tap_(tap) {}
  rt::Co<Result<std::size_t>> read_some(MutableBytes into) override {
    return inner_->read_some(into);
  }
  rt::Co<Result<void>> write(BytesView bytes) override {
    append(tap_, bytes);
    return inner_->write(bytes);
  }
  rt::Co<Result<void>> close_write() override { return inner_->close_write(); }
  void reset(std::uint32_t reason) override { inner_->reset(reason); }

 private:
  std::unique_ptr<rt::Stream> inner_;
  Bytes& tap_;
};

struct Setting {
  Setting() : node(world.add_node("node")), tasks(node.loop()) {
    std::tie(a, b) = rt::sim::make_stream_pair(node.loop(), 1001);
  }
  std::unique_ptr<PrivateStream> make(std::unique_ptr<rt::Stream> inner, const PreSharedKey& with) {
    return std::make_unique<PrivateStream>(std::move(inner), with, crypto::os_random);
  }

  rt::sim::World world{5};
  rt::sim::Node& node;
  rt::TaskGroup tasks;
  PreSharedKey key = PreSharedKey::generate(crypto::os_random);
  std::unique_ptr<rt::Stream> a;
  std::unique_ptr<rt::Stream> b;
  Bytes got;
  Result<void> reading;
  Result<void> writing;
};

Bytes message(std::size_t size) {
  Bytes out = to_bytes(k_greeting);
  out.resize(size);
  for (std::size_t i = k_greeting.size(); i < size; ++i) {
    out[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  }
  return out;
}

}  // namespace

TEST_CASE("stream: bytes arrive, however they are cut, and differ on the wire") {
  for (const std::size_t piece : {1UL, 13UL, 5000UL}) {
    Setting setting;
    Bytes wire;
    const auto a = setting.make(std::make_unique<Tapped>(std::move(setting.a), wire), setting.key);
    const auto b = setting.make(std::move(setting.b), setting.key);
    const Bytes sent = message(20'000);
    setting.tasks.spawn("write", write_all(*a, sent, setting.writing));
    setting.tasks.spawn("read", read_all(*b, setting.got, setting.reading, piece));
    setting.world.run_for(1s);
    CHECK(setting.writing);
    CHECK(setting.reading);
    CHECK(setting.got == sent);
    CHECK(wire.size() == sent.size() + crypto::k_xsalsa20_nonce_bytes);
    CHECK(as_text(wire).find("multistream") == std::string_view::npos);
    setting.world.run(setting.tasks.stop());
  }
}

TEST_CASE("stream: nonces differ") {
  Bytes wires[2];
  for (Bytes& wire : wires) {
    Setting setting;
    const auto a = setting.make(std::make_unique<Tapped>(std::move(setting.a), wire), setting.key);
    setting.tasks.spawn("write", write_all(*a, message(30), setting.writing));
    setting.world.run_for(1s);
    setting.world.run(setting.tasks.stop());
  }
  CHECK(wires[0].size() == 54);
  CHECK(wires[0] != wires[1]);
}

TEST_CASE("stream: another key is recognised by the first bytes") {
  Setting setting;
  const auto a = setting.make(std::move(setting.a), PreSharedKey::generate(crypto::os_random));
  const auto b = setting.make(std::move(setting.b), setting.key);
  setting.tasks.spawn("write", write_all(*a, message(100), setting.writing));
  setting.tasks.spawn("read", read_all(*b, setting.got, setting.reading, 1000));
  setting.world.run_for(1s);
  REQUIRE_FALSE(setting.reading);
  CHECK(setting.reading.error().is(PnetError::wrong_key));
  CHECK(setting.got.empty());
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("stream: a peer of the public network is recognised before its nonce would be whole") {
  Setting setting;
  const auto b = setting.make(std::move(setting.b), setting.key);
  setting.tasks.spawn("write", write_all(*setting.a, message(20), setting.writing));
  setting.tasks.spawn("read", read_all(*b, setting.got, setting.reading, 1000));
  setting.world.run_for(1s);
  REQUIRE_FALSE(setting.reading);
  CHECK(setting.reading.error().is(PnetError::public_network));
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("stream: a stream that ends inside its nonce was cut off; an empty one is empty") {
  for (const std::size_t size : {0UL, 10UL}) {
    Setting setting;
    const auto b = setting.make(std::move(setting.b), setting.key);
    setting.tasks.spawn("write", write_all(*setting.a, Bytes(size), setting.writing));
    setting.tasks.spawn("read", read_all(*b, setting.got, setting.reading, 1000));
    setting.world.run_for(1s);
    CHECK(setting.reading.has_value() == (size == 0));
    if (size > 0) {
      CHECK(setting.reading.error().is(RtError::end_of_stream));
    }
    setting.world.run(setting.tasks.stop());
  }
}

TEST_CASE("stream: a side that writes nothing ends in order") {
  Setting setting;
  const auto a = setting.make(std::move(setting.a), setting.key);
  const auto b = setting.make(std::move(setting.b), setting.key);
  setting.tasks.spawn("write", write_all(*a, {}, setting.writing));
  setting.tasks.spawn("read", read_all(*b, setting.got, setting.reading, 1000));
  setting.world.run_for(1s);
  CHECK(setting.writing);
  CHECK(setting.reading);
  CHECK(setting.got.empty());
  setting.world.run(setting.tasks.stop());
}

TEST_CASE("stream: a side that only listens says its nonce before it is spoken to") {
  Setting setting;
  const auto b = setting.make(std::move(setting.b), setting.key);
  setting.tasks.spawn("read", read_all(*b, setting.got, setting.reading, 1000));
  Bytes nonce;
  Result<void> outcome;
  setting.tasks.spawn("wait for it", read_all(*setting.a, nonce, outcome, 100));
  setting.world.run_for(1s);
  CHECK(nonce.size() == crypto::k_xsalsa20_nonce_bytes);
  setting.a->reset(0);
  setting.world.run(setting.tasks.stop());
}
