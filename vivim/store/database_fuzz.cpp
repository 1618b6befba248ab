#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/rt/sim/disk.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/database.hpp"
#include "vivim/store/doctor.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/search.hpp"

namespace {

using namespace vivim;
using namespace vivim::store;

/// A small database's file, closed cleanly.
Bytes make_file() {
  rt::sim::Engine engine(1);
  rt::sim::SimDisk disk(engine);
  auto db = std::move(*Database::open({.path = "f", .disk = &disk}));
  const DocumentId id;
  (void)Documents(*db).create(id, DocumentKind::conversation, 1);
  for (int i = 0; i < 20; ++i) {
    (void)Documents(*db).append_update(id, Bytes(300, 1));
  }
  (void)Blobs(*db).put(Bytes(5000, 'a'));
  const IndexedDocument document{.id = id, .title = "some title"};
  (void)Search(*db).replace(std::span(&document, 1));
  (void)db->close();
  auto file = std::move(*disk.open("f", rt::OpenMode::read));
  Bytes bytes(*file->size());
  (void)file->read_at(0, bytes);
  return bytes;
}

}  // namespace

/// Input: any number of (offset 4 bytes, value 1 byte) overwrites of a good file. Nothing may
/// crash.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Bytes file_bytes = make_file();
  log::set_sink([](auto&&...) {}, log::Level::error);
  Bytes damaged = file_bytes;
  constexpr size_t k_edits_max = 64;
  for (size_t at = 0; at + 5 <= std::min(size, k_edits_max * 5); at += 5) {
    damaged[load_be32({data + at, 4}) % damaged.size()] = data[at + 4];
  }
  rt::sim::Engine engine(1);
  rt::sim::SimDisk disk(engine);
  {
    auto file = std::move(*disk.open("f", rt::OpenMode::create));
    (void)file->write_at(0, damaged);
  }
  const auto db = Database::open({.path = "f", .disk = &disk});
  if (db) {
    (void)examine(**db);
    (void)Documents(**db).load(DocumentId());
    (void)Documents(**db).append_update(DocumentId(), Bytes(10));
    (void)Search(**db).find({.text = "some"});
    (void)(*db)->close();
  }
  return 0;
}
