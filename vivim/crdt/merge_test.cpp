#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/hex_test_detail.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {
namespace {

CrdtError refusal(const Bytes& update) {
  Doc doc(ClientId{99});
  const auto applied = apply_update(doc, update);
  REQUIRE_FALSE(applied.has_value());
  CHECK(encode_state_as_update(doc) == Bytes{0, 0});
  return static_cast<CrdtError>(applied.error().code());
}

struct Peer {
  explicit Peer(std::uint64_t id)
      : doc(ClientId{id}), subscription(doc.on_update([this](BytesView update, Origin) {
          emitted.push_back(to_bytes(update));
        })) {}
  Doc doc;
  std::vector<Bytes> emitted;
  std::vector<Bytes> inbox;
  Subscription subscription;
};

void edit_some_root(Doc& doc, std::mt19937_64& rng) {
  Text text = doc.text("t");
  Map map = doc.map("m");
  Array array = doc.array("a");
  doc.transact([&](Transaction& t) {
    const auto at = static_cast<std::uint32_t>(rng() % (text.length() + 1));
    switch (rng() % 7) {
      case 0:
        text.remove(t, at, 1 + rng() % 5);
        break;
      case 1:
        map.set(t, "k" + std::to_string(rng() % 4), static_cast<double>(rng() % 100));
        break;
      case 2:
        map.set_text(t, "k" + std::to_string(rng() % 4), "nested");
        break;
      case 3:
        map.erase(t, "k" + std::to_string(rng() % 4));
        break;
      case 4:
        array.insert(t, static_cast<std::uint32_t>(rng() % (array.length() + 1)),
                     {Any(static_cast<double>(rng() % 9)), Any("x")});
        break;
      case 5:
        array.remove(t, static_cast<std::uint32_t>(rng() % (array.length() + 1)));
        break;
      default:
        text.insert(t, at, rng() % 3 == 0 ? "\xf0\x9f\x98\x80" : "abc");
    }
  });
}

void session(std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::uint64_t i = 0; i < 2 + seed % 4; ++i) {
    peers.push_back(std::make_unique<Peer>(rng() % 1000 * 8 + i));
  }
  for (int step = 0; step < 80; ++step) {
    Peer& peer = *peers[rng() % peers.size()];
    if (rng() % 2 == 0) {
      edit_some_root(peer.doc, rng);
      for (auto& other : peers) {
        if (other.get() != &peer) {
          other->inbox.insert(other->inbox.end(), peer.emitted.begin(), peer.emitted.end());
        }
      }
    } else if (!peer.inbox.empty()) {
      const std::size_t at = rng() % peer.inbox.size();
      REQUIRE(apply_update(peer.doc, peer.inbox[at]).has_value());
      if (rng() % 4 != 0) {
        peer.inbox.erase(peer.inbox.begin() + static_cast<std::ptrdiff_t>(at));
      }
    }
    peer.emitted.clear();
    REQUIRE(consistent(peer.doc));
  }
  for (auto& peer : peers) {
    std::ranges::shuffle(peer->inbox, rng);
    for (const Bytes& update : peer->inbox) {
      REQUIRE(apply_update(peer->doc, update).has_value());
    }
  }
  for (auto& peer : peers) {
    INFO("seed " << seed);
    CHECK_FALSE(has_pending(peer->doc));
    CHECK(encode_state_vector(peer->doc) == encode_state_vector(peers[0]->doc));
    CHECK(peer->doc.text("t").to_string() == peers[0]->doc.text("t").to_string());
    CHECK(peer->doc.array("a").to_any() == peers[0]->doc.array("a").to_any());
    for (const char* key : {"k0", "k1", "k2", "k3"}) {
      const auto ours = peer->doc.map("m").get(key);
      const auto theirs = peers[0]->doc.map("m").get(key);
      REQUIRE(ours.has_value() == theirs.has_value());
      if (ours) {
        CHECK(ours->to_any() == theirs->to_any());
      }
    }
  }
}

}  // namespace

TEST_CASE("random sessions converge whatever the order of delivery") {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    session(seed);
  }
}

// Written by yjs 13.6.33: a map with values of all kinds, nested types, a sub-document and
// deletions; XML; formatted text.
TEST_CASE("documents of Yjs are kept to the byte") {
  for (const char* hex :
       {"010802002101016d016b01a802000176020231307d40016175057d017c402000007e770178782701016d017402"
        "0"
        "4000202036162632301016d01620201022101016d01610100042901016d01640167760001020200010705",
        "010409000701017803017087090006040009010268692800090001710177017200",
        "010aac020004010174016884ac0200016581ac02010384ac02040420efbfbd84ac020609efbfbd20776f726c64"
        "46ac020004626f6c640474727565c6ac0206ac020704626f6c64046e756c6cc6ac0200ac020104626f6c64046e"
        "756c6cc5ac0210ac02010d7b22696d616765223a2278227dc6ac0211ac020104626f6c64047472756501ac0201"
        "0203"}) {
    Doc doc(ClientId{1});
    REQUIRE(apply_update(doc, unhex(hex)).has_value());
    CHECK(to_hex(encode_state_as_update(doc)) == hex);
    const Bytes update = unhex(hex);
    Doc other(ClientId{2});
    REQUIRE(apply_update(other, diff_update(update, {}).value()).has_value());
    CHECK(to_hex(encode_state_as_update(other)) == hex);
    CHECK(state_vector_from_update(update).value() == encode_state_vector(doc));
  }
}

