// Routers among themselves: meshes, gossip, fanout, policies.
#include "vivim/libp2p/gossipsub/router_test_detail.hpp"
#include "vivim/libp2p/gossipsub/signature.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

namespace {

/// A ring with chords: everybody has six neighbours.
void link_all_around(Swarm& swarm, Protocol protocol = Protocol::v1_3) {
  const std::size_t n = swarm.nodes.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (const std::size_t step : {1U, 3U, 7U}) {
      swarm.link(i, (i + step) % n, protocol);
    }
  }
}

std::size_t received(Swarm& swarm, std::string_view data) {
  std::size_t count = 0;
  for (const auto& node : swarm.nodes) {
    count += static_cast<std::size_t>(std::ranges::count_if(
        node->told.delivered,
        [data](const MessagePtr& message) { return as_text(message->data()) == data; }));
  }
  return count;
}

}  // namespace

TEST_CASE("router: a message reaches all once, whatever protocol they speak") {
  for (const Protocol protocol :
       {Protocol::floodsub, Protocol::v1_0, Protocol::v1_1, Protocol::v1_2, Protocol::v1_3}) {
    Swarm swarm(25);
    link_all_around(swarm, protocol);
    swarm.subscribe_all("t");
    swarm.beat(5);
    REQUIRE(swarm.at(3).publish("t", as_bytes("hello"), swarm.now));
    swarm.settle();
    CHECK(received(swarm, "hello") == 24);
    CHECK(swarm.told(3).delivered.empty());
    CHECK(swarm.told(9).delivered.at(0)->author() == swarm.at(3).self());
  }
}

TEST_CASE("router: meshes keep between d_low and d_high") {
  RouterOptions options;
  options.mesh.d = 3;
  options.mesh.d_low = 2;
  options.mesh.d_high = 5;
  options.mesh.d_out = 1;
  options.mesh.d_score = 2;
  Swarm swarm(20, options);
  for (std::size_t i = 0; i < 20; ++i) {
    for (std::size_t j = i + 1; j < 20; ++j) {
      swarm.link(i, j);
    }
  }
  swarm.subscribe_all("t");
  swarm.beat(10);
  for (std::size_t i = 0; i < 20; ++i) {
    CHECK(swarm.at(i).mesh_peers("t").size() >= 2);
    CHECK(swarm.at(i).mesh_peers("t").size() <= 5);
    for (const PeerId& peer : swarm.at(i).mesh_peers("t")) {
      // A mesh is mutual.
      const auto other = std::ranges::find_if(
          swarm.nodes, [&peer](const auto& node) { return node->router.self() == peer; });
      const auto back = (*other)->router.mesh_peers("t");
      CHECK(std::ranges::find(back, swarm.at(i).self()) != back.end());
    }
  }
}

TEST_CASE("router: gossip brings what the mesh lost") {
  Swarm swarm(12);
  for (std::size_t i = 0; i < 12; ++i) {
    for (std::size_t j = i + 1; j < 12; ++j) {
      swarm.link(i, j);
    }
  }
  swarm.subscribe_all("t");
  swarm.beat(5);
  // Nothing of 0 gets through to 5 but gossip of others.
  for (std::size_t i = 0; i < 12; ++i) {
    const auto mesh = swarm.at(5).mesh_peers("t");
    if (i == 0 || std::ranges::find(mesh, swarm.at(i).self()) != mesh.end()) {
      swarm.cut.insert({i, 5});
    }
  }
  REQUIRE(swarm.at(0).publish("t", as_bytes("hello"), swarm.now));
  swarm.settle();
  CHECK(received(swarm, "hello") == 10);
  swarm.beat(3);
  CHECK(received(swarm, "hello") == 11);
  CHECK(swarm.at(5).stats().iwant_sent > 0);
}

namespace {

constexpr double k_aloof = -5;

/// Two who take each other into no mesh, and tell each other of messages by gossip alone.
Swarm aloof(RouterOptions options = {}) {
  options.mesh.flood_publish = false;
  Swarm swarm(2, options);
  swarm.link(0, 1);
  for (const std::size_t i : {0U, 1U}) {
    swarm.at(i).set_app_score(swarm.at(i).find_peer(swarm.at(1 - i).self()).value(), k_aloof);
  }
  return swarm;
}

}  // namespace

