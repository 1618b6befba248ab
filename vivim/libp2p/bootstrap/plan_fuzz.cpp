#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/bootstrap/plan.hpp"

using namespace vivim;
using namespace vivim::libp2p::bootstrap;

namespace {

constexpr std::uint8_t k_peers = 6;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

const std::vector<Multiaddr>& addresses() {
  static const std::vector<Multiaddr> k_all = [] {
    std::vector<Multiaddr> all;
    for (std::uint8_t i = 0; i < k_peers; ++i) {
      const auto peer = PeerId::of(crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, i))));
      all.push_back(Multiaddr::parse("/ip4/1.2.3.4/tcp/1").value().with_peer(peer).value());
    }
    return all;
  }();
  return k_all;
}

}  // namespace

// However peers accept, refuse, and close: none is dialled twice at once, none in a loop.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Config config{.connections_min = 3, .dials_max = 2, .seed = size};
  Plan plan(config);
  for (const Multiaddr& address : addresses()) {
    require(plan.add(address).has_value());
  }
  std::set<PeerId> dialling;
  std::set<PeerId> connected;
  std::map<PeerId, rt::TimePoint> ended;
  rt::TimePoint now{std::chrono::hours(1)};
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const std::uint8_t value = data[i + 1];
    now += std::chrono::milliseconds(std::int64_t{value} * value);
    const PeerId peer = addresses()[value % k_peers].peer().value();
    if (data[i] % 4 == 0) {
      const auto target = plan.next(now, connected.size(),
                                    [&](const PeerId& each) { return connected.contains(each); });
      if (target) {
        require(dialling.insert(target->peer).second && dialling.size() <= config.dials_max);
        const auto before = ended.find(target->peer);
        require(before == ended.end() || now - before->second >= config.retry_min / 2);
      }
    } else if (data[i] % 4 == 1 && dialling.erase(peer) > 0) {
      plan.succeeded(peer, now);
      connected.insert(peer);
      ended[peer] = now;
    } else if (data[i] % 4 == 2 && dialling.erase(peer) > 0) {
      plan.failed(peer, now);
      ended[peer] = now;
    } else if (data[i] % 4 == 3) {
      connected.erase(peer);
      plan.disconnected(peer, now);
    }
    require(plan.dialling() == dialling.size());
    const auto next = plan.next_deadline(now);
    require(!next || *next > now);
  }
  return 0;
}
