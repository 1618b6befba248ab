// Peers that misuse gossip: IHAVE, IWANT and IDONTWANT.
#include "vivim/libp2p/gossipsub/router_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

TEST_CASE("hostile: IHAVE of one peer is heard so often, and asks for so many ids") {
  RouterOptions options;
  options.limits.ihave_ids_max = 100;
  Bench bench(options);
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  REQUIRE(bench.ihave(peer, "t", made_up_ids(80)));
  REQUIRE(bench.ihave(peer, "t", made_up_ids(80, 1000)));
  REQUIRE(bench.ihave(peer, "t", made_up_ids(80, 2000)));
  CHECK(bench.router.stats().iwant_sent == 100);
  for (int i = 0; i < 17; ++i) {
    REQUIRE(bench.ihave(peer, "t", made_up_ids(1, 3000)));
  }
  CHECK(bench.router.score(peer) == 0);
  for (int i = 0; i < 10; ++i) {
    REQUIRE(bench.ihave(peer, "t", made_up_ids(1, 3000)));
  }
  CHECK(bench.router.score(peer) < 0);
  CHECK(bench.router.stats().iwant_sent == 100);
}

TEST_CASE("hostile: a peer may tell of each of its topics by itself, as rust does") {
  Bench bench;
  const PeerIndex peer = bench.add(2);
  for (int i = 0; i < 30; ++i) {
    REQUIRE(bench.router.subscribe("topic " + std::to_string(i), {}, bench.now));
  }
  REQUIRE(bench.say(peer, subscriptions(30, "topic ")));
  for (std::uint64_t i = 0; i < 30; ++i) {
    REQUIRE(bench.ihave(peer, "topic " + std::to_string(i), made_up_ids(1, i)));
  }
  CHECK(bench.router.score(peer) == 0);
  CHECK(bench.router.stats().iwant_sent == 30);
  for (int i = 0; i < 35; ++i) {
    REQUIRE(bench.ihave(peer, "topic 0", made_up_ids(1)));
  }
  CHECK(bench.router.score(peer) < 0);
}

TEST_CASE("hostile: so many ids of gossip are looked at in a heartbeat, however they come") {
  RouterOptions options;
  options.limits.ihave_heard_max = 100;
  Bench bench(options);
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  for (std::uint64_t i = 0; i < 5; ++i) {
    REQUIRE(bench.ihave(peer, "t", made_up_ids(30, 100 * i)));
  }
  CHECK(bench.router.stats().ihave_ids == 100);
  bench.beat();
  REQUIRE(bench.ihave(peer, "t", made_up_ids(30, 1000)));
  CHECK(bench.router.stats().ihave_ids == 130);
}

TEST_CASE("hostile: promises of gossip that are not kept cost the score") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  for (int i = 0; i < 4; ++i) {
    REQUIRE(bench.ihave(peer, "t", made_up_ids(5, static_cast<std::uint64_t>(10 * i))));
    bench.beat();
  }
  CHECK(bench.got(peer).iwant.size() == 20);
  CHECK(bench.router.stats().promises_broken < 4);
  bench.beat(4);
  CHECK(bench.router.stats().promises_broken == 4);
  CHECK(bench.router.score(peer) < 0);
  // One that is kept costs nothing, whoever keeps it.
  const PeerIndex honest = bench.add_in(3, "t");
  const Bytes frame = Bench::message(9, 7, "t", "hello");
  REQUIRE(bench.ihave(honest, "t", made_up_ids(1, 7)));
  REQUIRE(bench.say(peer, frame));
  bench.beat(5);
  CHECK(bench.router.stats().promises_broken == 4);
}

TEST_CASE("hostile: to go and come again helps neither against misdeeds nor with promises") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  PeerIndex peer = bench.add_in(2, "t");
  for (std::uint64_t i = 0; i < 3; ++i) {
    REQUIRE(bench.ihave(peer, "t", made_up_ids(5, 10 * i)));
  }
  bench.router.remove_peer(peer, bench.now);
  CHECK(bench.router.stats().promises_broken == 3);
  peer = bench.add_in(2, "t");
  CHECK(bench.router.score(peer) == -10);
}

TEST_CASE("hostile: who tells of a message often takes no other's place") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex liar = bench.add_in(2, "t");
  const PeerIndex honest = bench.add_in(3, "t");
  const Bytes id = made_up_ids(1).front();
  REQUIRE(bench.ihave(liar, "t", {id, id, id}));
  REQUIRE(bench.ihave(liar, "t", {id}));
  CHECK(bench.got(liar).iwant.size() == 1);
  (void)bench.got(honest);
  REQUIRE(bench.ihave(honest, "t", {id}));
  CHECK(bench.got(honest).iwant.size() == 1);
}

