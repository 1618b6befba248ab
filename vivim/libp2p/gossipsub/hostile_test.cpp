// Peers that misuse the protocol: what they do costs bounded memory and their score.
#include "vivim/libp2p/gossipsub/router_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

namespace {

RouterOptions small_limits() {
  RouterOptions options;
  options.limits.topics_max = 3;
  options.limits.topics_per_peer_max = 10;
  options.limits.topics_of_peers_max = 15;
  options.limits.backoffs_per_topic_max = 4;
  options.limits.waiting_per_topic_max = 5;
  options.limits.waiting_bytes_per_topic_max = 10000;
  options.limits.seen_max = 50;
  options.limits.groups_per_topic_max = 6;
  options.limits.groups_per_peer_max = 4;
  return options;
}

}  // namespace

TEST_CASE(
    "hostile: GHSA-4f8r-922h-2vgv, GHSA-g3g5-x568-qvqx, go-libp2p-pubsub#705, #710: topics that a "
    "peer makes up are bounded, and go with it") {
  Bench bench(small_limits());
  const PeerIndex one = bench.add(2);
  const PeerIndex two = bench.add(3);
  REQUIRE(bench.say(one, subscriptions(1000, "a")));
  CHECK(bench.router.topics(true).size() == 10);
  REQUIRE(bench.say(two, subscriptions(1000, "b")));
  CHECK(bench.router.topics(true).size() == 15);
  CHECK(bench.router.stats().subscriptions_refused == 1985);
  bench.router.remove_peer(one, bench.now);
  bench.router.remove_peer(two, bench.now);
  CHECK(bench.router.topics(true).empty());
  // Neither a name without end nor none.
  const PeerIndex three = bench.add(4);
  Bytes fields;
  const std::string name(k_topic_bytes_max + 1, 'x');
  wire::append_subscription(fields, {.topic = name, .subscribe = true});
  wire::append_subscription(fields, {.topic = "", .subscribe = true});
  REQUIRE(bench.say(three, wire::frame(fields, {})));
  CHECK(bench.router.topics(true).empty());
  // Nor do messages, IHAVE, GRAFT, PRUNE and partial messages make topics.
  Bytes control;
  wire::append_graft(control, "x");
  wire::append_prune(control, "x", {}, 5);
  REQUIRE(bench.control(three, control));
  REQUIRE(bench.ihave(three, "x", made_up_ids(3)));
  REQUIRE(bench.say(three, Bench::message(4, 1, "x", "hello")));
  CHECK(bench.router.topics(true).empty());
}

TEST_CASE("hostile: GHSA-gc42-3jg7-rxr2, GHSA-xqmp-fxgv-xvq5: a backoff overflows nothing") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  for (const std::uint64_t backoff : {std::numeric_limits<std::uint64_t>::max(),
                                      std::uint64_t{1} << 63U, std::uint64_t{9223372036}}) {
    Bytes fields{0x22};
    Bytes body;
    wire::append_field(body, 1, as_bytes("t"));
    body.push_back(3U << 3U);
    for (std::uint64_t left = backoff; true; left >>= 7U) {
      body.push_back(static_cast<std::uint8_t>(left >= 0x80 ? left | 0x80U : left));
      if (left < 0x80) {
        break;
      }
    }
    append_varint(fields, body.size());
    append(fields, body);
    REQUIRE(bench.control(peer, fields));
  }
  CHECK(bench.router.mesh_peers("t").empty());
  bench.beat(3590);
  CHECK(bench.router.mesh_peers("t").empty());
  bench.beat(20);
  CHECK(bench.router.mesh_peers("t").size() == 1);
}

TEST_CASE("hostile: a GRAFT within the backoff costs the score, soon after the PRUNE twice") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  Bytes fields;
  wire::append_prune(fields, "t", {}, 60);
  REQUIRE(bench.control(peer, fields));
  (void)bench.got(peer);
  REQUIRE(bench.graft(peer, "t"));
  CHECK(bench.got(peer).prune.size() == 1);
  CHECK(bench.router.score(peer) == 0);
  REQUIRE(bench.graft(peer, "t"));
  CHECK(bench.router.score(peer) == -40);
  bench.beat(20);
  const double before = bench.router.score(peer);
  for (int i = 0; i < 4; ++i) {
    REQUIRE(bench.graft(peer, "t"));
  }
  CHECK(bench.router.score(peer) < before - 100);
  CHECK(bench.router.mesh_peers("t").empty());
}

