// A router among peers that do anything, with time passing: its tables stay within their limits,
// its frames can be read, and when all have gone nothing is left.
#include <array>
#include <cstddef>
#include <cstdint>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/gossipsub/router.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;

namespace {

constexpr std::size_t k_peers = 4;
constexpr std::array<std::string_view, 3> k_topics{"a", "b", "c"};

struct Input {
  BytesView in;

  bool empty() const { return in.empty(); }
  std::uint8_t byte() {
    if (in.empty()) {
      return 0;
    }
    const std::uint8_t value = in[0];
    in = in.subspan(1);
    return value;
  }
  BytesView bytes(std::size_t size) {
    const BytesView some = in.first(std::min(size, in.size()));
    in = in.subspan(some.size());
    return some;
  }
};

PeerId peer_of(std::uint8_t number) {
  return PeerId::of(crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, number))));
}

RouterOptions options() {
  RouterOptions made;
  made.policy = SignaturePolicy::strict_no_sign;
  made.mesh.d = 2;
  made.mesh.d_low = 2;
  made.mesh.d_high = 3;
  made.mesh.d_score = 1;
  made.mesh.d_out = 1;
  made.mesh.do_px = true;
  made.limits.topics_per_peer_max = 4;
  made.limits.topics_of_peers_max = 6;
  made.limits.seen_max = 20;
  made.limits.waiting_per_topic_max = 3;
  made.limits.backoffs_per_topic_max = 2;
  made.limits.queue = {.control_bytes_max = 500, .own_bytes_max = 500, .forward_bytes_max = 500};
  return made;
}

struct World {
  World() : router(self(), options(), rng, now) {}

  static const PeerId& self() {
    static const PeerId k_self = peer_of(1);
    return k_self;
  }
  static const PeerId& id(std::size_t number) {
    static const std::array<PeerId, k_peers> k_ids{peer_of(2), peer_of(3), peer_of(4), peer_of(5)};
    return k_ids[number];
  }

  void toggle(std::size_t number, std::uint8_t how) {
    if (const auto index = router.find_peer(id(number))) {
      router.remove_peer(*index, now);
      return;
    }
    router.add_peer(id(number), {.protocol = static_cast<Protocol>(how % 5),
                                 .outbound = (how & 0x10U) != 0,
                                 .addresses = {"one"}});
  }
  void step(Input& input) {
    const std::uint8_t what = input.byte();
    const std::size_t number = (what >> 4U) % k_peers;
    const std::string_view topic = k_topics[(what >> 4U) % k_topics.size()];
    switch (what % 9) {
      case 0:
        return toggle(number, input.byte());
      case 1:
        now += std::chrono::milliseconds(100 * input.byte());
        return router.on_deadline(now);
      case 2:
        return (void)router.subscribe(topic,
                                      {.validate = (what & 0x80U) != 0,
                                       .partial = static_cast<PartialMode>(input.byte() % 3)},
                                      now);
      case 3:
        return router.unsubscribe(topic, now);
      case 4:
        return (void)router.publish(topic, input.bytes(input.byte()), now);
      case 5:
        return validate(static_cast<Verdict>(input.byte() % 3));
      case 6:
        return (void)router.publish_partial(topic, input.bytes(2));
      case 7:
        return (what & 0x80U) != 0 ? router.add_explicit_peer(id(number))
                                   : router.remove_explicit_peer(id(number));
      default:
        if (const auto index = router.find_peer(id(number))) {
          (void)router.receive(*index, input.bytes(input.byte()), now);
        }
    }
  }
  void validate(Verdict verdict) {
    if (!waiting.empty()) {
      (void)router.validated(waiting.back(), verdict, now);
      waiting.pop_back();
    }
  }
  void settle(bool read) {
    while (const auto event = router.poll_event()) {
      if (const auto* judge = std::get_if<ToValidate>(&*event)) {
        waiting.push_back(judge->message->key());
      }
    }
    while (const auto index = router.next_writable()) {
      Bytes out;
      while (read && router.take_output(*index, out, 100)) {
      }
      check_frames(out);
    }
  }
  void check_frames(BytesView frames) {
    while (!frames.empty()) {
      const auto size = decode_varint(frames);
      VIVIM_ASSERT(size && size->size + size->value <= frames.size());
      VIVIM_ASSERT(wire::decode(frames.subspan(size->size, size->value), rpc).has_value());
      frames = frames.subspan(size->size + size->value);
    }
  }
  void check_limits() const {
    VIVIM_ASSERT(router.seen() <= 20);
    VIVIM_ASSERT(router.waiting() <= 9);
    VIVIM_ASSERT(router.topics(true).size() <= k_topics.size() + 6);
    for (const std::string_view topic : k_topics) {
      VIVIM_ASSERT(router.backoffs(topic) <= 2);
      VIVIM_ASSERT(router.mesh_peers(topic).size() <= router.topic_peers(topic).size());
    }
  }

  rt::sim::SeededRng rng{5};
  rt::TimePoint now{std::chrono::hours(1)};
  Router router;
  std::vector<MessageKey> waiting;
  wire::Rpc rpc;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  World world;
  for (Input input{BytesView(data, size)}; !input.empty();) {
    const bool read = (input.byte() & 1U) != 0;
    world.step(input);
    world.settle(read);
    world.check_limits();
  }
  while (!world.waiting.empty()) {
    world.validate(Verdict::ignore);
  }
  for (const std::string_view topic : k_topics) {
    world.router.unsubscribe(topic, world.now);
  }
  for (std::size_t i = 0; i < k_peers; ++i) {
    if (const auto index = world.router.find_peer(World::id(i))) {
      world.router.remove_peer(*index, world.now);
    }
  }
  world.settle(true);
  // A backoff may be as long as an hour.
  for (int i = 0; i < 4; ++i) {
    world.now += std::chrono::hours(1);
    world.router.on_deadline(world.now);
  }
  VIVIM_ASSERT(world.router.topics(true).empty());
  VIVIM_ASSERT(world.router.peers() == 0);
  return 0;
}