TEST_CASE("router: gossip of many topics is heard, and counts against nobody") {
  Swarm swarm = aloof();
  for (int i = 0; i < 30; ++i) {
    swarm.subscribe_all("topic " + std::to_string(i));
  }
  for (int i = 0; i < 30; ++i) {
    REQUIRE(
        swarm.at(0).publish("topic " + std::to_string(i), as_bytes("hello"), swarm.now)->peers ==
        0);
  }
  const std::uint64_t before = swarm.at(1).stats().rpcs;
  swarm.beat();
  CHECK(swarm.at(1).stats().iwant_sent == 30);
  CHECK(received(swarm, "hello") == 30);
  CHECK(swarm.at(1).stats().rpcs <= before + 1 + 30);
  CHECK(swarm.at(1).score(swarm.at(1).find_peer(swarm.at(0).self()).value()) == k_aloof);
}

TEST_CASE("router: where there is more gossip than is heard, no topic is always the last") {
  RouterOptions options;
  options.limits.ihave_rpcs_max = 1;
  Swarm swarm = aloof(options);
  for (const char* topic : {"a", "b", "c"}) {
    swarm.subscribe_all(topic);
  }
  for (int round = 0; round < 10; ++round) {
    for (const char* topic : {"a", "b", "c"}) {
      for (int i = 0; i < 250; ++i) {
        REQUIRE(swarm.at(0).publish(topic, as_bytes(topic), swarm.now));
      }
    }
    swarm.beat();
  }
  for (const char* topic : {"a", "b", "c"}) {
    CHECK(received(swarm, topic) >= 250);
  }
}

TEST_CASE("router: who is not subscribed publishes through a fanout, that is forgotten") {
  RouterOptions options;
  options.mesh.flood_publish = false;
  Swarm swarm(12, options);
  link_all_around(swarm);
  for (std::size_t i = 1; i < 12; ++i) {
    REQUIRE(swarm.at(i).subscribe("t", {}, swarm.now));
  }
  swarm.settle();
  swarm.beat(3);
  REQUIRE(swarm.at(0).publish("t", as_bytes("hello"), swarm.now));
  swarm.settle();
  CHECK(received(swarm, "hello") == 11);
  CHECK(swarm.at(0).topics().size() == 1);
  swarm.beat(61);
  CHECK(swarm.at(0).topics().empty());
  CHECK(swarm.at(0).topics(true).size() == 1);
}

TEST_CASE("router: anonymous messages tell nothing of their author, and are published once") {
  RouterOptions options;
  options.policy = SignaturePolicy::strict_no_sign;
  Swarm swarm(8, options);
  link_all_around(swarm);
  swarm.subscribe_all("t");
  swarm.beat(3);
  REQUIRE(swarm.at(0).publish("t", as_bytes("hello"), swarm.now));
  CHECK(
      swarm.at(0).publish("t", as_bytes("hello"), swarm.now).error().is(GossipsubError::duplicate));
  swarm.settle();
  CHECK(received(swarm, "hello") == 7);
  const MessagePtr got = swarm.told(1).delivered.at(0);
  CHECK(got->from().empty());
  CHECK(got->seqno().empty());
  CHECK(got->signature().empty());
}

TEST_CASE("router: those who leave are pruned, and may come again after the backoff") {
  Swarm swarm(3);
  swarm.link(0, 1);
  swarm.link(0, 2);
  swarm.link(1, 2);
  swarm.subscribe_all("t");
  swarm.beat(2);
  CHECK(swarm.at(0).mesh_peers("t").size() == 2);
  swarm.at(1).unsubscribe("t", swarm.now);
  swarm.settle();
  CHECK(swarm.at(0).mesh_peers("t").size() == 1);
  CHECK(swarm.at(0).topic_peers("t").size() == 1);
  REQUIRE(swarm.at(1).subscribe("t", {}, swarm.now));
  swarm.settle();
  swarm.beat(5);
  CHECK(swarm.at(1).mesh_peers("t").empty());
  swarm.beat(10);
  CHECK(swarm.at(1).mesh_peers("t").size() == 2);
  CHECK(swarm.at(1).score(*swarm.at(1).find_peer(swarm.at(0).self())) >= 0);
}