TEST_CASE("hostile: backoffs of a topic are bounded") {
  Bench bench(small_limits());
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  for (std::uint8_t i = 2; i < 50; ++i) {
    const PeerIndex peer = bench.add_in(i, "t");
    Bytes fields;
    wire::append_prune(fields, "t", {}, 60);
    REQUIRE(bench.control(peer, fields));
    bench.router.remove_peer(peer, bench.now);
    CHECK(bench.router.backoffs("t") <= 4);
  }
}

TEST_CASE("hostile: a forged message takes nobody's place, and counts against who brought it") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex liar = bench.add_in(2, "t");
  const PeerIndex honest = bench.add_in(3, "t");
  const Bytes good = Bench::message(9, 1, "t", "hello");
  Bytes forged = good;
  forged.back() ^= 1U;
  REQUIRE(bench.say(liar, forged));
  CHECK(bench.router.score(liar) == -10);
  REQUIRE(bench.say(honest, good));
  CHECK(bench.told.delivered.size() == 1);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(bench.say(liar, forged));
  }
  CHECK(bench.router.stats().duplicates == 2);
  // Below the graylist threshold nothing of it is read.
  for (std::uint64_t i = 0; i < 3; ++i) {
    Bytes other = Bench::message(9, 10 + i, "t", "hello");
    other.back() ^= 1U;
    REQUIRE(bench.say(liar, other));
  }
  CHECK(bench.router.score(liar) <= -90);
  REQUIRE(bench.say(liar, Bench::message(9, 20, "t", "hello")));
  CHECK(bench.router.stats().graylisted >= 1);
  CHECK(bench.told.delivered.size() == 1);
  bench.beat();
  CHECK(bench.router.mesh_peers("t").size() == 1);
}

TEST_CASE("hostile: an RPC of a peer is read until it is below the graylist, and no further") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex liar = bench.add(2);
  const auto forgeries = [](std::uint64_t first, std::size_t count) {
    Bytes all;
    for (std::uint64_t i = first; i < first + count; ++i) {
      Bytes forged = body_of(Bench::message(9, i, "t", "hello"));
      forged.back() ^= 1U;
      append(all, forged);
    }
    return all;
  };
  Bytes rpc = forgeries(0, 1000);
  Bytes graft;
  wire::append_graft(graft, "t");
  append(rpc, body_of(wire::frame({}, graft)));
  REQUIRE(bench.router.receive(liar, rpc, bench.now));
  bench.settle();
  CHECK(bench.router.stats().rejected == 3);
  CHECK(bench.router.stats().graylisted == 1);
  CHECK(bench.router.topic_peers("t").empty());
  CHECK(bench.got(liar).prune.empty());
  // What is known to be bad counts as well.
  REQUIRE(bench.router.subscribe("u", {.validate = true}, bench.now));
  const PeerIndex first = bench.add(3);
  REQUIRE(bench.say(first, Bench::message(9, 5000, "u", "bad")));
  REQUIRE(bench.router.validated(bench.told.to_validate.at(0).message->key(), Verdict::reject,
                                 bench.now));
  const PeerIndex echo = bench.add(4);
  Bytes echoes;
  for (int i = 0; i < 1000; ++i) {
    append(echoes, body_of(Bench::message(9, 5000, "u", "bad")));
  }
  const std::uint64_t before = bench.router.stats().received;
  REQUIRE(bench.router.receive(echo, echoes, bench.now));
  CHECK(bench.router.stats().received == before + 3);
  // GRAFTs without end are not answered either.
  const PeerIndex grafter = bench.add_in(5, "t");
  Bytes fields;
  wire::append_prune(fields, "t", {}, 60);
  REQUIRE(bench.control(grafter, fields));
  (void)bench.got(grafter);
  fields.clear();
  for (int i = 0; i < 1000; ++i) {
    wire::append_graft(fields, "t");
  }
  REQUIRE(bench.control(grafter, fields));
  CHECK(bench.got(grafter).prune.size() < 5);
  // Of peers that we were told to trust everything is read.
  bench.router.add_explicit_peer(peer_of(6));
  const PeerIndex trusted = bench.add(6);
  const std::uint64_t rejected = bench.router.stats().rejected;
  REQUIRE(bench.router.receive(trusted, forgeries(2000, 10), bench.now));
  CHECK(bench.router.stats().rejected == rejected + 10);
}

