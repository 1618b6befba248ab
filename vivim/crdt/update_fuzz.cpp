#include <cstdlib>
#include <span>
#include <vector>

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

// Applies the parts of an input one after another; they may repeat each other.
void exercise(std::span<const BytesView> parts, crdt::GapMode gap_mode) {
  const crdt::DocOptions options{.gap_mode = gap_mode};
  crdt::Doc doc(crdt::ClientId{1}, options);
  crdt::Doc follower(crdt::ClientId{3}, options);
  const auto listening = doc.on_update(
      [&](BytesView update, crdt::Origin) { require(apply_update(follower, update).has_value()); });
  auto map = doc.map("m");
  auto text = doc.text("t");
  for (const BytesView part : parts) {
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
    require(consistent(follower));
    crdt::Doc copy(crdt::ClientId{2}, options);
    require(apply_update(copy, encode_state_as_update(doc)).has_value());
    require(consistent(copy));
    require(has_pending(doc) || encode_state_vector(copy) == encode_state_vector(doc));
    require(has_pending(doc) || pending(copy).gaps == pending(doc).gaps);
  }
}

}  // namespace

/// The first byte cuts the input in two updates. Whatever they are: no crash; refused updates
/// change nothing; accepted ones leave sound structures whose encoding another document accepts;
/// and who hears only what is told stays sound. In both gap modes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView all(data + 1, size - 1);
  const std::size_t cut = all.size() * data[0] / 255;
  const BytesView parts[] = {all.first(cut), all.subspan(cut)};
  exercise(std::vector<BytesView>{all, parts[0], parts[1]}, crdt::GapMode::v13);
  exercise(std::vector<BytesView>{parts[1], all, parts[0]}, crdt::GapMode::v14);
  if (const auto merged = crdt::merge_updates(parts)) {
    require(crdt::check_update(*merged).has_value());
    exercise(std::vector<BytesView>{parts[1], *merged}, crdt::GapMode::v14);
  }
  return 0;
}
