#include <doctest/doctest.h>

#include "vivim/chat/document.hpp"
#include "vivim/chat/library/import_batch_detail.hpp"
#include "vivim/rt/sim/disk.hpp"
#include "vivim/rt/sim/engine.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/documents.hpp"

using namespace vivim;
using namespace vivim::chat;

namespace {

constexpr std::string_view k_source = "the source of the only turn";

detail::PreparedBatch batch_of(std::uint8_t number, const std::string& original_id) {
  detail::PreparedBatch batch;
  auto& fresh = batch.fresh.emplace_back();
  fresh.id.bytes.fill(number);
  fresh.client = crdt::ClientId{number};
  auto& imported = fresh.imported;
  imported.conversation.title = "Title";
  imported.conversation.provenance = {.provider = "chatgpt", .original_id = original_id};
  imported.source.assign(k_source.begin(), k_source.end());
  const std::string_view source(imported.source.data(), imported.source.size());
  const auto id = ContentId::of(as_bytes(source));
  imported.blocks.push_back({.id = id, .bytes = source});
  imported.conversation.turns.push_back(
      {.id = "a", .role = Role::user, .content = id.to_text(), .text = std::string(3000, 'x')});
  return batch;
}

template <class T>
T must(Result<T> result) {
  REQUIRE_MESSAGE(result.has_value(), (result ? "" : result.error().message()));
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

}  // namespace

TEST_CASE("import batch: what somebody else stored meanwhile is known, not new") {
  rt::sim::Engine engine(1);
  rt::sim::SimDisk disk(engine);
  const auto database =
      must(store::Database::open({.path = "vivim.db", .disk = &disk, .random_seed = 1}));
  detail::BatchPacker packer;
  auto first = batch_of(1, "c1");
  packer.pack(first, 1000);
  CHECK(first.fresh[0].imported.source.empty());
  must(detail::write_batch(*database, first));
  REQUIRE(first.fresh.size() == 1);
  const auto block = store::BlobId::of(as_bytes(k_source));
  CHECK(as_text(must(store::Blobs(*database).get(block))) == k_source);
  CHECK(must(store::Blobs(*database).linked(first.fresh[0].id, block)));

  auto second = batch_of(2, "c1");
  second.fresh.push_back(std::move(batch_of(3, "c2").fresh[0]));
  const auto whole = second.fresh[0].imported.conversation;
  packer.pack(second, 1000);
  must(detail::write_batch(*database, second));
  REQUIRE(second.fresh.size() == 1);
  CHECK(second.fresh[0].row.original_id == "c2");
  REQUIRE(second.known.size() == 1);
  CHECK(second.known[0].imported.conversation == whole);
  CHECK(second.known[0].blocks.blobs.size() == 1);
  CHECK(must(store::Documents(*database).count()) == 2);

  const auto row = must(store::Conversations(*database).find_original("chatgpt", "c1")).value();
  must(detail::write_merge(*database, second.known[0], row));
  CHECK(must(store::Blobs(*database).count()) == 1);
}
