#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/dcutr/punch.hpp"

using namespace vivim;
using namespace vivim::libp2p::dcutr;

// Messages in any order: what is dialled is within the limits, and only after the right ones.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Multiaddr> k_own{Multiaddr::parse("/ip4/1.2.3.4/tcp/4001").value()};
  Initiator initiator;
  Responder responder;
  Time now{};
  BytesView in(data, size);
  while (in.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(in[0], in.size() - 1);
    const auto message = decode(in.subspan(1, length));
    now += std::chrono::milliseconds(in[0]);
    in = in.subspan(1 + length);
    if (!message) {
      if (initiator.more()) {
        (void)initiator.begin(k_own, now);
      }
      continue;
    }
    if (decode(encode(*message)).value() != *message) {
      std::abort();
    }
    if (initiator.on_message(*message, now)) {
      if (initiator.addresses().empty() || initiator.sync(now).type != Message::Type::sync ||
          initiator.dial_at() < now) {
        std::abort();
      }
    }
    (void)responder.on_message(*message, k_own);
    if (initiator.addresses().size() > k_dialled_addresses_max ||
        responder.addresses().size() > k_dialled_addresses_max ||
        (responder.synced() && responder.addresses().empty())) {
      std::abort();
    }
  }
  return 0;
}