TEST_CASE("router: a topic that nobody is in any more is forgotten") {
  Bench bench;
  const PeerIndex peer = bench.add_in(2, "theirs");
  CHECK(bench.router.topics(true).size() == 1);
  REQUIRE(bench.router.subscribe("ours", {}, bench.now));
  bench.router.unsubscribe("ours", bench.now);
  bench.router.remove_peer(peer, bench.now);
  bench.beat(70);
  CHECK(bench.router.topics(true).empty());
}

TEST_CASE("router: explicit peers get everything, and are in no mesh") {
  Bench bench;
  bench.router.add_explicit_peer(peer_of(2));
  bench.settle();
  CHECK(bench.told.connect.size() == 1);
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  CHECK(bench.router.mesh_peers("t").empty());
  CHECK(bench.got(peer).prune.size() == 1);
  const PeerIndex other = bench.add_in(3, "t");
  REQUIRE(bench.say(other, Bench::message(3, 1, "t", "hello")));
  CHECK(bench.got(peer).publish.size() == 1);
  bench.router.remove_peer(peer, bench.now);
  bench.beat(310);
  CHECK(bench.told.connect.size() >= 2);
  bench.router.remove_explicit_peer(peer_of(2));
  (void)bench.add_in(2, "t");
  CHECK(bench.router.mesh_peers("t").size() == 2);
}

TEST_CASE("router: IDONTWANT goes to the mesh before the message, for large ones") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex source = bench.add_in(2, "t", {.protocol = Protocol::v1_2});
  const PeerIndex newer = bench.add_in(3, "t", {.protocol = Protocol::v1_2});
  const PeerIndex older = bench.add_in(4, "t", {.protocol = Protocol::v1_1});
  (void)bench.got(newer);
  (void)bench.got(older);
  REQUIRE(bench.say(source, Bench::message(2, 1, "t", "small")));
  CHECK(bench.got(newer).idontwant.empty());
  REQUIRE(bench.say(source, Bench::message(2, 2, "t", std::string(2000, 'x'))));
  CHECK(bench.got(newer).idontwant.size() == 1);
  CHECK(bench.got(older).idontwant.empty());
  CHECK(bench.got(source).idontwant.empty());
}

TEST_CASE("router: what a peer does not want is not sent, for a while") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex source = bench.add_in(2, "t");
  const PeerIndex other = bench.add_in(3, "t", {.protocol = Protocol::v1_2});
  const Bytes frame = Bench::message(2, 1, "t", "hello");
  wire::Rpc rpc;
  const Bytes body = body_of(frame);
  REQUIRE(wire::decode(body, rpc));
  Bytes id;
  append_id(IdProfile::vivim, SignaturePolicy::strict_sign, rpc.publish[0], id);
  Bytes fields;
  const std::array<BytesView, 1> ids{id};
  wire::append_idontwant(fields, ids);
  REQUIRE(bench.control(other, fields));
  (void)bench.got(other);
  REQUIRE(bench.say(source, frame));
  CHECK(bench.got(other).publish.empty());
  CHECK(bench.router.stats().idontwant_heeded == 1);
  CHECK(bench.told.delivered.size() == 1);
}

