#include <cstdlib>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/inspect.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

using vivim::Bytes;
using vivim::BytesView;
namespace crdt = vivim::crdt;
using crdt::UpdateFormat;

namespace {

constexpr auto k_v1 = UpdateFormat::v1;
constexpr auto k_v2 = UpdateFormat::v2;

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

// The formats say the same: what v1 keeps comes back from v2.
void compare_formats(BytesView update) {
  const auto v1 = crdt::convert_update(update, k_v2, k_v1);
  require(v1.has_value() == crdt::check_update(update, k_v2).has_value());
  if (!v1) {
    return;
  }
  const Bytes again = crdt::convert_update(*v1, k_v1, k_v2).value();
  require(crdt::convert_update(again, k_v2, k_v1).value() == *v1);
  require(crdt::state_vector_from_update(*v1).value() ==
          crdt::state_vector_from_update(update, k_v2).value());
  const auto info = crdt::inspect_update(update, k_v2).value();
  require(info.structs.size() == crdt::inspect_update(*v1).value().structs.size());
  require(crdt::check_update(crdt::obfuscate_update(update, {}, k_v2).value(), k_v2).has_value());
}

void apply_both(BytesView update) {
  crdt::Doc doc(crdt::ClientId{1});
  if (!apply_update(doc, update, {}, k_v2)) {
    require(encode_state_as_update(doc) == Bytes{0, 0});
    return;
  }
  require(consistent(doc));
  crdt::Doc twin(crdt::ClientId{1});
  require(apply_update(twin, crdt::convert_update(update, k_v2, k_v1).value()).has_value());
  require(encode_state_as_update(doc) == encode_state_as_update(twin));
  crdt::Doc copy(crdt::ClientId{2});
  require(apply_update(copy, encode_state_as_update(doc, k_v2), {}, k_v2).has_value());
  require(consistent(copy));
}

}  // namespace

/// The first byte cuts the input in two updates of format v2. Whatever they are: no crash, and both
/// formats say the same of them; a merge of both, and what it says beyond either, decode.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const BytesView all(data + 1, size - 1);
  const std::size_t cut = all.size() * data[0] / 255;
  compare_formats(all);
  apply_both(all);
  const BytesView parts[] = {all.first(cut), all.subspan(cut)};
  if (const auto merged = crdt::merge_updates(parts, k_v2)) {
    require(crdt::check_update(*merged, k_v2).has_value());
    const auto known = crdt::state_vector_from_update(parts[0], k_v2).value();
    require(crdt::check_update(crdt::diff_update(*merged, known, k_v2).value(), k_v2).has_value());
    apply_both(*merged);
  }
  return 0;
}
