#include <cstdlib>
#include <memory>

#include "vivim/rt/sim/disk.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/search.hpp"

namespace {

using namespace vivim;
using namespace vivim::store;

/// A database with a few words in it, made once.
struct Corpus {
  Corpus() : engine(1), disk(engine), db(std::move(*Database::open({.path = "f", .disk = &disk}))) {
    const DocumentId id;
    (void)Documents(*db).create(id, DocumentKind::conversation, 1);
    const IndexedDocument document{
        .id = id,
        .title = "title",
        .turns = {{.turn = "1", .role = "user", .time = 1, .text = "the quick brown fox"},
                  {.turn = "2", .role = "user", .time = 2, .text = "é ü ñ jumped over it"}}};
    (void)Search(*db).replace(std::span(&document, 1));
  }
  rt::sim::Engine engine;
  rt::sim::SimDisk disk;
  std::unique_ptr<Database> db;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Corpus corpus;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto sort : {SearchSort::newest, SearchSort::best}) {
    if (!Search(*corpus.db).find({.text = text, .sort = sort})) {
      std::abort();  // whatever a person types is a search, never an error
    }
  }
  return 0;
}
