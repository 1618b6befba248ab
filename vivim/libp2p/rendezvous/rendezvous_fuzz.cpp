// Requests of any kind at a registry: it stays below its limits, and its answers can be read.
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/rendezvous/client.hpp"
#include "vivim/libp2p/rendezvous/registry.hpp"

using namespace vivim;
using namespace vivim::libp2p::rendezvous;

namespace {

struct Sender {
  explicit Sender(std::uint8_t seed)
      : key(crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, seed)))),
        peer(PeerId::of(key)),
        record(seal_record(libp2p::record::Signer::of(key), 1, {},
                           seed % 2 == 0 ? RecordForm::deployed : RecordForm::legacy)) {}
  crypto::KeyPair key;
  PeerId peer;
  Bytes record;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::array<Sender, 3> k_senders{Sender(1), Sender(2), Sender(3)};
  constexpr std::size_t k_registrations_max = 5;
  Registry registry({.registrations_per_peer_max = 2, .registrations_max = k_registrations_max}, 9);
  rt::TimePoint now{std::chrono::hours(1)};
  for (BytesView in(data, size); in.size() >= 2;) {
    const Sender& sender = k_senders[in[0] % k_senders.size()];
    const bool own_record = (in[0] & 0x80) != 0;
    const std::size_t n = std::min<std::size_t>(in[1], in.size() - 2);
    auto message = decode(in.subspan(2, n));
    in = in.subspan(2 + n);
    now += std::chrono::minutes(1);
    if (!message) {
      continue;
    }
    VIVIM_ASSERT(decode(encode(*message)).has_value());
    if (auto* request = std::get_if<Register>(&*message)) {
      if (own_record) {
        request->record = sender.record;
      }
      (void)registry.add(sender.peer, *request, now);
    } else if (const auto* gone = std::get_if<Unregister>(&*message)) {
      registry.remove(sender.peer, *gone);
    } else if (const auto* wanted = std::get_if<Discover>(&*message)) {
      const auto answer = decode(encode(Message(registry.discover(*wanted, now))));
      VIVIM_ASSERT(answer.has_value());
      const auto& response = std::get<DiscoverResponse>(*answer);
      VIVIM_ASSERT(response.registrations.size() <= k_registrations_max);
      const auto read = read_response(response);
      VIVIM_ASSERT(!read || read->dropped == 0);
    } else if (const auto* told = std::get_if<DiscoverResponse>(&*message)) {
      (void)read_response(*told);
    }
    VIVIM_ASSERT(registry.registrations() <= k_registrations_max);
  }
  registry.expire(now + std::chrono::hours(100));
  VIVIM_ASSERT(registry.registrations() == 0);
  return 0;
}
