#include <fstream>

#include <doctest/doctest.h>

#include "vivim/store/error.hpp"
#include "vivim/store/grants.hpp"
#include "vivim/store/settings.hpp"
#include "vivim/store/store_test_detail.hpp"

namespace vivim::store {
namespace {

using namespace testing;

DatabaseOptions at(const std::string& path) {
  return {.path = path};
}

TEST_CASE("database: created, closed cleanly and opened again, on files") {
  const TemporaryFolder folder;
  const std::string path = folder.file("vivim.db");
  {
    const auto db = must(Database::open(at(path)));
    CHECK(db->open_report().created);
    must(Settings(*db).set("key", to_bytes("value")));
    must(db->close());
  }
  CHECK_FALSE(std::filesystem::exists(path + "-wal"));
  using std::filesystem::perms;
  CHECK((std::filesystem::status(path).permissions() & (perms::group_all | perms::others_all)) ==
        perms::none);
  const auto db = must(Database::open(at(path)));
  CHECK_FALSE(db->open_report().created);
  CHECK(db->open_report().clean);
  CHECK_FALSE(db->open_report().checked);
  CHECK(must(Settings(*db).get("key")) == to_bytes("value"));
  CHECK_FALSE(must(Settings(*db).get("none")).has_value());
  must(Settings(*db).remove("key"));
  CHECK_FALSE(must(Settings(*db).get("key")).has_value());
}

TEST_CASE("database: one owner at a time") {
  const TemporaryFolder folder;
  const std::string path = folder.file("vivim.db");
  auto first = must(Database::open(at(path)));
  CHECK(fails(Database::open(at(path)), StoreError::locked));
  must(first->close());
  CHECK(Database::open(at(path)).has_value());
}

TEST_CASE("database: an unclean end is noticed and checked") {
  Fixture fixture;
  fixture.crash_and_open();
  CHECK_FALSE(fixture.db->open_report().clean);
  CHECK(fixture.db->open_report().checked);
  must(fixture.db->close());
  fixture.open();
  CHECK(fixture.db->open_report().clean);
}

TEST_CASE("database: a newer schema is refused and left alone") {
  Fixture fixture;
  must(fixture.db->execute("PRAGMA user_version=99"));
  must(fixture.db->close());
  const auto opened = Database::open(fixture.options());
  REQUIRE(fails(opened, StoreError::newer_schema));
  CHECK(opened.error().detail() == 99);
}

TEST_CASE("database: another application's file is refused") {
  Fixture fixture;
  must(fixture.db->execute("PRAGMA application_id=7"));
  must(fixture.db->close());
  CHECK(fails(Database::open(fixture.options()), StoreError::not_vivim));
}

TEST_CASE("database: a file that is no database is corrupt, not a crash") {
  const TemporaryFolder folder;
  const std::string path = folder.file("vivim.db");
  std::ofstream(path) << std::string(10'000, 'x');
  CHECK(fails(Database::open(at(path)), StoreError::corrupt));
}

TEST_CASE("database: a folder that is not there") {
  CHECK(fails(Database::open(at("/nowhere/at/all/vivim.db")), StoreError::io));
}

/// Overwrites a page's middle after a crash, so that the start-up check looks.
TEST_CASE("database: damaged pages are found at start-up after an unclean end") {
  silence_log();
  Fixture fixture;
  const DocumentId id = make_document(*fixture.db, 1);
  for (int i = 0; i < 200; ++i) {
    must(Documents(*fixture.db).append_update(id, Bytes(500, 1)));
  }
  must(fixture.db->run("PRAGMA wal_checkpoint(TRUNCATE)"));
  fixture.disk.flush_and_detach();
  fixture.db.reset();
  int refused = 0;
  const std::uint64_t size = must(must(fixture.disk.open("vivim.db", rt::OpenMode::read))->size());
  for (std::uint64_t page = 1; page < size / 4096; ++page) {
    auto file = must(fixture.disk.open("vivim.db", rt::OpenMode::read_write));
    Bytes saved(4096);
    must(file->read_at(page * 4096, saved));
    must(file->write_at(page * 4096, Bytes(200, 0xff)));
    const auto opened = Database::open(fixture.options());
    refused += fails(opened, StoreError::corrupt) ? 1 : 0;
    // A page of no use at start may be overlooked only if the check says that all is well.
    CHECK((opened.has_value() || opened.error().is(StoreError::corrupt)));
    must(file->write_at(page * 4096, saved));
  }
  CHECK(refused > 20);
  CHECK(Database::open(fixture.options()).has_value());
}

TEST_CASE("database: migrations run in order, once, and all or nothing") {
  const std::array list{
      Migration{.version = 2, .sql = "ALTER TABLE imports ADD COLUMN note TEXT"},
      Migration{.version = 3, .sql = "UPDATE imports SET note = 'migrated'"},
      Migration{.version = 4, .sql = "CREATE TABLE half(x); INSERT INTO nothing VALUES(1)"},
  };
  Fixture fixture;
  Database& db = *fixture.db;
  CHECK(migrations().front().version == 1);
  CHECK(migrations().back().version == k_schema_version);
  must(db.run("INSERT INTO imports(source, started, bytes, report) VALUES('a', 1, 2, '{}')"));
  must(apply_migrations(db, list, 1, 3));
  Query query = db.query("SELECT note, user_version FROM imports, pragma_user_version");
  must(query.row());
  CHECK(query.text_view(0) == "migrated");
  CHECK(query.integer(1) == 3);
  CHECK_FALSE(apply_migrations(db, list, 3, 4).has_value());
  CHECK_FALSE(db.run("SELECT * FROM half").has_value());
  CHECK_FALSE(db.in_transaction());
}

/// The statements of version 1 as they were released: a later program must open what they made.
TEST_CASE("database: a database made by version 1 is upgraded") {
  const TemporaryFolder folder;
  const std::string path = folder.file("vivim.db");
  {
    const auto db = must(Database::open(at(path)));
    must(db->execute(
        "DROP TABLE messages; DROP TABLE message_marks; DROP TABLE outgoing;"
        "DROP TABLE mail; DROP TABLE circle_log; DROP TABLE circles; DROP TABLE message_totals;"
        "DROP TABLE correspondents;"));
    must(
        db->execute("INSERT INTO documents VALUES(1, x'000102030405060708090a0b0c0d0e0f', 1, 5);"
                    "INSERT INTO updates VALUES(1, 1, x'aabb');"
                    "INSERT INTO settings VALUES('node', x'00');"
                    "INSERT INTO grants(id, doc, secret, joined, addresses, created) "
                    "VALUES(zeroblob(16), 1, zeroblob(32), 0, x'', 5);"
                    // What version 2 has added.
                    "ALTER TABLE grants DROP COLUMN access;"
                    "DROP TABLE members; DROP TABLE envelope_ranges; DROP TABLE envelopes;"
                    "DROP TABLE bindings; DROP TABLE authors;"
                    "PRAGMA user_version=1"));
    must(db->close());
  }
  const auto db = must(Database::open(at(path)));
  CHECK(db->open_report().migrated_from == 1);
  const auto log = must(Documents(*db).load(must(Documents(*db).list({}, 10)).at(0).id));
  CHECK(log.updates.at(0).bytes == Bytes{0xaa, 0xbb});
  CHECK(must(Grants(*db).get(GrantId())).access == Access::write);
}

TEST_CASE("database: a file keeps the size of its pages") {
  const auto number = [](Database& db, std::string_view sql) {
    Query query = db.query(sql);
    must(query.row());
    return query.integer(0);
  };
  const TemporaryFolder folder;
  const std::string path = folder.file("vivim.db");
  {
    const auto db = must(Database::open(at(path)));
    CHECK(number(*db, "PRAGMA page_size") == 16384);
    CHECK(number(*db, "PRAGMA wal_autocheckpoint") == 4096);
    must(Settings(*db).set("key", to_bytes("value")));
    must(
        db->execute("PRAGMA journal_mode=DELETE;PRAGMA page_size=8192;VACUUM;"
                    "PRAGMA journal_mode=WAL"));
    must(db->close());
  }
  const auto db = must(Database::open(at(path)));
  CHECK(number(*db, "PRAGMA page_size") == 8192);
  CHECK(number(*db, "PRAGMA wal_autocheckpoint") == 8192);
  CHECK(must(Settings(*db).get("key")) == to_bytes("value"));
}

TEST_CASE("database: atomically undoes all of a failed body, nested too") {
  Fixture fixture;
  Database& db = *fixture.db;
  Settings settings(db);
  const auto outer = db.atomically([&]() -> Result<void> {
    VIVIM_TRYV(settings.set("outer", to_bytes("1")));
    const auto inner = db.atomically([&]() -> Result<void> {
      VIVIM_TRYV(settings.set("inner", to_bytes("1")));
      return fail(StoreError::not_found);
    });
    CHECK(fails(inner, StoreError::not_found));
    return {};
  });
  CHECK(outer.has_value());
  CHECK(must(settings.get("outer")).has_value());
  CHECK_FALSE(must(settings.get("inner")).has_value());
}

TEST_CASE("query: mistakes come out as errors, and one statement may run twice at once") {
  Fixture fixture;
  Database& db = *fixture.db;
  CHECK(fails(db.run("SELEKT 1"), StoreError::internal));
  CHECK(fails(db.run("SELECT ?", 1, 2), StoreError::internal));
  make_document(db, 1);
  make_document(db, 2);
  constexpr std::string_view k_sql = "SELECT doc FROM documents ORDER BY id";
  Query outer = db.query(k_sql);
  int pairs = 0;
  while (must(outer.step())) {
    Query inner = db.query(k_sql);
    while (must(inner.step())) {
      ++pairs;
    }
  }
  CHECK(pairs == 4);
}

TEST_CASE("database: closing leaves no log behind on a simulated disk") {
  Fixture fixture;
  make_document(*fixture.db, 1);
  must(fixture.db->close());
  CHECK(must(fixture.disk.list()) == std::vector<std::string>{"vivim.db"});
}

TEST_CASE("database: every operation of the disk may fail, and nothing worse happens") {
  int failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    Fixture fixture(n);
    const DocumentId id = make_document(*fixture.db, 1);
    must(Documents(*fixture.db).append_update(id, to_bytes("first")));
    fixture.disk.fail_operation(n);
    const std::uint64_t before = fixture.disk.operations();
    const auto appended = Documents(*fixture.db).append_update(id, Bytes(20'000, 7));
    const auto closed = fixture.db->close();
    const bool done = fixture.disk.operations() - before < n;
    fixture.disk.clear_faults();
    fixture.db.reset();
    fixture.disk.crash();
    fixture.open();
    const auto log = must(Documents(*fixture.db).load(id));
    REQUIRE(log.updates.size() >= (appended ? 2U : 1U));
    CHECK(as_text(log.updates[0].bytes) == "first");
    failures += !appended || !closed ? 1 : 0;
    if (done) {
      break;
    }
  }
  CHECK(failures > 5);
}

}  // namespace
}  // namespace vivim::store
