// Reservations and handshakes in any order: nothing is ever above its limit, and nothing is left
// when all is given back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/limits/half_open.hpp"
#include "vivim/libp2p/limits/resource_manager.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::limits;

namespace {

constexpr std::size_t k_handshakes_max = 4;
const Bytes k_address{203, 0, 113, 1};

const std::vector<multiformats::PeerId>& peers() {
  static const std::vector<multiformats::PeerId> k_peers{
      multiformats::PeerId::parse("12D3KooWGzBTrhbh3cCCsBHfkZpKBKFgLvmRRY7Cmi1DDNbqyFzB").value(),
      multiformats::PeerId::parse("12D3KooWJ1TsijH7H5F74hfAD5XishQz3sxrmAtVY37GtNd9CqYf").value()};
  return k_peers;
}

Limits small() {
  return {.system = {.memory_bytes = 1000, .file_descriptors = 5, .connections = 6, .streams = 8},
          .transient = {.connections_inbound = 2, .streams = 4},
          .peer = {.connections = 3, .streams_inbound = 3},
          .protocol = {.streams = 5},
          .address = {.memory_bytes = 400, .connections_inbound = 2}};
}

/// A reservation, and what it counts against already.
struct Held {
  Reservation reservation;
  bool peer = false;
  bool protocol = false;
};

void check(const ResourceManager& manager) {
  const auto& used = manager.system();
  VIVIM_ASSERT(used.memory_bytes <= 1000 && used.file_descriptors <= 5);
  VIVIM_ASSERT(used.connections[0] + used.connections[1] <= 6);
  VIVIM_ASSERT(used.streams[0] + used.streams[1] <= 8);
  VIVIM_ASSERT(manager.transient().connections[0] <= 2);
  VIVIM_ASSERT(manager.of(k_address).connections[0] <= 2 &&
               manager.of(k_address).memory_bytes <= 400);
  for (const auto& peer : peers()) {
    const auto of = manager.of(peer);
    VIVIM_ASSERT(of.connections[0] + of.connections[1] <= 3 && of.streams[0] <= 3);
  }
}

void reserve(BytesView in) {
  ResourceManager manager(small());
  std::vector<Held> held;
  const auto keep = [&](Result<Reservation> made, bool peer) {
    if (made) {
      held.push_back({.reservation = std::move(*made), .peer = peer});
    }
  };
  for (std::size_t i = 0; i + 1 < in.size(); i += 2) {
    const auto& peer = peers()[in[i + 1] % 2];
    const auto side = in[i + 1] & 2 ? Direction::inbound : Direction::outbound;
    Held* const one = held.empty() ? nullptr : &held[in[i + 1] % held.size()];
    if (in[i] % 8 == 0) {
      const bool counts = side == Direction::inbound && (in[i + 1] & 4) != 0;
      keep(manager.open_connection(side, in[i + 1] % 3, in[i + 1],
                                   counts ? std::optional(k_address) : std::nullopt),
           false);
    } else if (in[i] % 8 == 1) {
      keep(manager.open_stream(side, peer), true);
    } else if (one != nullptr) {
      switch (in[i] % 8) {
        case 2:
          one->peer = one->peer || one->reservation.assign_peer(peer).has_value();
          break;
        case 3:
          one->protocol =
              one->protocol ||
              one->reservation.assign_protocol("/p/" + std::to_string(in[i + 1] % 3)).has_value();
          break;
        case 4:
          (void)one->reservation.grow(in[i + 1]);
          break;
        case 5:
          one->reservation.shrink(
              std::min<std::uint64_t>(one->reservation.amount().memory_bytes, in[i + 1]));
          break;
        default:
          held.erase(held.begin() + (one - held.data()));
      }
    }
    check(manager);
  }
  held.clear();
  VIVIM_ASSERT(manager.system().empty() && manager.transient().empty());
}

void shake_hands(BytesView in) {
  HalfOpen half_open;
  std::vector<HalfOpen::Id> ids;
  HalfOpen::Time now{};
  for (const auto byte : in) {
    now += std::chrono::milliseconds(10 * byte);
    const auto from =
        multiformats::Multiaddr::from_tcp("10.0.0." + std::to_string(byte % 4), 1).value();
    if (byte >= 0xc0 && !ids.empty()) {
      half_open.end(ids[byte % ids.size()]);
      ids.erase(ids.begin() + byte % static_cast<int>(ids.size()));
    } else if (ids.size() < k_handshakes_max) {
      ids.push_back(half_open.begin(from, now));
    } else if (const auto victim = half_open.to_make_room(from, now)) {
      VIVIM_ASSERT(std::erase(ids, *victim) == 1);
      half_open.end(*victim);
      ids.push_back(half_open.begin(from, now));
    }
    VIVIM_ASSERT(half_open.size() == ids.size() && ids.size() <= k_handshakes_max);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reserve({data, size});
  shake_hands({data, size});
  return 0;
}
