#include <cstdlib>

#include "vivim/crdt/archive.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

using vivim::BytesView;
namespace crdt = vivim::crdt;
using crdt::UpdateFormat;

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

/// The first byte cuts the input in an update and a snapshot. Whatever they are: no crash; what was
/// read is written as it was read; a version is restored or refused, and the document unchanged.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView all(data + 1, size - 1);
  const std::size_t cut = all.size() * data[0] / 255;
  for (const auto format : {UpdateFormat::v1, UpdateFormat::v2}) {
    const auto version = crdt::decode_snapshot(all.subspan(cut), format);
    if (!version) {
      continue;
    }
    require(crdt::decode_snapshot(encode_snapshot(*version, format), format).value() == *version);
    crdt::Doc doc(crdt::ClientId{1}, {.collect_garbage = false});
    if (!apply_update(doc, all.first(cut), {}, format)) {
      continue;
    }
    const auto before = encode_state_as_update(doc);
    crdt::Doc old(crdt::ClientId{2});
    static_cast<void>(create_doc_from_snapshot(doc, *version, old));
    require(consistent(doc) && consistent(old));
    require(encode_state_vector(doc) == crdt::state_vector_from_update(before).value() ||
            has_pending(doc));
    crdt::Archive archive(doc);
    crdt::Doc now(crdt::ClientId{2});
    require(archive.restore(snapshot(doc), now).has_value());
    static_cast<void>(crdt::snapshot_contains_update(*version, all.first(cut), format));
  }
  return 0;
}
