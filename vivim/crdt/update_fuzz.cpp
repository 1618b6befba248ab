#include <cstdlib>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

using vivim::BytesView;
namespace crdt = vivim::crdt;

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

}  // namespace

/// The first byte cuts the input in two updates. Whatever they are: no crash; refused updates
/// change nothing; accepted ones leave sound structures whose encoding another document accepts.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView all(data + 1, size - 1);
  const std::size_t cut = all.size() * data[0] / 255;
  crdt::Doc doc(crdt::ClientId{1});
  auto map = doc.map("m");
  auto text = doc.text("t");
  for (const BytesView part : {all, all.first(cut), all.subspan(cut)}) {
    const auto before = encode_state_as_update(doc);
    if (!apply_update(doc, part)) {
      require(before == encode_state_as_update(doc));
      continue;
    }
    require(consistent(doc));
    doc.transact([&](crdt::Transaction& t) {
      text.insert(t, text.length() / 2, "x");
      text.remove(t, 0, 1);
      map.set(t, "k", map.to_any());
    });
    require(consistent(doc));
    crdt::Doc copy(crdt::ClientId{2});
    require(apply_update(copy, encode_state_as_update(doc)).has_value());
    require(consistent(copy));
    require(has_pending(doc) || encode_state_vector(copy) == encode_state_vector(doc));
  }
  const BytesView parts[] = {all.first(cut), all.subspan(cut)};
  if (const auto merged = crdt::merge_updates(parts)) {
    require(crdt::check_update(*merged).has_value());
  }
  return 0;
}
