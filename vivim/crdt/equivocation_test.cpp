#include "vivim/crdt/equivocation.hpp"

#include <functional>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/lazy_doc.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/samples_detail.hpp"
#include "vivim/crdt/text.hpp"

namespace vivim::crdt {
namespace {

constexpr Origin k_alice{7};
constexpr Origin k_bob{8};

/// What a client of id 5 wrote.
Bytes written(const std::function<void(Doc&, Transaction&)>& body) {
  Doc doc(ClientId{5});
  edit(doc, [&](Transaction& t) { body(doc, t); });
  return encode_state_as_update(doc);
}

std::vector<Equivocation> found(BytesView first, BytesView second) {
  Doc doc(ClientId{1});
  REQUIRE(apply_update(doc, first, k_alice));
  REQUIRE(apply_update(doc, second, k_bob));
  CHECK(consistent(doc));
  const auto count = equivocations(doc);
  auto evidence = take_equivocations(doc);
  CHECK(count == evidence.size());
  CHECK(take_equivocations(doc).empty());
  LazyDoc lazy(ClientId{2});
  REQUIRE(lazy.apply(first, k_alice));
  REQUIRE(lazy.apply(second, k_bob));
  CHECK_FALSE(lazy.resident());
  auto from_bytes = lazy.take_equivocations();
  REQUIRE(from_bytes.size() == evidence.size());
  for (std::size_t i = 0; i < evidence.size(); ++i) {
    from_bytes[i].kept_from = evidence[i].kept_from;  // bytes do not know
    CHECK(from_bytes[i] == evidence[i]);
  }
  return evidence;
}

using Body = std::function<void(Doc&, Transaction&)>;

}  // namespace

TEST_CASE(
    "equivocation: other text under the same ids is found, with what both were and who sent them") {
  const Bytes hello =
      written([](Doc& doc, Transaction& t) { doc.text("text").push(t, "hello world"); });
  const Bytes help =
      written([](Doc& doc, Transaction& t) { doc.text("text").push(t, "hello there, you"); });
  const auto evidence = found(hello, help);
  REQUIRE(evidence.size() == 1);
  CHECK(evidence[0].client == ClientId{5});
  CHECK(evidence[0].clocks == ClockRange{0, 11});
  CHECK(evidence[0].from == k_bob);
  CHECK(evidence[0].kept_from == k_alice);
  // Both sides are updates that show it again to whoever is told.
  CHECK(evidence[0].kept == hello);
  CHECK(evidence[0].refused == help);
}

TEST_CASE("equivocation: every way in which two structs of one id may differ") {
  const Bytes base = written([](Doc& doc, Transaction& t) {
    doc.map("map").set(t, "key", Any("value"));
    doc.array("array").insert(t, 0, {Any(1.0), Any(2.0), Any(3.0)});
  });
  const std::vector<Body> others{
      [](Doc& doc, Transaction& t) { doc.map("map").set(t, "key", Any("other")); },
      [](Doc& doc, Transaction& t) { doc.map("map").set(t, "another", Any("value")); },
      [](Doc& doc, Transaction& t) { doc.map("elsewhere").set(t, "key", Any("value")); },
      [](Doc& doc, Transaction& t) { doc.array("map").insert(t, 0, {Any("value")}); },
      [](Doc& doc, Transaction& t) { doc.text("text").push(t, "v"); },
      [](Doc& doc, Transaction& t) { doc.map("map").set_map(t, "key"); },
      [](Doc& doc, Transaction& t) { doc.map("map").set(t, "key", Any(Bytes{1})); },
      [](Doc& doc, Transaction& t) {
        doc.map("map").set(t, "key", Any("value"));
        doc.array("array").insert(t, 0, {Any(1.0), Any(2.5), Any(3.0)});
      },
      [](Doc& doc, Transaction& t) {
        doc.map("map").set(t, "key", Any("value"));
        doc.array("array").insert(t, 0, {Any(3.0)});
        doc.array("array").insert(t, 0, {Any(1.0), Any(2.0)});
      },
  };
  for (std::size_t i = 0; i < others.size(); ++i) {
    CAPTURE(i);
    CHECK(found(base, written(others[i])).size() == 1);
  }
}

TEST_CASE("equivocation: what is deleted on one side is no evidence, its place is") {
  const auto deleting = [](std::string_view words, std::uint32_t at) {
    Doc doc(ClientId{5});
    edit(doc, [&](Transaction& t) { doc.text("text").push(t, words); });
    edit(doc, [&](Transaction& t) { doc.text("text").remove(t, at, 2); });
    return encode_state_as_update(doc);
  };
  const Bytes words = written([](Doc& doc, Transaction& t) { doc.text("text").push(t, "abcdef"); });
  CHECK(found(words, deleting("abcdef", 2)).empty());
  CHECK(found(words, deleting("abXXef", 2)).empty());
  CHECK(found(deleting("abXXef", 2), words).empty());
  CHECK(found(words, deleting("abcdEf", 2)).size() == 1);
}

TEST_CASE("equivocation: honest documents never look like it, however they are sent again") {
  std::mt19937_64 rng(11);
  for (int round = 0; round < 60; ++round) {
    Peers peers(3);
    std::vector<Bytes> sent{{0, 0}};
    std::vector<Subscription> watching;
    for (std::size_t i = 0; i < 3; ++i) {
      watching.push_back(
          peers[i].on_update([&](BytesView update, Origin) { sent.push_back(to_bytes(update)); }));
    }
    LazyDoc lazy(ClientId{9});
    for (int step = 0; step < 60; ++step) {
      Doc& doc = peers[rng() % 3];
      random_edit(doc, rng);
      Doc& other = peers[rng() % 3];
      const bool v2 = rng() % 2 == 0;
      const auto format = v2 ? UpdateFormat::v2 : UpdateFormat::v1;
      switch (rng() % 3) {
        case 0:
          REQUIRE(apply_update(other, encode_state_as_update(doc, format), k_bob, format));
          break;
        case 1:
          REQUIRE(apply_update(other, sent[rng() % sent.size()], k_bob));
          break;
        default:
          REQUIRE(lazy.apply(sent[rng() % sent.size()], k_bob));
          REQUIRE(lazy.apply(encode_state_as_update(other), k_bob));
      }
    }
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(equivocations(peers[i]) == 0);
    }
    CHECK(lazy.take_equivocations().empty());
  }
}

