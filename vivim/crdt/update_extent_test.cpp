#include "vivim/crdt/update_extent.hpp"

#include <array>

#include <doctest/doctest.h>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::crdt {
namespace {

/// Updates of one client that types `count` words of two letters.
std::vector<Bytes> typed_words(ClientId client, std::size_t count) {
  Doc doc(client);
  std::vector<Bytes> updates;
  const auto watching =
      doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  for (std::size_t i = 0; i < count; ++i) {
    doc.transact([&](Transaction& t) { doc.text("text").push(t, "ab"); });
  }
  return updates;
}

constexpr auto k_all = [](const WrittenRange& range) { return range.clocks.to; };
constexpr auto k_nothing = [](const WrittenRange&) { return std::uint64_t{0}; };

Bytes merged(std::initializer_list<BytesView> updates) {
  return merge_updates(std::vector<BytesView>(updates)).value();
}

}  // namespace

TEST_CASE("extent: whose operations, with the gaps, and whether it deletes") {
  const auto low = typed_words(ClientId{5}, 3);
  const auto high = typed_words(ClientId{1ULL << 40}, 1);
  const auto extent = extent_of(merged({low[0], low[2], high[0]}));
  REQUIRE(extent);
  CHECK(extent->written ==
        std::vector<WrittenRange>{{.client = ClientId{1ULL << 40}, .clocks = {0, 2}},
                                  {.client = ClientId{5}, .clocks = {0, 2}},
                                  {.client = ClientId{5}, .clocks = {4, 6}}});
  CHECK_FALSE(extent->deletes);

  Doc doc(ClientId{7});
  REQUIRE(apply_update(doc, low[0]));
  Bytes deletion;
  const auto watching =
      doc.on_update([&](BytesView update, Origin) { deletion = to_bytes(update); });
  doc.transact([&](Transaction& t) { doc.text("text").remove(t, 0, 1); });
  const auto only_deletes = extent_of(deletion);
  REQUIRE(only_deletes);
  CHECK(only_deletes->written.empty());
  CHECK(only_deletes->deletes);
  CHECK_FALSE(extent_of(Bytes{9, 9}).has_value());
  CHECK(without(deletion, k_all).value() == deletion);
  CHECK(without(deletion, k_all, Deletions::drop).value() == Bytes{0, 0});
}

TEST_CASE("extent: an update without some of it is an update, and merges with what was left out") {
  const auto low = typed_words(ClientId{5}, 3);
  const auto high = typed_words(ClientId{9}, 2);
  const Bytes all = merged({low[0], low[1], low[2], high[0], high[1]});
  const Bytes part = without(all, [](const WrittenRange& range) {
                       return range.client == ClientId{9} ? 0 : range.clocks.to;
                     }).value();
  CHECK(part == merged({low[0], low[1], low[2]}));
  CHECK(without(all, k_all).value() == all);
  CHECK(without(all, k_nothing).value() == Bytes{0, 0});

  // Of a client with gaps one run: the others keep their place.
  const auto five = typed_words(ClientId{5}, 5);
  const Bytes gaps = merged({five[0], five[2], five[4]});
  const Bytes outer = without(gaps, [](const WrittenRange& range) {
                        return range.clocks.from == 4 ? 0 : range.clocks.to;
                      }).value();
  CHECK(outer == merged({five[0], five[4]}));
  const Bytes later = without(gaps, [](const WrittenRange& range) {
                        return range.clocks.from == 0 ? 0 : range.clocks.to;
                      }).value();
  CHECK(later == merged({five[2], five[4]}));
  CHECK_FALSE(without(Bytes{9, 9}, k_all).has_value());
}

TEST_CASE("extent: what is left out begins anywhere, but in the middle of what is one") {
  Doc doc(ClientId{5});
  doc.transact([&](Transaction& t) {
    doc.text("text").push(t, "ab\xf0\x9f\x98\x80z");  // a pair of surrogates: clocks 2 and 3
    doc.array("array").insert(t, 0, {Any(1.0), Any("two"), Any(3.0)});
    doc.array("array").insert(t, 3, {Any(Bytes{1, 2})});
  });
  doc.transact([&](Transaction& t) { doc.text("text").remove(t, 4, 1); });
  const Bytes all = encode_state_as_update(doc);
  const auto whole = state_vector(doc).at(ClientId{5});
  for (std::uint64_t clock = 0; clock <= whole; ++clock) {
    const Bytes head = without(all, [&](const WrittenRange&) { return clock; }).value();
    Doc copy(ClientId{6});
    REQUIRE(apply_update(copy, head));
    const auto state = state_vector(copy);
    const auto at = state.find(ClientId{5});
    CHECK((at == state.end() ? 0 : at->second) == (clock == 3 ? 0 : clock));
    REQUIRE(apply_update(copy, all));
    CHECK(encode_state_as_update(copy) == all);
  }
}

}  // namespace vivim::crdt
