#include "vivim/rt/sim/disk.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::rt;
using sim::CrashKind;

namespace {

std::string read_all(Disk& disk, std::string_view path) {
  auto file = disk.open(path, OpenMode::read);
  if (!file) {
    return "<none>";
  }
  Bytes bytes((*file)->size().value());
  REQUIRE((*file)->read_at(0, bytes).value() == bytes.size());
  return std::string(as_text(bytes));
}

void put(Disk& disk, std::string_view path, std::string_view text) {
  auto file = disk.open(path, OpenMode::create);
  REQUIRE(file);
  REQUIRE((*file)->truncate(0));
  REQUIRE((*file)->write_at(0, as_bytes(text)));
  REQUIRE((*file)->sync());
}

}  // namespace

TEST_CASE("sim disk: reads, writes, names") {
  sim::World world(1);
  auto& disk = world.add_node("a").disk();
  CHECK(disk.open("x", OpenMode::read).error().is(RtError::not_found));
  CHECK(disk.open("../x", OpenMode::create).error().is(RtError::bad_path));
  put(disk, "x", "hello");
  auto file = disk.open("x", OpenMode::read_write).value();
  CHECK(file->write_at(7, as_bytes("!")));
  CHECK(read_all(disk, "x") == std::string("hello\0\0!", 8));
  CHECK(file->truncate(4));
  CHECK(file->size().value() == 4);
  Bytes buffer(3);
  CHECK(file->read_at(2, buffer).value() == 2);
  CHECK(file->read_at(4, buffer).value() == 0);
  CHECK(disk.rename("x", "y"));
  CHECK(!disk.exists("x"));
  CHECK(disk.list().value() == std::vector<std::string>{"y"});
  CHECK(disk.remove("y"));
  CHECK(disk.remove("y").error().is(RtError::not_found));
  CHECK(file->size().value() == 4);
  put(disk, "z", "z");
  CHECK(disk.open("z", OpenMode::read).value()->write_at(0, as_bytes("q")).error().is(RtError::io));
}

TEST_CASE("sim disk: one that lies goes back to an earlier moment, whole") {
  sim::World world(1);
  auto& node = world.add_node("a");
  put(node.disk(), "log", "0");
  REQUIRE(node.disk().sync_directory());
  node.disk().set_lying(true);
  constexpr int k_writes = 40;
  auto file = node.disk().open("log", OpenMode::read_write).value();
  for (int i = 1; i <= k_writes; ++i) {
    REQUIRE(file->write_at(static_cast<std::uint64_t>(i), as_bytes("1")));
    REQUIRE(file->sync());
  }
  put(node.disk(), "new", "x");
  REQUIRE(node.disk().sync_directory());
  node.crash();
  node.restart();
  const auto left = read_all(node.disk(), "log");
  CHECK(left == "0" + std::string(32, '1'));
  CHECK_FALSE(node.disk().exists("new"));

  put(node.disk(), "log", "2");
  node.crash(CrashKind::process);  // its kernel writes it out
  node.restart();
  CHECK(read_all(node.disk(), "log") == "2");
  put(node.disk(), "log", "3");
  node.disk().set_lying(false);
  node.crash();
  node.restart();
  CHECK(read_all(node.disk(), "log") == "3");
}

TEST_CASE(
    "sim disk: what was synced survives every crash, what was not may be kept, lost or torn") {
  int kept = 0;
  int lost = 0;
  int torn = 0;
  int named = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    sim::World world(seed);
    auto& node = world.add_node("a");
    put(node.disk(), "safe", std::string(2048, 'a'));
    REQUIRE(node.disk().sync_directory());
    auto file = node.disk().open("safe", OpenMode::read_write).value();
    REQUIRE(file->write_at(0, as_bytes(std::string(2048, 'b'))));
    put(node.disk(), "unnamed", "content");
    node.crash();
    CHECK(file->size().error().is(RtError::closed));
    CHECK(file->sync().error().is(RtError::closed));
    CHECK(node.disk().open("safe", OpenMode::read).error().is(RtError::closed));
    node.restart();
    CHECK(file->write_at(0, as_bytes("x")).error().is(RtError::closed));
    const std::string content = read_all(node.disk(), "safe");
    REQUIRE(content.size() == 2048);
    const auto old = static_cast<std::size_t>(std::ranges::count(content, 'a'));
    CHECK(old % sim::k_sector_bytes == 0);
    old == 0 ? ++kept : old == 2048 ? ++lost : ++torn;
    if (node.disk().exists("unnamed")) {
      ++named;
      CHECK(read_all(node.disk(), "unnamed") == "content");
    }
  }
  CHECK(kept > 5);
  CHECK(lost > 5);
  CHECK(torn > 5);
  CHECK(named > 5);
  CHECK(named < 55);
}

TEST_CASE("sim disk: a rename that was not synced is either there or not, never half") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    sim::World world(seed);
    auto& node = world.add_node("a");
    put(node.disk(), "config", "old");
    REQUIRE(node.disk().sync_directory());
    put(node.disk(), "config.new", "new");
    REQUIRE(node.disk().rename("config.new", "config"));
    node.crash();
    node.restart();
    const auto content = read_all(node.disk(), "config");
    CHECK((content == "old" || content == "new"));
    CHECK((content == "old" || !node.disk().exists("config.new")));
  }
}

TEST_CASE("sim disk: a process's crash loses nothing that was written") {
  sim::World world(3);
  auto& node = world.add_node("a");
  REQUIRE(node.disk().open("x", OpenMode::create).value()->write_at(0, as_bytes("unsynced")));
  node.crash(CrashKind::process);
  node.restart();
  CHECK(read_all(node.disk(), "x") == "unsynced");
}

TEST_CASE("sim disk: injected failures and a full disk") {
  sim::World world(1);
  auto& disk = world.add_node("a").disk();
  auto file = disk.open("x", OpenMode::create).value();
  disk.fail_operation(2);
  CHECK(file->write_at(0, as_bytes("a")));
  CHECK(file->write_at(1, as_bytes("b")).error().is(RtError::io));
  CHECK(file->write_at(1, as_bytes("b")));
  disk.set_capacity_bytes(4);
  CHECK(file->write_at(2, as_bytes("cd")));
  CHECK(file->write_at(4, as_bytes("e")).error().is(RtError::no_space));
  CHECK(file->write_at(0, as_bytes("AAAA")));
  disk.fail_always(RtError::no_space);
  CHECK(disk.list().error().is(RtError::no_space));
  disk.clear_faults();
  CHECK(disk.list());
  disk.fail_operation(1);
  CHECK(file->sync().error().is(RtError::io));
  CHECK(file->sync().error().is(RtError::io));  // what a failed sync lost stays lost
  CHECK(disk.open("x", OpenMode::read_write).value()->sync());
}
