#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/autonat/session.hpp"

using namespace vivim;
using namespace vivim::libp2p::autonat;

// Messages in any order: a dial to a foreign address only follows its data, and a client believes
// only what it saw.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Multiaddr k_remote = Multiaddr::parse("/ip4/1.2.3.4/tcp/5").value();
  static const Multiaddr k_own = Multiaddr::parse("/ip4/1.2.3.4/tcp/4001").value();
  Limiter limiter({});
  ServerSession server({}, k_remote, k_dial_data_bytes_min);
  ClientSession client({k_own}, 7);
  std::uint64_t received = 0;
  Time now{};
  BytesView in(data, size);
  while (in.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(std::size_t{in[0]} * 20, in.size() - 1);
    const auto message = v2::decode(in.subspan(1, length));
    now += std::chrono::seconds(in[0]);
    in = in.subspan(1 + length);
    if (!message) {
      continue;
    }
    if (const auto* const piece = std::get_if<v2::DialDataResponse>(&*message)) {
      received += piece->bytes;
    }
    if (const auto action = server.on_message(*message, limiter, now); action && *action) {
      const auto* const dial = std::get_if<ServerSession::Dial>(&**action);
      if (dial != nullptr && (!dialable(dial->address, Scope::global) ||
                              (dial->foreign && received < k_dial_data_bytes_min) ||
                              (!dial->foreign && !same_ip(dial->address, k_remote)))) {
        std::abort();
      }
    }
    if (const auto next = client.on_message(*message)) {
      const auto* const finding = std::get_if<Finding>(&*next);
      if (finding != nullptr && finding->reachable) {
        std::abort();
      }
    }
  }
  return 0;
}
