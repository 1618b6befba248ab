// A mesh that sybils filled and that brings nothing: what a router does about it (the scenarios
// attack-dawn, attack-cold-boot).
#include "vivim/libp2p/gossipsub/router_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

namespace {

constexpr std::uint8_t k_author = 99;
constexpr std::uint8_t k_other = 40;

Bytes id_of(std::uint64_t seqno) {
  Bytes id = to_bytes(peer_of(k_author).bytes());
  id.resize(id.size() + sizeof seqno);
  store_be64(MutableBytes(id).last(sizeof seqno), seqno);
  return id;
}

/// A router whose mesh is full of peers that dialled it, as long as it takes to call them idle.
struct Beset : Bench {
  Beset() {
    REQUIRE(router.subscribe("t", {}, now));
    for (std::uint8_t i = 2; i < 14; ++i) {
      sybils.push_back(add_in(i, "t"));
    }
    CHECK(router.mesh_peers("t").size() == 12);
    now += router.options().mesh.idle_time;
  }

  /// Somebody in the topic who did not graft us.
  PeerIndex outside(PeerOptions options = {}) {
    const PeerIndex index = add(k_other, std::move(options));
    Bytes subscriptions;
    wire::append_subscription(subscriptions, {.topic = "t", .subscribe = true});
    REQUIRE(say(index, wire::frame(subscriptions, {})));
    (void)got(index);
    return index;
  }
  Result<void> iwant(PeerIndex from, std::uint64_t seqno) {
    const Bytes id = id_of(seqno);
    Bytes fields;
    wire::append_iwant(fields, std::array{BytesView(id)});
    return control(from, fields);
  }
  Result<void> bring(PeerIndex from, std::uint64_t seqno) {
    return say(from, message(k_author, seqno, "t", "hello"));
  }
  bool meshed() const {
    const auto mesh = router.mesh_peers("t");
    return std::ranges::find(mesh, peer_of(k_other)) != mesh.end();
  }

  std::vector<PeerIndex> sybils;
};

}  // namespace

TEST_CASE(
    "silent mesh: who brings what had to be asked for comes in, for one that brought nothing") {
  Beset bench;
  const PeerIndex other = bench.outside();
  REQUIRE(bench.ihave(other, "t", {id_of(1)}));
  CHECK(bench.got(other).iwant.size() == 1);
  REQUIRE(bench.bring(other, 1));
  CHECK(bench.got(other).graft.size() == 1);
  CHECK(bench.meshed());
  CHECK(bench.router.mesh_peers("t").size() == 12);
  CHECK(bench.router.stats().repairs == 1);
}

TEST_CASE("silent mesh: who brings what was not asked for does not come in") {
  Beset bench;
  const PeerIndex other = bench.outside();
  REQUIRE(bench.bring(other, 1));
  CHECK(bench.router.stats().repairs == 0);
  CHECK_FALSE(bench.meshed());
}

TEST_CASE("silent mesh: repairs are few in a heartbeat, and none within the backoff") {
  Beset bench;
  const PeerIndex other = bench.outside();
  REQUIRE(bench.graft(other, "t"));  // refused: it has brought nothing
  CHECK(bench.got(other).prune.size() == 1);
  REQUIRE(bench.ihave(other, "t", {id_of(1)}));
  REQUIRE(bench.bring(other, 1));
  CHECK(bench.router.stats().repairs == 0);

  Beset many;
  for (std::uint8_t i = 0; i < 6; ++i) {
    const PeerIndex peer = many.add(static_cast<std::uint8_t>(50 + i));
    Bytes subscriptions;
    wire::append_subscription(subscriptions, {.topic = "t", .subscribe = true});
    REQUIRE(many.say(peer, wire::frame(subscriptions, {})));
    REQUIRE(many.ihave(peer, "t", {id_of(i)}));
    REQUIRE(many.bring(peer, i));
  }
  CHECK(many.router.stats().repairs == many.router.options().mesh.repairs);
}

TEST_CASE("silent mesh: members that brought something, or came just now, stay") {
  Beset bench;
  std::uint64_t seqno = 100;
  for (const PeerIndex sybil : bench.sybils) {
    REQUIRE(bench.bring(sybil, ++seqno));
  }
  const PeerIndex other = bench.outside();
  REQUIRE(bench.ihave(other, "t", {id_of(1)}));
  REQUIRE(bench.bring(other, 1));
  CHECK_FALSE(bench.meshed());

  Beset young;
  young.now -= 1s;
  const PeerIndex late = young.outside();
  REQUIRE(young.ihave(late, "t", {id_of(1)}));
  REQUIRE(young.bring(late, 1));
  CHECK_FALSE(young.meshed());
}