TEST_CASE("hostile: our own messages that come back are no news, and nobody's fault") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  REQUIRE(bench.say(peer, Bench::message(1, 99, "t", "from before")));
  CHECK(bench.told.delivered.empty());
  CHECK(bench.router.score(peer) == 0);
}

TEST_CASE("hostile: messages that wait for a verdict are bounded by number and bytes, per topic") {
  Bench bench(small_limits());
  REQUIRE(bench.router.subscribe("t", {.validate = true}, bench.now));
  REQUIRE(bench.router.subscribe("u", {.validate = true}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  for (std::uint64_t i = 0; i < 20; ++i) {
    REQUIRE(bench.say(peer, Bench::message(9, i, "t", "hello")));
  }
  CHECK(bench.router.waiting() == 5);
  for (std::uint64_t i = 0; i < 4; ++i) {
    REQUIRE(bench.say(peer, Bench::message(8, i, "u", std::string(4000, 'x'))));
  }
  CHECK(bench.router.waiting() == 7);
  CHECK(bench.router.score(peer) == 0);
  // What had no room is taken when it comes again.
  REQUIRE(
      bench.router.validated(bench.told.to_validate[0].message->key(), Verdict::accept, bench.now));
  REQUIRE(bench.say(peer, Bench::message(9, 19, "t", "hello")));
  CHECK(bench.router.waiting() == 7);
}

TEST_CASE("hostile: what there is no room for may be sent again: no IDONTWANT tells otherwise") {
  RouterOptions options;
  options.limits.waiting_per_topic_max = 1;
  Bench bench(options);
  REQUIRE(bench.router.subscribe("t", {.validate = true}, bench.now));
  const PeerIndex source = bench.add_in(2, "t", {.protocol = Protocol::v1_2});
  const PeerIndex other = bench.add_in(3, "t", {.protocol = Protocol::v1_2});
  REQUIRE(bench.say(source, Bench::message(9, 1, "t", "hello")));
  (void)bench.got(other);
  const Bytes large = Bench::message(9, 2, "t", std::string(1024, 'x'));
  REQUIRE(bench.say(source, large));
  CHECK(bench.router.stats().ignored == 1);
  CHECK(bench.got(other).idontwant.empty());
  REQUIRE(
      bench.router.validated(bench.told.to_validate[0].message->key(), Verdict::accept, bench.now));
  bench.settle();
  (void)bench.got(source);
  REQUIRE(bench.say(other, large));
  CHECK(bench.told.to_validate.size() == 2);
  CHECK(bench.got(source).idontwant.size() == 1);
}

TEST_CASE("hostile: what is remembered of messages is bounded") {
  Bench bench(small_limits());
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  for (std::uint64_t i = 0; i < 100; ++i) {
    REQUIRE(bench.say(peer, Bench::message(9, i, "t", "hello")));
  }
  CHECK(bench.router.seen() == 50);
}

TEST_CASE("hostile: a peer that reads nothing holds bounded memory, and is sent away") {
  RouterOptions options;
  options.limits.queue = {
      .control_bytes_max = 2000, .own_bytes_max = 5000, .forward_bytes_max = 5000};
  Bench bench(options);
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex source = bench.add_in(2, "t");
  const PeerIndex stuck = bench.add_in(3, "t");
  bench.reads = false;
  for (std::uint64_t i = 0; i < 50; ++i) {
    REQUIRE(bench.say(source, Bench::message(9, i, "t", std::string(1000, 'x'))));
    (void)bench.router.publish("t", as_bytes(std::string(1000, 'y')), bench.now);
  }
  CHECK(bench.router.stats().dropped > 50);
  CHECK(bench.router.score(stuck) < 0);
  CHECK(bench.told.overloaded == 0);
  for (int i = 0; i < 200; ++i) {
    REQUIRE(bench.router.subscribe("topic " + std::to_string(i), {}, bench.now));
  }
  bench.settle();
  const auto reports = bench.router.peer_reports();
  for (const auto& report : reports) {
    CHECK(report.queued_bytes < 13000);
  }
  CHECK(bench.told.overloaded == 2);  // neither of them reads
}

TEST_CASE("hostile: extensions come first and once") {
  Bench bench;
  const PeerIndex peer = bench.add(2, {.protocol = Protocol::v1_3});
  Bytes fields;
  wire::append_extensions(fields, {.partial_messages = true});
  REQUIRE(bench.control(peer, fields));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(bench.control(peer, fields));
  }
  CHECK(bench.router.score(peer) == -10);
}

TEST_CASE("hostile: broken RPCs are an error, and cost the score") {
  Bench bench;
  const PeerIndex peer = bench.add(2);
  for (int i = 0; i < 4; ++i) {
    CHECK(bench.router.receive(peer, as_bytes("\x0a"), bench.now)
              .error()
              .is(GossipsubError::malformed));
  }
  CHECK(bench.router.stats().malformed == 4);
  CHECK(bench.router.score(peer) == -40);
}

TEST_CASE("hostile: peers told in a PRUNE need a teller of good score, and their own signature") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  const Bytes good = record::seal_peer_record(record::Signer::of(key_of(30)), 1, {});
  const Bytes others = record::seal_peer_record(record::Signer::of(key_of(31)), 1, {});
  const PeerId signer = peer_of(30);
  const PeerId third = peer_of(32);
  const std::array<wire::PeerInfo, 5> peers{
      wire::PeerInfo{.id = signer.bytes(), .record = good},
      wire::PeerInfo{.id = third.bytes(), .record = others},
      wire::PeerInfo{.id = third.bytes(), .record = as_bytes("none")},
      wire::PeerInfo{.id = as_bytes("nobody"), .record = good},
      wire::PeerInfo{.id = bench.router.self().bytes(), .record = {}}};
  Bytes fields;
  wire::append_prune(fields, "t", peers, 60);
  REQUIRE(bench.control(peer, fields));
  CHECK(bench.told.connect.empty());
  bench.router.set_app_score(peer, 50);
  REQUIRE(bench.control(peer, fields));
  REQUIRE(bench.told.connect.size() == 1);
  CHECK(bench.told.connect[0].peer == signer);
  CHECK(bench.told.connect[0].record == good);
  const std::vector<wire::PeerInfo> many(100, peers[0]);
  fields.clear();
  wire::append_prune(fields, "t", many, 60);
  REQUIRE(bench.control(peer, fields));
  CHECK(bench.told.connect.size() == 17);
}

