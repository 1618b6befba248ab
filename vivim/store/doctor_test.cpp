#include "vivim/store/doctor.hpp"

#include <doctest/doctest.h>

#include "vivim/store/blobs.hpp"
#include "vivim/store/search.hpp"
#include "vivim/store/store_test_detail.hpp"

namespace vivim::store {
namespace {

using namespace testing;

std::string failing(Database& db, const UpdateReader& reader = {}) {
  std::string names;
  for (const Check& check : examine(db, reader)) {
    names += check.ok ? "" : check.name + " ";
  }
  return names;
}

struct DoctorFixture : Fixture {
  DoctorFixture() {
    const DocumentId id = make_document(*db, 1);
    Documents documents(*db);
    for (int i = 0; i < 4; ++i) {
      must(documents.append_update(id, to_bytes("update")));
    }
    must(documents.compact(id, to_bytes("snapshot"), 2));
    Packer packer;
    must(Blobs(*db).put(pack_blob(packer, to_bytes("blob")), id));
    must(Search(*db).replace(std::vector{IndexedDocument{.id = id, .title = "title"}}));
  }
};

TEST_CASE("doctor: a good database has nothing wrong") {
  DoctorFixture f;
  const auto checks = examine(*f.db);
  CHECK(checks.size() == 6);
  for (const Check& check : checks) {
    CHECK_MESSAGE(check.ok, check.name << ": " << check.detail);
    CHECK_FALSE(check.detail.empty());
  }
}

TEST_CASE("doctor: finds each kind of damage") {
  struct Damage {
    const char* sql;
    const char* found_by;
  };
  const Damage damages[] = {
      {"UPDATE blobs SET codec = 0, size = 1, bytes = x'00'", "blobs "},
      {"UPDATE blobs SET key = 7", "blobs "},
      {"DELETE FROM updates WHERE seq = 3", "logs "},
      {"UPDATE snapshots SET seq = 1", "logs "},
      {"UPDATE snapshots SET codec = 1", "updates "},
      {"PRAGMA foreign_keys=OFF; DELETE FROM documents; PRAGMA foreign_keys=ON", "references "},
      {"DROP TRIGGER turn_texts_deleted; DELETE FROM turn_texts", "search "},
      {"DROP TABLE blobs", "blobs "},
  };
  for (const Damage& damage : damages) {
    DoctorFixture f;
    must(f.db->execute("PRAGMA foreign_keys=OFF"));
    must(f.db->execute(damage.sql));
    CHECK_MESSAGE(failing(*f.db).find(damage.found_by) != std::string::npos, damage.sql);
  }
}

TEST_CASE("doctor: asks the reader about every update and snapshot") {
  DoctorFixture f;
  std::vector<std::string> seen;
  CHECK(failing(*f.db, [&](BytesView bytes) {
          seen.emplace_back(as_text(bytes));
          return true;
        }) == "");
  CHECK(seen == std::vector<std::string>{"snapshot", "update", "update"});
  CHECK(failing(*f.db, [](BytesView) { return false; }) == "updates ");
}

}  // namespace
}  // namespace vivim::store
