// Sends back what comes: echo_server [ADDRESS] prints where it can be dialled, until SIGINT.
#include <csignal>
#include <cstdio>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
using namespace vivim;

rt::Co<void> echo(libp2p::InboundStream inbound) {
  Bytes buffer(16 * 1024);
  auto count = co_await inbound.stream->read_some(buffer);
  for (; count && *count > 0; count = co_await inbound.stream->read_some(buffer)) {
    if (!co_await inbound.stream->write(BytesView(buffer).first(*count))) {
      co_return;
    }
  }
  (void)co_await inbound.stream->close_write();
}

int main(int count, char** words) {
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  rt::asio_::SystemRng rng;
  const auto key = crypto::KeyPair::generate([&](MutableBytes out) { rng.fill(out); });
  libp2p::Host host({.key = key, .agent = "echo"}, loop, network, rng);
  const auto at = libp2p::Multiaddr::parse(count > 1 ? words[1] : "/ip4/127.0.0.1/tcp/0");
  if (!at || !host.handle("/echo/1.0.0", echo) || !host.listen(*at)) {
    return 1;
  }
  for (const auto& address : host.listen_addresses()) {
    std::puts(address.to_string().c_str());
  }
  std::fflush(stdout);
  rt::asio_::Signals signals(loop, {SIGINT, SIGTERM});
  (void)loop.run(signals.next());
  loop.run(host.stop());
}
