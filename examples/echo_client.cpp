// Says something to an echo server and prints the answer: echo_client ADDRESS/p2p/ID TEXT
#include <cstdio>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/rt/asio/loop.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/rng.hpp"
using namespace vivim;

rt::Co<Result<Bytes>> ask(libp2p::Host& host, std::string address, std::string text) {
  VIVIM_CO_TRY(auto parsed, libp2p::Multiaddr::parse(address));
  VIVIM_CO_TRY(const auto peer, co_await host.connect(std::move(parsed)));
  const std::vector<std::string> protocols{"/echo/1.0.0"};
  VIVIM_CO_TRY(auto opened, co_await host.open_stream(peer, protocols));
  VIVIM_CO_TRYV(co_await opened.stream->write(as_bytes(text)));
  VIVIM_CO_TRYV(co_await opened.stream->close_write());
  Bytes answer(text.size());
  VIVIM_CO_TRYV(co_await rt::read_exactly(*opened.stream, answer));
  co_return answer;
}

int main(int count, char** words) {
  if (count != 3) {
    return 2;
  }
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network(loop);
  rt::asio_::SystemRng rng;
  const auto key = crypto::KeyPair::generate([&](MutableBytes out) { rng.fill(out); });
  libp2p::Host host({.key = key, .agent = "echo"}, loop, network, rng);
  const auto answer = loop.run(ask(host, words[1], words[2]));
  loop.run(host.stop());
  std::puts(answer ? std::string(as_text(*answer)).c_str() : answer.error().message().c_str());
  return answer ? 0 : 1;
}
