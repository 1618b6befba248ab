// A client of any kind: a handshake and frames as they come, over a pipe in virtual time. The first
// byte says whether the handshake is given.
#include <cstddef>
#include <cstdint>

#include "vivim/libp2p/websocket/stream.hpp"
#include "vivim/libp2p/websocket/upgrade.hpp"
#include "vivim/rt/sim/stream_pair.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p::websocket;

namespace {

rt::Co<void> attack(rt::Stream& stream, Bytes bytes) {
  const BytesView all = bytes;
  if (co_await stream.write(all.first(all.size() / 3)) &&
      co_await stream.write(all.subspan(all.size() / 3))) {
    (void)co_await stream.close_write();
  }
}

rt::Co<void> swallow(rt::Stream& stream) {
  Bytes buffer(512);
  for (auto count = co_await stream.read_some(buffer); count && *count > 0;
       count = co_await stream.read_some(buffer)) {
  }
}

rt::Co<void> serve(std::unique_ptr<rt::Stream> stream, UpgradeContext context) {
  auto upgraded = co_await upgrade_server(std::move(stream), Secure::no, context);
  if (!upgraded) {
    co_return;
  }
  Bytes buffer(100);
  for (auto count = co_await (*upgraded)->read_some(buffer); count && *count > 0;
       count = co_await (*upgraded)->read_some(buffer)) {
    if (!co_await (*upgraded)->write(BytesView(buffer).first(*count))) {
      co_return;
    }
  }
  (void)co_await (*upgraded)->close_write();
}

rt::Co<void> run(rt::sim::Node& node, Bytes bytes) {
  auto [near, far] = rt::sim::make_stream_pair(node.loop());
  rt::TaskGroup tasks(node.loop());
  tasks.spawn("attack", attack(*near, std::move(bytes)));
  tasks.spawn("swallow", swallow(*near));
  co_await serve(std::move(far), {.loop = node.loop(), .rng = node.rng()});
  near->reset();
  co_await tasks.stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  Bytes bytes;
  if ((data[0] & 1) == 0) {
    bytes = to_bytes(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  }
  append(bytes, BytesView(data + 1, size - 1));
  rt::sim::World world(1);
  auto& node = world.add_node("a");
  world.run(run(node, std::move(bytes)));
  return 0;
}
