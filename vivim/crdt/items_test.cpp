#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/block_pool_detail.hpp"
#include "vivim/crdt/item_detail.hpp"

namespace vivim::crdt::detail {
namespace {

Item text_item(Items& items, std::string_view utf8, std::uint32_t units) {
  Item item;
  item.set_kind(Kind::string);
  item.len = units;
  items.set_text(item, utf8, units);
  return item;
}

std::string read(const Items& items, const Item& item) {
  std::string out;
  items.append_to(out, item);
  return out;
}

void grow(Items& items, Item& item, std::string_view utf8, std::uint32_t units) {
  items.append_string(item, utf8, units);
  item.len += units;
}

Item cut(Items& items, Item& item, std::uint32_t units) {
  Item tail;
  tail.set_kind(item.kind());
  tail.len = item.len - units;
  items.split_text(item, tail, units);
  item.len = units;
  return tail;
}

}  // namespace

TEST_CASE("block pool: blocks of every size hold what was put into them, however they grow") {
  BlockPool pool;
  std::map<BlockPool::Ref, std::size_t> blocks;
  std::uint32_t random = 7;
  const auto below = [&](std::uint32_t limit) {
    random = random * 1664525 + 1013904223;
    return static_cast<std::size_t>((std::uint64_t{random} * limit) >> 32);
  };
  const auto mark = [](BlockPool::Ref ref) { return static_cast<std::uint8_t>(ref * 37 + 1); };
  for (int step = 0; step < 20'000; ++step) {
    if (blocks.size() < 300 && below(3) > 0) {
      const std::size_t bytes = 1 + below(below(8) == 0 ? 5000 : 200);
      const BlockPool::Ref ref = pool.take(bytes);
      REQUIRE(ref != BlockPool::k_nothing);
      REQUIRE(!blocks.contains(ref));
      std::memset(pool.at(ref), mark(ref), bytes);
      blocks.emplace(ref, bytes);
      continue;
    }
    if (blocks.empty()) {
      continue;
    }
    auto it =
        std::next(blocks.begin(),
                  static_cast<std::ptrdiff_t>(below(static_cast<std::uint32_t>(blocks.size()))));
    auto [ref, bytes] = *it;
    for (std::size_t i = 0; i < bytes; ++i) {
      REQUIRE(pool.at(ref)[i] == mark(ref));
    }
    blocks.erase(it);
    if (below(2) == 0) {
      pool.give(ref, bytes);
      continue;
    }
    const std::size_t wanted = 1 + below(below(8) == 0 ? 9000 : 300);
    const BlockPool::Ref moved = pool.resized(ref, bytes, wanted);
    for (std::size_t i = 0; i < std::min(bytes, wanted); ++i) {
      REQUIRE(pool.at(moved)[i] == mark(ref));
    }
    REQUIRE(!blocks.contains(moved));
    std::memset(pool.at(moved), mark(moved), wanted);
    blocks.emplace(moved, wanted);
  }
}

TEST_CASE("items: text stays what it is while it grows, is cut, and becomes wide") {
  Items items;
  Item item = text_item(items, "ab", 2);
  for (int i = 0; i < 2000; ++i) {
    grow(items, item, "cd", 2);
  }
  CHECK(read(items, item).size() == 4002);
  Item tail = cut(items, item, 3);
  CHECK(read(items, item) == "abc");
  CHECK(read(items, tail).substr(0, 4) == "dcdc");
  CHECK(!item.wide());
  grow(items, item, "\xc3\xa9", 1);
  CHECK(item.wide());
  CHECK(read(items, item) == "abc\xc3\xa9");
  items.append_text(item, tail);
  item.len += tail.len;
  CHECK(read(items, item).substr(0, 9) ==
        "abc\xc3\xa9"
        "dcdc");
  items.clear(item);
  items.clear(tail);
}

TEST_CASE("items: a surrogate pair that is cut becomes two replacements, inline or not") {
  for (const std::string padding : {"", "0123456789"}) {
    Items items;
    const auto units = static_cast<std::uint32_t>(padding.size() + 2);
    Item item = text_item(items, padding + "\xf0\x9f\x98\x80", units);
    const Item tail = cut(items, item, units - 1);
    CHECK(read(items, item) == padding + "\xef\xbf\xbd");
    CHECK(read(items, tail) == "\xef\xbf\xbd");
  }
}

TEST_CASE("items: bytes are copied, joined and cut") {
  Items items;
  Item item;
  item.set_kind(Kind::any);
  CHECK(items.bytes(item).empty());
  items.set_bytes(item, as_bytes("one"));
  items.append_bytes(item, as_bytes(std::string(100, 'x')));
  Item twin;
  twin.set_kind(Kind::any);
  items.copy_content(item, twin);
  Item tail;
  tail.set_kind(Kind::any);
  items.split_bytes(item, tail, 2);
  CHECK(as_text(items.bytes(item)) == "on");
  CHECK(as_text(items.bytes(tail)) == "e" + std::string(100, 'x'));
  CHECK(items.bytes(twin).size() == 103);
  items.set_bytes(twin, as_bytes("new"));
  CHECK(as_text(items.bytes(twin)) == "new");
}

TEST_CASE("items: each shape is kept once, and what has gone makes room for what comes") {
  Items items;
  std::vector<ItemRef> refs;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    refs.push_back(items.make());
    items.set_shape(items[refs.back()], {.client = i % 10, .parent = i % 100});
  }
  for (std::uint32_t i = 0; i < 1000; ++i) {
    CHECK(items.client(items[refs[i]]) == i % 10);
    CHECK(items.parent(items[refs[i]]) == i % 100);
    CHECK(items[refs[i]].shape() == items[refs[i % 100]].shape());
  }
  items.release(refs[5]);
  items.release(refs[7]);
  CHECK(items.make() == refs[7]);
  CHECK(items.make() == refs[5]);
  CHECK(items[refs[5]].len == 0);
  CHECK(items.capacity() == 1000);
}

}  // namespace vivim::crdt::detail
