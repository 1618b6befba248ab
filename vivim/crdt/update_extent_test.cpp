#include "vivim/crdt/update_extent.hpp"

#include <array>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"

namespace vivim::crdt {
namespace {

/// Updates of one client that types `count` words of two letters.
std::vector<Bytes> typed(ClientId client, std::size_t count) {
  Doc doc(client);
  std::vector<Bytes> updates;
  const auto watching =
      doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  for (std::size_t i = 0; i < count; ++i) {
    doc.transact([&](Transaction& t) { doc.text("text").push(t, "ab"); });
  }
  return updates;
}

Bytes merged(std::initializer_list<BytesView> updates) {
  return merge_updates(std::vector<BytesView>(updates)).value();
}

}  // namespace

TEST_CASE("extent: whose operations, with the gaps, and whether it deletes") {
  const auto low = typed(ClientId{5}, 3);
  const auto high = typed(ClientId{1ULL << 40}, 1);
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
}

TEST_CASE("extent: an update without some of it is an update, and merges with what was left out") {
  const auto low = typed(ClientId{5}, 3);
  const auto high = typed(ClientId{9}, 2);
  const Bytes all = merged({low[0], low[1], low[2], high[0], high[1]});
  const Bytes part =
      without(all, [](const WrittenRange& range) { return range.client == ClientId{9}; }).value();
  CHECK(part == merged({low[0], low[1], low[2]}));
  CHECK(without(all, [](const WrittenRange&) { return false; }).value() == all);
  CHECK(without(all, [](const WrittenRange&) { return true; }).value() == Bytes{0, 0});

  // Of a client with gaps one run: the others keep their place.
  const auto four = typed(ClientId{5}, 5);
  const Bytes gaps = merged({four[0], four[2], four[4]});
  const Bytes outer =
      without(gaps, [](const WrittenRange& range) { return range.clocks.from == 4; }).value();
  CHECK(outer == merged({four[0], four[4]}));
  const Bytes later =
      without(gaps, [](const WrittenRange& range) { return range.clocks.from == 0; }).value();
  CHECK(later == merged({four[2], four[4]}));
  CHECK_FALSE(without(Bytes{9, 9}, [](const WrittenRange&) { return true; }).has_value());
}

}  // namespace vivim::crdt
