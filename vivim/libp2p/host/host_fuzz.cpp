// A hostile dialer of a whole host, over a pipe in virtual time. The first byte says how far it
// behaves well.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/noise_security.hpp"
#include "vivim/libp2p/host/yamux_muxer.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p;

namespace {

enum class Layer : std::uint8_t { multistream, noise, yamux, stream };

/// Writes `bytes` in two pieces and reads until the host ends it.
rt::Co<void> attack(rt::Stream& stream, Bytes bytes) {
  const BytesView all = bytes;
  if (co_await stream.write(all.first(all.size() / 2)) &&
      co_await stream.write(all.subspan(all.size() / 2))) {
    (void)co_await stream.close_write();
  }
  Bytes buffer(4096);
  for (auto count = co_await stream.read_some(buffer); count && *count > 0;
       count = co_await stream.read_some(buffer)) {
  }
}

rt::Co<void> attack_inside(rt::Loop& loop, Upgraded upgraded, Layer layer, Bytes bytes) {
  if (layer == Layer::yamux) {
    co_await attack(*upgraded.stream, std::move(bytes));
    co_return;
  }
  YamuxMuxer muxer({});
  const auto connection =
      muxer.make(loop, Direction::outbound, std::move(upgraded.stream), std::move(upgraded.early));
  rt::TaskGroup tasks(loop);
  tasks.spawn("attacker", connection->run());
  if (auto stream = connection->open_stream()) {
    co_await attack(**stream, std::move(bytes));
  }
  connection->close({.cause = CloseCause::local});
  co_await tasks.stop();
}

rt::Co<void> dial_and_attack(rt::sim::Node& from, rt::Endpoint to, NoiseSecurity& noise,
                             Layer layer, Bytes bytes) {
  auto connection = co_await from.network().dial(to, std::chrono::seconds(5));
  VIVIM_ASSERT(connection.has_value());
  if (layer == Layer::multistream || layer == Layer::noise) {
    Bytes start;
    if (layer == Layer::noise) {
      multistream::append_message(start, multistream::k_protocol_id);
      multistream::append_message(start, noise::k_protocol_id);
    }
    append(start, bytes);
    co_await attack(*connection->stream, std::move(start));
    co_return;
  }
  UpgradeProtocols protocols{.securities = {&noise}, .muxers = {std::string(yamux::k_protocol_id)}};
  auto upgraded = co_await upgrade(std::move(connection->stream), std::move(protocols), {});
  VIVIM_ASSERT(upgraded.has_value());
  co_await attack_inside(from.loop(), std::move(*upgraded), layer, std::move(bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  rt::sim::World world(1);
  auto& node = world.add_node("victim");
  auto& other = world.add_node("attacker");
  const auto random = [&other](MutableBytes out) { other.rng().fill(out); };
  const auto key = crypto::KeyPair::generate(random);
  NoiseSecurity attacker(noise::Identity(crypto::KeyPair::generate(random), random), other.rng());
  Host host({.key = key}, node.loop(), node.network(), node.rng());
  const rt::Endpoint at{.ip = node.ip(), .port = 4001};
  VIVIM_ASSERT(host.listen(Multiaddr::from_tcp(at.ip.to_string(), at.port).value()).has_value());
  world.run(dial_and_attack(other, at, attacker, static_cast<Layer>(data[0] % 4),
                            Bytes(data + 1, data + size)));
  world.run_for(std::chrono::seconds(15));
  world.run(host.stop());
  VIVIM_ASSERT(world.connections_open() == 0);
  return 0;
}
