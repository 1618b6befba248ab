#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/columns_detail.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"
#include "vivim/crdt/wire_detail.hpp"

// What is done sooner for updates of many structs is what is done for one.
namespace vivim::crdt {
namespace {

using detail::Kind;

// Edits of one client in several lists, nested ones too; their updates one by one.
std::vector<Bytes> edits(Doc& doc, std::uint64_t seed, int count) {
  std::mt19937_64 rng(seed);
  std::vector<Bytes> updates;
  const auto listening =
      doc.on_update([&](BytesView update, Origin) { updates.push_back(to_bytes(update)); });
  doc.transact([&](Transaction& t) { doc.map("m").set_text(t, "t"); });
  std::vector<Text> texts{doc.text("a"), doc.text("b"), *doc.map("m").get("t")->if_text()};
  for (int i = 0; i < count; ++i) {
    doc.transact([&](Transaction& t) {
      Text& text = texts[rng() % texts.size()];
      const auto at = static_cast<std::uint32_t>(rng() % (text.length() + 1));
      if (rng() % 3 == 0) {
        text.remove(t, at, static_cast<std::uint32_t>(rng() % 5));
      } else if (rng() % 12 == 0) {
        text.insert(t, at, "d\xc3\xa9j\xc3\xa0 \xf0\x9f\x98\x80");
      } else {
        text.insert(t, at, std::string(1 + rng() % 40, static_cast<char>('a' + i % 26)));
      }
    });
  }
  return updates;
}

Bytes state_of(std::span<const Bytes> updates) {
  Doc doc(ClientId{99});
  for (const Bytes& update : updates) {
    REQUIRE(apply_update(doc, update).has_value());
  }
  REQUIRE(consistent(doc));
  CHECK_FALSE(has_pending(doc));
  return encode_state_as_update(doc);
}

detail::WireStruct text_struct(std::uint64_t clock, std::string_view text) {
  detail::WireStruct item;
  item.client = 7;
  item.clock = clock;
  item.kind = Kind::string;
  item.len = text.size();
  item.content = as_bytes(text);
  return item;
}

Bytes written(std::span<const detail::WireStruct> items, const detail::WireDeletes& deletes) {
  detail::UpdateEncoderV1 out;
  out.rest().var_uint(1);
  out.rest().var_uint(items.size());
  out.client(items.front().client);
  out.rest().var_uint(items.front().clock);
  for (const auto& item : items) {
    write_struct(out, item, 0);
  }
  write_deletes(out, deletes);
  return out.take();
}

template <class Column>
std::string column(const std::vector<std::uint64_t>& values, void (Column::*write)(std::uint64_t)) {
  Column out;
  for (const std::uint64_t value : values) {
    (out.*write)(value);
  }
  return to_hex(out.finish());
}

}  // namespace

TEST_CASE("a state is the same whether it came as one update, as many, or as many in one") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    // Ids of one byte and of eight.
    Doc doc(ClientId{seed % 2 == 0 ? seed : (std::uint64_t{1} << 52) + seed});
    const std::vector<Bytes> updates = edits(doc, seed, 400);
    const Bytes state = encode_state_as_update(doc);
    CHECK(to_hex(state_of(updates)) == to_hex(state));
    CHECK(to_hex(state_of(std::vector<Bytes>{state})) == to_hex(state));
    const std::vector<BytesView> views(updates.begin(), updates.end());
    const auto merged = merge_updates(views);
    REQUIRE(merged.has_value());
    CHECK(to_hex(state_of(std::vector<Bytes>{*merged})) == to_hex(state));
    // What follows what is there: the first structs are known already.
    std::vector<Bytes> parts(updates.begin(), updates.begin() + 200);
    parts.push_back(*merged);
    CHECK(to_hex(state_of(parts)) == to_hex(state));
    const auto as_v2 = convert_update(state, UpdateFormat::v1, UpdateFormat::v2);
    REQUIRE(as_v2.has_value());
    CHECK(to_hex(encode_state_as_update(doc, UpdateFormat::v2)) == to_hex(*as_v2));
  }
}

TEST_CASE("clocks of every size are written as they came") {
  constexpr std::uint64_t k_gone = (std::uint64_t{1} << 28) + 5;
  for (const std::uint64_t gone : {k_gone, k_gone - 10, std::uint64_t{300}}) {
    std::vector<detail::WireStruct> items{text_struct(0, "a")};
    items.front().set_root("t");
    detail::WireStruct left = text_struct(1, "");
    left.kind = Kind::deleted;
    left.len = gone;
    left.content = {};
    left.set_origin({ClientId{7}, 0});
    items.push_back(left);
    for (std::uint64_t i = 0; i < 100; ++i) {
      detail::WireStruct item = text_struct(items.back().end(), i % 2 == 0 ? "bcd" : "efghijklmn");
      item.set_origin({ClientId{7}, i % 3 == 0 ? gone : items.back().end() - 1});
      // Each before the one that stood there.
      item.has_right_origin = i % 3 == 0 && i > 0;
      if (item.has_right_origin) {
        item.right_origin = {ClientId{7}, items[items.size() - 3].clock};
      }
      items.push_back(item);
    }
    Doc doc(ClientId{1});
    REQUIRE(apply_update(doc, written(items, {{7, {{1, gone + 1}}}})).has_value());
    REQUIRE(consistent(doc));
    const Bytes state = encode_state_as_update(doc);
    const auto decoded = detail::decode_update(state);
    REQUIRE(decoded.has_value());
    CHECK(to_hex(written(decoded->structs, decoded->deletes)) == to_hex(state));
    CHECK(decoded->structs.back().end() == items.back().end());
    Doc copy(ClientId{2});
    REQUIRE(apply_update(copy, encode_state_as_update(doc, UpdateFormat::v2), {}, UpdateFormat::v2)
                .has_value());
    CHECK(to_hex(encode_state_as_update(copy)) == to_hex(state));
  }
}

TEST_CASE("an update that ends anywhere is refused, whatever its last struct is") {
  Doc doc(ClientId{5});
  const std::vector<Bytes> updates = edits(doc, 3, 60);
  for (const Bytes& update : updates) {
    for (std::size_t size = 0; size < update.size(); ++size) {
      // In memory of its own, where a checker sees what is read behind it.
      const Bytes cut(update.begin(), update.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(detail::decode_update(cut).has_value());
    }
  }
}

TEST_CASE("columns: values without a pattern are written as any are") {
  std::mt19937_64 rng(4);
  constexpr std::uint64_t k_edges[] = {0,
                                       1,
                                       62,
                                       63,
                                       64,
                                       8191,
                                       8192,
                                       1U << 26,
                                       1U << 27,
                                       (1U << 26) - 1,
                                       1ULL << 31,
                                       1ULL << 40,
                                       (1ULL << 53) - 1};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint64_t> values;
    while (values.size() < 60) {
      const std::uint64_t value =
          rng() % 2 == 0 ? k_edges[rng() % std::size(k_edges)] : rng() % (1ULL << (1 + rng() % 40));
      const std::size_t times = rng() % 3 == 0 ? 1 + rng() % (round == 0 ? 300 : 5) : 1;
      values.insert(values.end(), times, value);
    }
    using Uints = detail::UintColumnWriter;
    using Diffs = detail::DiffColumnWriter;
    CHECK(column<Uints>(values, &Uints::write_any) == column<Uints>(values, &Uints::write));
    CHECK(column<Diffs>(values, &Diffs::write_any) == column<Diffs>(values, &Diffs::write));
  }
}

}  // namespace vivim::crdt