TEST_CASE("equivocation: who sent what is kept is known of the first senders of a client") {
  constexpr std::uint64_t k_told = 15;  // and who comes after them is nobody
  constexpr std::uint64_t k_senders = 40;
  Doc doc(ClientId{1});
  Doc writer(ClientId{5});
  std::uint64_t sender = 0;
  const auto watching = writer.on_update(
      [&](BytesView update, Origin) { REQUIRE(apply_update(doc, update, Origin{++sender})); });
  for (std::uint64_t i = 0; i < k_senders; ++i) {
    edit(writer,
         [&](Transaction& t) { writer.map("map").set(t, "k", Any(static_cast<double>(i))); });
  }
  const auto kept_from = [&](std::uint64_t clock) {
    Doc impostor(ClientId{5});
    for (std::uint64_t i = 0; i <= clock; ++i) {
      edit(impostor, [&](Transaction& t) {
        impostor.map(i == clock ? "other" : "map").set(t, "k", Any(static_cast<double>(i)));
      });
    }
    REQUIRE(apply_update(doc, encode_state_as_update(impostor), k_bob));
    const auto evidence = take_equivocations(doc);
    REQUIRE(evidence.size() == 1);
    CHECK(evidence[0].clocks.from == clock);
    return evidence[0].kept_from.id;
  };
  CHECK(kept_from(0) == 1);
  CHECK(kept_from(7) == 8);
  CHECK(kept_from(k_told - 1) == k_told);
  CHECK(kept_from(k_told) == 0);
  CHECK(kept_from(k_senders - 1) == 0);
}

TEST_CASE("equivocation: evidence is bounded, the rest is counted") {
  Doc doc(ClientId{1});
  for (std::size_t i = 0; i < k_equivocations_max + 10; ++i) {
    const std::uint64_t client = 100 + i;
    for (const char* words : {"one", "two"}) {
      Doc writer(ClientId{client});
      edit(writer, [&](Transaction& t) { writer.text("text").push(t, words); });
      REQUIRE(apply_update(doc, encode_state_as_update(writer), k_bob));
    }
  }
  CHECK(equivocations(doc) == k_equivocations_max + 10);
  CHECK(take_equivocations(doc).size() == k_equivocations_max);

  const std::string much(k_evidence_bytes_max / 3, 'x');
  for (const char* head : {"a", "b", "c", "d"}) {
    Doc writer(ClientId{99});
    edit(writer, [&](Transaction& t) { writer.text("text").push(t, head + much); });
    REQUIRE(apply_update(doc, encode_state_as_update(writer), k_bob));
  }
  CHECK(equivocations(doc) == k_equivocations_max + 13);
  CHECK(take_equivocations(doc).size() == 1);
}

}  // namespace vivim::crdt