TEST_CASE("a large text: edits at random places through the index") {
  Doc doc(ClientId{1});
  Doc copy(ClientId{2});
  auto forward = doc.on_update(
      [&](BytesView update, Origin) { REQUIRE(apply_update(copy, update).has_value()); });
  Text text = doc.text("t");
  std::string expected;
  std::mt19937_64 rng(7);
  for (int i = 0; i < 6000; ++i) {
    const std::size_t at = rng() % (expected.size() + 1);
    doc.transact([&](Transaction& t) {
      if (rng() % 4 == 0) {
        const std::size_t count = std::min<std::size_t>(rng() % 6, expected.size() - at);
        text.remove(t, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(count));
        expected.erase(at, count);
      } else {
        const std::string piece(1 + rng() % 3, static_cast<char>('a' + rng() % 26));
        text.insert(t, static_cast<std::uint32_t>(at), piece);
        expected.insert(at, piece);
      }
    });
    if (i % 500 == 0) {
      REQUIRE(consistent(doc));
    }
  }
  CHECK(text.to_string() == expected);
  CHECK(copy.text("t").to_string() == expected);
  CHECK(consistent(doc));
  CHECK(consistent(copy));
}

TEST_CASE("merge and diff of updates without a document") {
  Peer peer(5);
  Text text = peer.doc.text("t");
  for (const char* word : {"a", "b", "c"}) {
    peer.doc.transact([&](Transaction& t) { text.push(t, word); });
  }
  const std::vector<BytesView> gap{peer.emitted[2], peer.emitted[0]};
  const Bytes merged = merge_updates(gap).value();
  CHECK(to_hex(merged) ==
        "0103050004010174016"
        "10a0184050101630"
        "0");
  CHECK(state_vector_from_update(merged).value() == unhex("010501"));
  Doc other(ClientId{6});
  REQUIRE(apply_update(other, merged).has_value());
  CHECK(has_pending(other));
  CHECK(encode_state_as_update(other) == merged);
  REQUIRE(apply_update(other, peer.emitted[1]).has_value());
  CHECK(other.text("t").to_string() == "abc");
  const Bytes full = encode_state_as_update(peer.doc);
  CHECK(to_hex(diff_update(full, unhex("010502")).value()) ==
        to_hex(encode_state_as_update(peer.doc, unhex("010502")).value()));
}

TEST_CASE("refused updates change nothing, and say why") {
  CHECK(refusal({}) == CrdtError::truncated);
  CHECK(refusal(unhex("000000")) == CrdtError::trailing_bytes);
  CHECK(refusal(unhex("0101010004010174016")) == CrdtError::truncated);
  CHECK(refusal(unhex("010101000b0101740000")) == CrdtError::bad_content);  // content 11
  CHECK(refusal(unhex("01010100070101740700")) == CrdtError::bad_content);  // type 7
  CHECK(refusal(unhex("0101010084010001610"
                      "0")) == CrdtError::bad_struct);               // its own origin
  CHECK(refusal(unhex("01010100000000")) == CrdtError::bad_struct);  // empty GC
  CHECK(refusal(unhex("0101010004010174"
                      "01ff00")) == CrdtError::bad_utf8);
  CHECK(refusal(unhex("0101018080808080"
                      "1000"
                      "0100")) == CrdtError::number_too_large);
  CHECK(refusal(unhex("010101000080808080"
                      "1000")) == CrdtError::clock_too_large);
  CHECK(refusal(unhex("01ffffff7f0100")) == CrdtError::truncated);
}

TEST_CASE("parked structs are bounded") {
  Doc doc(ClientId{1});
  const std::string big(std::size_t{8} << 20, 'x');
  std::uint64_t accepted = 0;
  Result<void> last;
  for (std::uint64_t client = 2; client < 32 && last.has_value(); ++client) {
    lib0::Encoder out;
    out.var_uint(1);
    out.var_uint(1);
    out.var_uint(client);
    out.var_uint(5);  // what comes before is missing
    out.u8(4);
    out.var_uint(1);
    out.var_string("t");
    out.var_string(big);
    out.var_uint(0);
    last = apply_update(doc, out.view());
    accepted += last.has_value() ? 1 : 0;
  }
  REQUIRE_FALSE(last.has_value());
  CHECK(last.error().is(CrdtError::too_much_pending));
  CHECK(accepted * big.size() <= k_pending_bytes_max);
  Peer peer(50);
  peer.doc.transact([&](Transaction& t) { peer.doc.text("t").insert(t, 0, "fine"); });
  CHECK(apply_update(doc, peer.emitted[0]).has_value());
}

}  // namespace vivim::crdt