TEST_CASE("silent mesh: who had to ask gets what follows, and may graft a full mesh") {
  Beset bench;
  const PeerIndex other = bench.outside();
  REQUIRE(bench.bring(bench.sybils[0], 1));
  CHECK(bench.got(other).publish.empty());
  REQUIRE(bench.iwant(other, 1));
  CHECK(bench.got(other).publish.size() == 1);
  REQUIRE(bench.bring(bench.sybils[0], 2));
  CHECK(bench.got(other).publish.size() == 1);  // unasked
  bench.beat(bench.router.options().mesh.push_ticks + 1);
  (void)bench.got(other);
  REQUIRE(bench.bring(bench.sybils[0], 3));
  CHECK(bench.got(other).publish.empty());

  REQUIRE(bench.iwant(other, 3));
  REQUIRE(bench.graft(other, "t"));
  CHECK(bench.meshed());
  CHECK(bench.router.mesh_peers("t").size() <= 12);
}

TEST_CASE("silent mesh: messages of one's own buy no place, those of others few in a heartbeat") {
  Beset bench;
  const auto changed = [&bench] {
    const auto mesh = bench.router.mesh_peers("t");
    return std::ranges::count_if(mesh, [](const PeerId& peer) {
      for (std::uint8_t i = 2; i < 14; ++i) {
        if (peer == peer_of(i)) {
          return false;
        }
      }
      return true;
    });
  };
  const auto arrive = [&bench](std::uint8_t number) {
    const PeerIndex index = bench.add(number);
    Bytes subscriptions;
    wire::append_subscription(subscriptions, {.topic = "t", .subscribe = true});
    REQUIRE(bench.say(index, wire::frame(subscriptions, {})));
    return index;
  };
  for (std::uint8_t i = 50; i < 62; ++i) {
    const PeerIndex index = arrive(i);
    REQUIRE(bench.say(index, Bench::message(i, 1, "t", "look at me")));
    REQUIRE(bench.graft(index, "t"));
  }
  CHECK(changed() == 0);
  // Nor when they have us ask for them.
  const PeerIndex asked = arrive(62);
  Bytes own = to_bytes(peer_of(62).bytes());
  own.resize(own.size() + 8);
  store_be64(MutableBytes(own).last(8), 1);
  REQUIRE(bench.ihave(asked, "t", {own}));
  REQUIRE(bench.say(asked, Bench::message(62, 1, "t", "look at me")));
  CHECK(changed() == 0);
  for (std::uint8_t i = 70; i < 82; ++i) {
    const PeerIndex index = arrive(i);
    REQUIRE(bench.bring(index, i));
    REQUIRE(bench.graft(index, "t"));
  }
  CHECK(changed() == 3);
  CHECK(bench.router.mesh_peers("t").size() == 12);
}

TEST_CASE("silent mesh: as many get what they did not ask for as the mesh shall have members") {
  Beset bench;
  REQUIRE(bench.bring(bench.sybils[0], 1));
  std::vector<PeerIndex> askers;
  for (std::uint8_t i = 0; i < 30; ++i) {
    askers.push_back(bench.add(static_cast<std::uint8_t>(50 + i)));
    Bytes subscriptions;
    wire::append_subscription(subscriptions, {.topic = "t", .subscribe = true});
    REQUIRE(bench.say(askers.back(), wire::frame(subscriptions, {})));
    REQUIRE(bench.iwant(askers.back(), 1));
    CHECK(bench.got(askers.back()).publish.size() == 1);
  }
  REQUIRE(bench.bring(bench.sybils[0], 2));
  std::size_t pushed = 0;
  for (const PeerIndex asker : askers) {
    pushed += bench.got(asker).publish.size();
  }
  CHECK(pushed == bench.router.options().mesh.d);
}

TEST_CASE("silent mesh: those that we dialled get all, where their meshes refuse us") {
  Beset bench;
  const PeerIndex other = bench.outside({.outbound = true});
  bench.beat();
  CHECK(bench.got(other).graft.size() == 1);
  Bytes refusal;
  wire::append_prune(refusal, "t", {}, 60);
  REQUIRE(bench.control(other, refusal));
  CHECK_FALSE(bench.meshed());
  bench.beat();
  REQUIRE(bench.bring(bench.sybils[0], 1));
  REQUIRE(bench.bring(bench.sybils[1], 2));
  (void)bench.router.mesh_peers("t");
  CHECK(bench.got(other).publish.size() == 2);
}