TEST_CASE("hostile: groups of partial messages that peers begin are bounded, and forgotten") {
  Bench bench(small_limits());
  REQUIRE(bench.router.subscribe("t", {.partial = PartialMode::requests}, bench.now));
  const auto join = [&bench](std::uint8_t number) {
    const PeerIndex peer = bench.add(number, {.protocol = Protocol::v1_3});
    Bytes fields;
    Bytes control;
    wire::append_subscription(fields, {.topic = "t", .subscribe = true, .supports_partial = true});
    wire::append_extensions(control, {.partial_messages = true});
    REQUIRE(bench.say(peer, wire::frame(fields, control)));
    return peer;
  };
  const PeerIndex one = join(2);
  const PeerIndex two = join(3);
  const auto tell = [&bench](PeerIndex peer, std::uint8_t group) {
    const Bytes id{group};
    REQUIRE(bench.say(peer, wire::frame({.topic = "t", .group = id, .message = id})));
  };
  for (std::uint8_t i = 0; i < 10; ++i) {
    tell(one, i);
  }
  CHECK(bench.told.partial.size() == 4);
  for (std::uint8_t i = 20; i < 30; ++i) {
    tell(two, i);
  }
  CHECK(bench.told.partial.size() == 6);
  bench.beat(5);
  tell(one, 40);
  CHECK(bench.told.partial.size() == 7);
  const Bytes long_group(k_group_bytes_max + 1);
  REQUIRE(bench.say(one, wire::frame({.topic = "t", .group = long_group})));
  CHECK(bench.told.partial.size() == 7);
}

TEST_CASE("router: topics of ours are limited, and each that is left makes room") {
  Bench bench(small_limits());
  for (const char* topic : {"a", "b", "c"}) {
    REQUIRE(bench.router.subscribe(topic, {}, bench.now));
  }
  CHECK(bench.router.subscribe("d", {}, bench.now).error().is(GossipsubError::too_many_topics));
  CHECK(bench.router.publish("d", {}, bench.now).error().is(GossipsubError::too_many_topics));
  CHECK(bench.router.publish("a", {}, bench.now));
  bench.router.unsubscribe("b", bench.now);
  CHECK(bench.router.publish("d", {}, bench.now));
  CHECK(bench.router.subscribe("b", {}, bench.now).error().is(GossipsubError::too_many_topics));
  bench.beat(70);
  CHECK(bench.router.subscribe("b", {}, bench.now));
}
