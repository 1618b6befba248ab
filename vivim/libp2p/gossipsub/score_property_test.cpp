// No schedule of misbehaviour keeps a positive score, whatever good a peer does beside it.
#include "vivim/libp2p/gossipsub/router_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p;
using namespace vivim::libp2p::gossipsub;
using namespace vivim::libp2p::gossipsub::test;

namespace {

/// A peer that does as much good as it can, and sometimes what it should not.
struct Schedule {
  Schedule(std::uint64_t seed, RouterOptions options) : dice(seed), bench(std::move(options)) {
    for (const char* topic : {"a", "b", "c", "d"}) {
      REQUIRE(bench.router.subscribe(topic, {.validate = true}, bench.now));
    }
    peer = bench.add(2, {.protocol = Protocol::v1_3, .outbound = true});
    Bytes fields;
    Bytes control;
    for (const char* topic : {"a", "b", "c", "d"}) {
      wire::append_subscription(fields, {.topic = topic, .subscribe = true});
      wire::append_graft(control, topic);
    }
    REQUIRE(bench.say(peer, wire::frame(fields, control)));
  }

  std::string topic() { return std::string(1, static_cast<char>('a' + dice.below(4))); }

  void judge(Verdict verdict) {
    for (const ToValidate& waiting : std::exchange(bench.told.to_validate, {})) {
      (void)bench.router.validated(waiting.message->key(), verdict, bench.now);
    }
    bench.settle();
    bench.told.delivered.clear();
  }
  void do_good() {
    for (std::uint64_t i = dice.below(5); i > 0; --i) {
      (void)bench.say(peer, Bench::message(9, ++seqno, topic(), "good"));
    }
    judge(Verdict::accept);
    for (const char* name : {"a", "b", "c", "d"}) {
      (void)bench.graft(peer, name);  // too early, if it was pruned: one more misdeed
    }
  }
  void do_bad(std::uint64_t kind) {
    if (kind == 0) {
      (void)bench.say(peer, Bench::message(9, ++seqno, topic(), "bad"));
      judge(Verdict::reject);
    } else if (kind == 1) {
      Bytes forged = Bench::message(9, ++seqno, topic(), "forged");
      forged.back() ^= 1U;
      (void)bench.say(peer, forged);
    } else if (kind == 2) {
      Bytes control;
      const std::string name = topic();
      wire::append_prune(control, name, {}, 60);
      (void)bench.control(peer, control);
      (void)bench.graft(peer, name);
    } else if (kind == 3) {
      Bytes id = to_bytes(peer_of(8).bytes());
      Bytes number(8);
      store_be64(number, ++seqno);
      append(id, number);
      (void)bench.ihave(peer, topic(), {id});  // and never sent
    } else if (kind == 4) {
      for (int i = 0; i < 25; ++i) {
        (void)bench.ihave(peer, topic(), {});
      }
    } else if (kind == 5) {
      Bytes control;
      wire::append_extensions(control, {.partial_messages = true});
      (void)bench.control(peer, control);
    } else {
      (void)bench.router.receive(peer, as_bytes("\x0a"), bench.now);
      bench.settle();
    }
  }

  rt::sim::SeededRng dice;
  Bench bench;
  PeerIndex peer{};
  std::uint64_t seqno = 0;
};

constexpr std::uint64_t k_kinds = 7;

/// The highest score after a minute of a peer that misbehaves every `pause` seconds or oftener.
double best_score(std::uint64_t seed, std::optional<std::uint64_t> kind, std::uint64_t pause) {
  Schedule schedule(seed, {});
  double best = -1e9;
  std::uint64_t until_bad = 0;
  for (int second = 0; second < 300; ++second) {
    schedule.do_good();
    if (until_bad == 0) {
      schedule.do_bad(kind.value_or(schedule.dice.below(k_kinds)));
      until_bad = schedule.dice.below(pause);
    } else {
      --until_bad;
    }
    schedule.bench.beat();
    if (second > 60) {
      best = std::max(best, schedule.bench.router.score(schedule.peer));
    }
  }
  return best;
}

}  // namespace

TEST_CASE("property: a peer that only does good has a good score") {
  Schedule schedule(1, {});
  for (int second = 0; second < 120; ++second) {
    schedule.do_good();
    schedule.bench.beat();
  }
  CHECK(schedule.bench.router.score(schedule.peer) > 50);
  CHECK(schedule.bench.router.mesh_peers("a").size() == 1);
}

TEST_CASE("property: no misbehaving schedule keeps a positive score") {
  for (std::uint64_t kind = 0; kind < k_kinds; ++kind) {
    CAPTURE(kind);
    CHECK(best_score(kind, kind, 10) <= 0);
  }
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    CHECK(best_score(100 + seed, std::nullopt, 1 + seed) <= 0);
  }
}