TEST_CASE("router: the application judges: accepted is passed on, rejected counts against all") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {.validate = true}, bench.now));
  const PeerIndex first = bench.add_in(2, "t");
  const PeerIndex second = bench.add_in(3, "t");
  const PeerIndex third = bench.add_in(4, "t");
  const auto judge = [&bench](Verdict verdict) {
    const MessageKey key = bench.told.to_validate.back().message->key();
    REQUIRE(bench.router.validated(key, verdict, bench.now));
    CHECK(bench.router.validated(key, verdict, bench.now).error().is(GossipsubError::not_waiting));
    bench.settle();
  };
  const Bytes good = Bench::message(9, 1, "t", "good");
  REQUIRE(bench.say(first, good));
  REQUIRE(bench.say(second, good));
  (void)bench.got(third);
  (void)bench.got(second);
  CHECK(bench.told.delivered.empty());
  judge(Verdict::accept);
  CHECK(bench.told.delivered.size() == 1);
  CHECK(bench.got(third).publish.size() == 1);
  CHECK(bench.got(second).publish.empty());
  CHECK(bench.router.score(first) > 0);
  const Bytes dull = Bench::message(9, 2, "t", "dull");
  REQUIRE(bench.say(first, dull));
  judge(Verdict::ignore);
  CHECK(bench.got(third).publish.empty());
  CHECK(bench.router.score(first) > 0);
  const Bytes bad = Bench::message(9, 3, "t", "bad");
  REQUIRE(bench.say(first, bad));
  REQUIRE(bench.say(second, bad));
  judge(Verdict::reject);
  REQUIRE(bench.say(third, bad));
  CHECK(bench.router.score(first) == -10);
  CHECK(bench.router.score(second) == -10);
  CHECK(bench.router.score(third) == -10);
  CHECK(bench.told.delivered.size() == 1);
}

TEST_CASE("router: a verdict after its peers and its topic have gone") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {.validate = true}, bench.now));
  const PeerIndex peer = bench.add_in(2, "t");
  REQUIRE(bench.say(peer, Bench::message(2, 1, "t", "a")));
  REQUIRE(bench.say(peer, Bench::message(2, 2, "t", "b")));
  bench.router.unsubscribe("t", bench.now);
  bench.router.remove_peer(peer, bench.now);
  bench.beat(100);
  CHECK(
      bench.router.validated(bench.told.to_validate[0].message->key(), Verdict::accept, bench.now));
  CHECK(
      bench.router.validated(bench.told.to_validate[1].message->key(), Verdict::reject, bench.now));
  CHECK(bench.told.delivered.empty());
  bench.beat(100);
  CHECK(bench.router.topics(true).empty());
}

TEST_CASE("router: flood publishing spares those with a bad score") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  const PeerIndex good = bench.add_in(2, "t");
  const PeerIndex bad = bench.add_in(3, "t");
  bench.router.set_app_score(bad, -60);
  const auto published = bench.router.publish("t", as_bytes("hello"), bench.now);
  bench.settle();
  CHECK(published->peers == 1);
  CHECK(bench.got(good).publish.size() == 1);
  CHECK(bench.got(bad).publish.empty());
}

TEST_CASE("router: opportunistic grafting takes better peers into a poor mesh") {
  Bench bench;
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  for (std::uint8_t i = 2; i < 8; ++i) {
    (void)bench.add_in(i, "t", {.outbound = true});
  }
  const PeerIndex better = bench.add(20);
  Bytes fields;
  wire::append_subscription(fields, {.topic = "t", .subscribe = true});
  REQUIRE(bench.say(better, wire::frame(fields, {})));
  bench.router.set_app_score(better, 30);
  bench.beat(59);
  CHECK(bench.router.mesh_peers("t").size() == 6);
  bench.beat(2);
  CHECK(bench.router.mesh_peers("t").size() == 7);
  CHECK(bench.got(better).graft.size() == 1);
}

