#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "vivim/base/log.hpp"
#include "vivim/rt/sim/disk.hpp"
#include "vivim/rt/sim/engine.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::store::testing {

/// For tests that provoke many errors.
inline void silence_log() {
  log::set_sink([](auto&&...) {}, log::Level::error);
}

/// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "vivim-store-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// A database on a simulated disk.
struct Fixture {
  explicit Fixture(std::uint64_t seed = 1) : engine(seed), disk(engine) { open(); }

  DatabaseOptions options() { return {.path = "vivim.db", .disk = &disk, .random_seed = 1}; }

  void open() {
    auto opened = Database::open(options());
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message()));
    db = std::move(*opened);
  }

  void crash_and_open() {
    disk.crash();
    db.reset();
    open();
  }

  rt::sim::Engine engine;
  rt::sim::SimDisk disk;
  std::unique_ptr<Database> db;
};

inline DocumentId document_id(std::uint64_t number) {
  DocumentId id;
  store_be64(MutableBytes(id.bytes).subspan(8), number);
  return id;
}

inline DocumentId make_document(Database& db, std::uint64_t number) {
  const DocumentId id = document_id(number);
  REQUIRE(Documents(db).create(id, DocumentKind::conversation, 1000).has_value());
  return id;
}

/// The value, which must be there.
template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().message()));
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

template <class T>
bool fails(const Result<T>& result, StoreError code) {
  if (!result) {
    INFO(result.error().message());
  }
  return !result && result.error().is(code);
}

}  // namespace vivim::store::testing
