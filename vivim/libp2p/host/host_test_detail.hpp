#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/world.hpp"

namespace vivim::libp2p::test {

inline constexpr std::uint16_t k_port = 4001;
inline constexpr std::string_view k_echo = "/vivim/test/echo/1";

inline rt::Co<void> echo(InboundStream inbound) {
  Bytes buffer(std::size_t{16} * 1024);
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

/// A host on a simulated node that listens, echoes, and remembers what happened.
struct TestHost {
  explicit TestHost(rt::sim::Node& node_, HostLimits limits = {}, HostTimes times = {},
                    std::optional<limits::Limits> resources = {})
      : node(node_),
        key(crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })),
        host({.key = key,
              .agent = "test/" + node_.name(),
              .limits = limits,
              .times = times,
              .resources = resources},
             node.loop(), node.network(), node.rng()),
        subscription(host.subscribe([this](const HostEvent& event) { events.push_back(event); })) {
    CHECK(host.handle(std::string(k_echo), echo));
    address = host.listen(Multiaddr::parse("/ip4/" + node.ip().to_string() + "/tcp/4001").value())
                  .value()
                  .with_peer(host.peer_id())
                  .value();
  }

  std::size_t count(HostEvent::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(events, kind, &HostEvent::kind));
  }
  const HostEvent* last(HostEvent::Kind kind) const {
    const auto found = std::find_if(events.rbegin(), events.rend(),
                                    [kind](const HostEvent& event) { return event.kind == kind; });
    return found == events.rend() ? nullptr : &*found;
  }

  rt::sim::Node& node;
  crypto::KeyPair key;
  Host host;
  std::vector<HostEvent> events;
  Subscription subscription;
  Multiaddr address;
};

inline rt::Co<Result<OpenedStream>> open_echo(Host& host, PeerId peer) {
  const std::vector<std::string> protocols{std::string(k_echo)};
  co_return co_await host.open_stream(peer, protocols);
}

inline rt::Co<Result<Bytes>> read_to_end(rt::Stream& stream) {
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

inline rt::Co<void> write_and_close(rt::Stream& stream, const Bytes& bytes) {
  if (co_await stream.write(bytes)) {
    (void)co_await stream.close_write();
  }
}

/// Sends `bytes` through the peer's echo and returns what comes back.
inline rt::Co<Result<Bytes>> echo_once(Host& host, rt::Loop& loop, PeerId peer, Bytes bytes) {
  VIVIM_CO_TRY(auto opened, co_await open_echo(host, peer));
  rt::TaskGroup tasks(loop);
  rt::Stream* const raw = opened.stream.get();
  tasks.on_stop([raw] { raw->reset(0); });
  tasks.spawn("write", write_and_close(*opened.stream, bytes));
  auto answer = co_await read_to_end(*opened.stream);
  co_await tasks.stop();
  co_return answer;
}

}  // namespace vivim::libp2p::test
