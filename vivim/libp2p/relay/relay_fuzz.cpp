#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/relay/relay.hpp"
#include "vivim/libp2p/relay/relay_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::relay;
using namespace vivim::libp2p::relay::test;
namespace record = vivim::libp2p::record;

namespace {

const std::vector<PeerId>& peers() {
  static const std::vector<PeerId> k_peers = [] {
    std::vector<PeerId> all;
    for (std::uint32_t i = 0; i < 8; ++i) {
      all.push_back(peer(i));
    }
    return all;
  }();
  return k_peers;
}

void check(const Relay& relay) {
  const auto stats = relay.stats();
  const auto& limits = relay.limits();
  if (stats.reservations > limits.reservations_max || stats.circuits > limits.circuits_max ||
      stats.bytes > stats.circuits_opened * 2 * *limits.circuit_bytes_max) {
    std::abort();
  }
}

}  // namespace

// Any order of requests, answers, bytes, disconnections and times keeps the relay within its
// limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const record::Signer k_signer = record::Signer::of(key_pair(0));
  Relay relay(k_signer,
              {.reservations_max = 3,
               .reservations_per_ip_max = 2,
               .circuits_max = 4,
               .circuits_per_peer_max = 2,
               .circuit_bytes_max = 300},
              {});
  Now now{.time = std::chrono::hours(1), .unix_s = 1'700'000'000};
  std::vector<CircuitId> asked;
  std::vector<CircuitId> open;
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const auto& who = peers()[data[i + 1] % 8];
    const auto& whom = peers()[data[i + 1] / 8 % 8];
    const Caller caller{
        .peer = who,
        .remote = Multiaddr::from_tcp("10.0.0." + std::to_string(data[i + 1] % 3), 1).value(),
        .via = data[i + 1] >= 0xf0 ? Caller::Via::relayed : Caller::Via::direct};
    switch (data[i] % 8) {
      case 0:
        (void)relay.on_hop(caller, reserve_message(), {}, now);
        break;
      case 1: {
        const auto action = relay.on_hop(caller, connect_message(whom), {}, now);
        if (const auto* forward = std::get_if<Forward>(&action)) {
          asked.push_back(forward->circuit);
        }
        break;
      }
      case 2:
        if (!asked.empty()) {
          const auto status = data[i + 1] % 2 == 0 ? Status::ok : Status::permission_denied;
          if (relay.on_stop(asked.back(), stop_status(status), now.time).status == Status::ok) {
            open.push_back(asked.back());
          }
          asked.pop_back();
        }
        break;
      case 3:
        if (!open.empty()) {
          (void)relay.pass(open[data[i + 1] % open.size()],
                           data[i + 1] % 2 == 0 ? Side::source : Side::target, data[i + 1]);
        }
        break;
      case 4:
        if (!open.empty()) {
          relay.end(open.back());
          open.pop_back();
        }
        break;
      case 5:
        relay.on_disconnected(who);
        break;
      case 6:
        now.time += std::chrono::seconds(data[i + 1]);
        for (const auto id : relay.on_time(now.time)) {
          relay.end(id);
        }
        break;
      default:
        if (relay.begin_request(who, now.time)) {
          relay.end_request(who);
        }
    }
    check(relay);
  }
  return 0;
}