TEST_CASE(
    "hostile: a place among those asked is free again when who has it goes, or broke a promise") {
  RouterOptions options;
  options.mesh.iwant_followup_time = 1s;
  Bench bench(options);
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const Bytes id = made_up_ids(1).front();
  std::vector<PeerIndex> liars;
  for (std::uint8_t i = 2; i < 5; ++i) {
    liars.push_back(bench.add_in(i, "t"));
    REQUIRE(bench.ihave(liars.back(), "t", {id}));
  }
  const PeerIndex first = bench.add_in(10, "t");
  const PeerIndex second = bench.add_in(11, "t");
  (void)bench.got(first);
  REQUIRE(bench.ihave(first, "t", {id}));
  CHECK(bench.got(first).iwant.empty());
  bench.router.remove_peer(liars[0], bench.now);
  REQUIRE(bench.ihave(first, "t", {id}));
  CHECK(bench.got(first).iwant.size() == 1);
  REQUIRE(bench.ihave(second, "t", {id}));
  (void)bench.got(second);
  bench.beat(2);
  CHECK(bench.router.stats().promises_broken >= 3);
  REQUIRE(bench.ihave(second, "t", {id}));
  CHECK(bench.got(second).iwant.size() == 1);
}

TEST_CASE("hostile: who was asked, and keeps another promise, has its place for three heartbeats") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const Bytes missing = made_up_ids(1).front();
  for (std::uint8_t i = 2; i < 5; ++i) {
    REQUIRE(bench.ihave(bench.add_in(i, "t"), "t", {missing}));
  }
  const PeerIndex honest = bench.add_in(10, "t");
  bench.beat(2);
  (void)bench.got(honest);
  REQUIRE(bench.ihave(honest, "t", {missing}));
  CHECK(bench.got(honest).iwant.empty());
  bench.beat();
  CHECK(bench.router.stats().promises_broken == 0);
  REQUIRE(bench.ihave(honest, "t", {missing}));
  CHECK(bench.got(honest).iwant.size() == 1);
}

TEST_CASE("hostile: a message is asked of three peers at most, and of one more that we dialled") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  for (std::uint8_t i = 2; i < 10; ++i) {
    REQUIRE(bench.ihave(bench.add_in(i, "t"), "t", made_up_ids(1)));
  }
  CHECK(bench.router.stats().iwant_sent == 3);
  for (std::uint8_t i = 10; i < 20; ++i) {
    REQUIRE(bench.ihave(bench.add_in(i, "t", {.outbound = true}), "t", made_up_ids(1)));
  }
  CHECK(bench.router.stats().iwant_sent == 4);
}

TEST_CASE("hostile: IWANT is served so often") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  const auto published = bench.router.publish("t", as_bytes("hello"), bench.now);
  bench.settle();
  (void)bench.got(peer);
  Bytes fields;
  const std::vector<BytesView> ids(100, published->message->id());
  wire::append_iwant(fields, ids);
  REQUIRE(bench.control(peer, fields));
  CHECK(bench.got(peer).publish.size() == 3);
}

TEST_CASE("hostile: GHSA-cwc9-cp4j-mcvv, GHSA-c3gv-825q-fvmp: lists of ids have limits") {
  RouterOptions options;
  options.limits.idontwant_ids_max = 10;
  Bench bench(options);
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex source = bench.add_in(2, "t");
  const PeerIndex greedy = bench.add_in(3, "t");
  std::vector<Bytes> ids = made_up_ids(1000, 500);
  Bytes fields;
  wire::append_idontwant(fields, views(ids));
  REQUIRE(bench.control(greedy, fields));
  (void)bench.got(greedy);
  for (std::uint64_t i = 0; i < 20; ++i) {
    REQUIRE(bench.say(source, Bench::message(9, 500 + i, "t", "hello")));
  }
  CHECK(bench.got(greedy).publish.size() == 10);
  CHECK(bench.router.stats().idontwant_heeded == 10);
  // Ids that are longer than any are not even looked at.
  const std::vector<Bytes> long_ids{Bytes(k_id_bytes_max + 1, 1)};
  REQUIRE(bench.ihave(greedy, "t", long_ids));
  CHECK(bench.router.stats().iwant_sent == 0);
}

TEST_CASE("hostile: ids that no message can have are not asked for, and are told of once") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex rust = bench.add_in(2, "t");
  const Bytes id = to_bytes(peer_of(9).to_string() + "12345");
  REQUIRE(bench.ihave(rust, "t", {id}));
  REQUIRE(bench.ihave(rust, "t", {id}));
  REQUIRE(bench.told.foreign.size() == 1);
  CHECK(bench.told.foreign[0].theirs == IdProfile::rust);
  CHECK(bench.told.foreign[0].id == id);
  CHECK(bench.router.stats().iwant_sent == 0);
}
