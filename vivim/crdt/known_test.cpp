#include <random>

#include <doctest/doctest.h>

#include "vivim/crdt/known_detail.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/samples_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::Known;

/// Updates of one client that types `count` letters, one after the other, and deletes the first.
std::vector<Bytes> typed(ClientId client, int count) {
  Doc doc(client);
  std::vector<Bytes> updates;
  const auto watching =
      doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  for (int i = 0; i < count; ++i) {
    edit(doc, [&](Transaction& t) { doc.text("text").push(t, "a"); });
  }
  edit(doc, [&](Transaction& t) { doc.text("text").remove(t, 0, 1); });
  return updates;
}

bool lacks(const Known& known, BytesView update) {
  return known.lacks(detail::decode_update(update).value());
}
bool covers(const Known& known, BytesView update) {
  return known.covers(detail::decode_update(update).value());
}
void add(Known& known, BytesView update) {
  known.add(detail::decode_update(update).value());
}

}  // namespace

TEST_CASE("known: what must wait, what is new, and what is not") {
  const auto updates = typed(ClientId{5}, 3);
  Known known;
  CHECK(covers(known, Bytes{0, 0}));
  CHECK_FALSE(lacks(known, Bytes{0, 0}));
  CHECK_FALSE(lacks(known, updates[0]));
  CHECK(lacks(known, updates[1]));  // its first clock is not the next
  CHECK(lacks(known, updates[3]));  // deletes what is not there
  add(known, updates[0]);
  CHECK(covers(known, updates[0]));
  CHECK_FALSE(covers(known, updates[1]));
  CHECK_FALSE(covers(known, updates[3]));
  CHECK_FALSE(lacks(known, updates[3]));
  add(known, updates[3]);
  CHECK(covers(known, updates[3]));
  CHECK(lacks(known, updates[2]));
  add(known, updates[1]);
  add(known, updates[2]);
  CHECK(known.state() == StateVector{{ClientId{5}, 3}});
}

TEST_CASE("known: neighbours of other clients, and what an update brings along") {
  Doc doc(ClientId{5});
  edit(doc, [&](Transaction& t) { doc.text("text").push(t, "a"); });
  const auto first = encode_state_as_update(doc);
  Doc other(ClientId{6});
  REQUIRE(apply_update(other, first));
  Bytes beside;
  const auto watching =
      other.on_update([&](BytesView update, Origin) { beside = to_bytes(update); });
  edit(other, [&](Transaction& t) { other.text("text").push(t, "b"); });
  Known known;
  CHECK(lacks(known, beside));  // stands beside what is not there
  CHECK_FALSE(lacks(known, encode_state_as_update(other)));
  add(known, first);
  CHECK_FALSE(lacks(known, beside));

  // A parent that is not there, and a gap.
  Doc nested(ClientId{7});
  edit(nested, [&](Transaction& t) { nested.map("map").set_map(t, "k"); });
  const auto parent = encode_state_as_update(nested);
  Bytes child;
  const auto listening =
      nested.on_update([&](BytesView update, Origin) { child = to_bytes(update); });
  edit(nested, [&](Transaction& t) {
    Map map = *nested.map("map").get_map("k");
    map.set(t, "x", Any(1.0));
  });
  CHECK(lacks(known, child));
  CHECK_FALSE(lacks(known, merge_updates(std::vector<BytesView>{parent, child}).value()));
  const auto letters = typed(ClientId{9}, 3);
  CHECK(lacks(known, merge_updates(std::vector<BytesView>{letters[0], letters[2]}).value()));
}

TEST_CASE("known: says what a document with the same updates does") {
  std::mt19937_64 rng(3);
  for (int round = 0; round < 20; ++round) {
    Peers peers(3);
    std::vector<Bytes> sent;
    std::vector<Subscription> watching;
    for (std::size_t i = 0; i < 3; ++i) {
      watching.push_back(
          peers[i].on_update([&](BytesView update, Origin) { sent.push_back(to_bytes(update)); }));
    }
    for (int step = 0; step < 40; ++step) {
      random_edit(peers[rng() % 3], rng);
      if (rng() % 8 == 0) {
        peers.sync();
      }
    }
    Doc mirror(ClientId{50});
    Known known;
    for (int step = 0; step < 300; ++step) {
      const Bytes& update = sent[rng() % sent.size()];
      const Bytes before = encode_state_as_update(mirror);
      if (lacks(known, update)) {
        Doc copy(ClientId{51});
        REQUIRE(apply_update(copy, before));
        REQUIRE(apply_update(copy, update));
        CHECK(has_pending(copy));
        continue;
      }
      const bool covered = covers(known, update);
      REQUIRE(apply_update(mirror, update));
      CHECK_FALSE(has_pending(mirror));
      if (covered) {
        CHECK(encode_state_as_update(mirror) == before);
      }
      add(known, update);
      CHECK(known.state() == state_vector(mirror));
    }
  }
}

}  // namespace vivim::crdt
