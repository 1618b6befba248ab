#include "vivim/crdt/update_split.hpp"

#include <algorithm>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/samples_detail.hpp"
#include "vivim/crdt/text.hpp"

namespace vivim::crdt {
namespace {

/// Whether the parts, in this order, come to the same document as the whole.
void check_same(const Bytes& whole, std::vector<Bytes> parts) {
  Doc one(ClientId{1'000});
  REQUIRE(apply_update(one, whole));
  Doc other(ClientId{1'001});
  for (const Bytes& part : parts) {
    REQUIRE(apply_update(other, part));
  }
  CHECK_FALSE(has_pending(other));
  CHECK(encode_state_as_update(other) == encode_state_as_update(one));
  CHECK(consistent(other));
}

}  // namespace

TEST_CASE("split: one long text is cut between code points, into updates below the limit") {
  std::string words;
  while (words.size() < 300'000) {
    words += "h\xc3\xa9llo \xf0\x9f\x98\x80 \xe2\x82\xac";
  }
  Doc doc(ClientId{std::uint64_t{1} << 50});
  edit(doc, [&](Transaction& t) { doc.text("text").push(t, words); });
  const Bytes whole = encode_state_as_update(doc);
  for (const std::size_t limit : {k_chunk_bytes_min, std::size_t{1000}, k_chunk_bytes_max}) {
    const auto parts = split_update(whole, limit).value();
    CHECK(parts.size() >= whole.size() / limit);
    CHECK(parts.size() < 2 * whole.size() / limit);
    for (const Bytes& part : parts) {
      CHECK(part.size() <= limit);
    }
    check_same(whole, parts);
    auto reversed = parts;
    std::ranges::reverse(reversed);
    check_same(whole, reversed);
  }
}

TEST_CASE("split: documents of all kinds, with deletions, come out the same in any order") {
  std::mt19937_64 rng(5);
  for (int round = 0; round < 10; ++round) {
    Peers peers(3);
    for (int step = 0; step < 300; ++step) {
      random_edit(peers[rng() % 3], rng,
                  {.removed_max = 30, .values_max = 100, .letters_max = 600});
      if (step % 50 == 0) {
        peers.sync();
      }
    }
    peers.sync();
    const Bytes whole = encode_state_as_update(peers[0]);
    auto parts = split_update(whole, 512).value();
    CHECK(parts.size() > 10);
    CHECK(std::ranges::all_of(parts, [](const Bytes& part) { return part.size() <= 512; }));
    check_same(whole, parts);
    std::ranges::shuffle(parts, rng);
    check_same(whole, parts);
  }
}

TEST_CASE("split: what fits stays as it is, what cannot be cut comes alone") {
  Doc doc(ClientId{1});
  edit(doc, [&](Transaction& t) {
    doc.map("map").set(t, "small", Any("x"));
    doc.map("map").set(t, "large", Any(Bytes(50'000, 7)));
    doc.text("text").push(t, "words");
  });
  const Bytes whole = encode_state_as_update(doc);
  CHECK(split_update(whole, whole.size()).value() == std::vector<Bytes>{whole});
  const auto parts = split_update(whole).value();
  CHECK(parts.size() == 3);
  CHECK(std::ranges::count_if(parts, [](const Bytes& p) { return p.size() > k_chunk_bytes_max; }) ==
        1);
  check_same(whole, parts);
  CHECK(split_update(Bytes{0, 0}).value() == std::vector<Bytes>{Bytes{0, 0}});
  CHECK(split_update(Bytes{1}).error().is(CrdtError::truncated));
}

}  // namespace vivim::crdt