TEST_CASE("router: a full mesh refuses, tells of others, and keeps those that we dialled") {
  RouterOptions options;
  options.mesh.do_px = true;
  Bench bench(options);
  REQUIRE(bench.router.subscribe("t", {}, bench.now));
  for (std::uint8_t i = 2; i < 14; ++i) {
    const Bytes sealed = record::seal_peer_record(record::Signer::of(key_of(i)), 1, {});
    (void)bench.add_in(i, "t", {.record = sealed});
  }
  CHECK(bench.router.mesh_peers("t").size() == 12);
  const PeerIndex late = bench.add_in(20, "t");
  const wire::Rpc refused = bench.got(late);
  REQUIRE(refused.prune.size() == 1);
  CHECK(refused.prune[0].backoff == 60);
  CHECK(refused.peers.size() == 12);
  CHECK(record::open_peer_record(refused.peers[0].record)->peer ==
        PeerId::from_bytes(refused.peers[0].id).value());
  const PeerIndex dialled = bench.add_in(21, "t", {.outbound = true});
  const PeerIndex dialled_too = bench.add_in(22, "t", {.outbound = true});
  CHECK(bench.router.mesh_peers("t").size() == 14);
  bench.beat();
  const auto mesh = bench.router.mesh_peers("t");
  CHECK(mesh.size() == 6);
  CHECK(std::ranges::find(mesh, peer_of(21)) != mesh.end());
  CHECK(std::ranges::find(mesh, peer_of(22)) != mesh.end());
  CHECK(bench.got(dialled).prune.empty());
  CHECK(bench.got(dialled_too).prune.empty());
}

TEST_CASE("router: many topics are greeted in frames that everybody reads") {
  Bench bench;
  for (int i = 0; i < 2000; ++i) {
    REQUIRE(bench.router.subscribe("/vivim/circles/" + std::to_string(i), {}, bench.now));
  }
  const PeerIndex peer = bench.add(2, {.protocol = Protocol::v1_3});
  const auto& frames = bench.sent[peer];
  CHECK(frames.size() > 3);
  for (const Bytes& frame : frames) {
    CHECK(frame.size() < std::size_t{16} * 1024);
  }
  wire::Rpc first;
  REQUIRE(wire::decode(frames.front(), first));
  REQUIRE(first.extensions);
  CHECK(first.extensions->partial_messages);
  CHECK(bench.got(peer).subscriptions.size() == 2000);
}

TEST_CASE("router: what may not be published, and with which error") {
  Bench bench;
  RouterOptions options;
  Router mute(peer_of(2), options, bench.rng, bench.now);
  CHECK(mute.publish("t", {}, bench.now).error().is(GossipsubError::no_key));
  CHECK(bench.router.publish("", {}, bench.now).error().is(GossipsubError::no_topic));
  const std::string name(k_topic_bytes_max + 1, 'x');
  CHECK(bench.router.subscribe(name, {}, bench.now).error().is(GossipsubError::no_topic));
  const Bytes large(bench.router.options().limits.message_bytes_max + 1);
  CHECK(bench.router.publish("t", large, bench.now).error().is(GossipsubError::too_large));
  TopicScoreOptions wrong;
  wrong.invalid_decay = 2;
  CHECK(bench.router.subscribe("t", {.score = wrong}, bench.now)
            .error()
            .is(GossipsubError::bad_options));
  CHECK(bench.router.publish("t", Bytes(large.size() - 1), bench.now));
}

TEST_CASE("router: the same seed and the same calls give the same frames") {
  const auto run = [] {
    Swarm swarm(10);
    link_all_around(swarm);
    swarm.subscribe_all("t");
    swarm.beat(5);
    for (int i = 0; i < 20; ++i) {
      (void)swarm.at(0).publish("t", as_bytes("m" + std::to_string(i)), swarm.now);
      swarm.beat();
    }
    std::vector<std::uint64_t> figures;
    for (const auto& node : swarm.nodes) {
      const RouterStats& stats = node->router.stats();
      figures.insert(figures.end(), {stats.rpcs, stats.received, stats.duplicates, stats.grafts,
                                     stats.prunes, stats.iwant_sent, stats.forwarded});
    }
    return figures;
  };
  CHECK(run() == run());
}

Bytes Bench::message(std::uint8_t author, std::uint64_t seqno, std::string_view topic,
                     std::string_view data) {
  const PeerId from = peer_of(author);
  Bytes number(8);
  store_be64(number, seqno);
  wire::MessageView view{
      .from = from.bytes(), .data = as_bytes(data), .seqno = number, .topic = topic};
  const Bytes signature =
      sign(record::Signer::of(key_of(author)), Message::make(view, {}, {})->signed_part());
  view.signature = signature;
  return to_bytes(Message::make(view, {}, {})->frame());
}
