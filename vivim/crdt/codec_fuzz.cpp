#include <cstdlib>

#include "vivim/crdt/awareness.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/relative_position.hpp"
#include "vivim/crdt/state_vector.hpp"
#include "vivim/crdt/sync_protocol.hpp"

using vivim::BytesView;
namespace crdt = vivim::crdt;

namespace {

void require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void fuzz_any(BytesView input) {
  crdt::lib0::Decoder in(input);
  crdt::lib0::Decoder again(input);
  crdt::lib0::Encoder copied;
  const auto value = in.any();
  require(again.copy_any(copied).has_value() == value.has_value());
  if (value) {
    crdt::lib0::Encoder out;
    out.any(*value);
    require(vivim::same_bytes(out.view(), copied.view()));
    crdt::lib0::Decoder back(out.view());
    crdt::lib0::Encoder twice;
    twice.any(back.any().value());
    require(vivim::same_bytes(twice.view(), out.view()));
    static_cast<void>(value->to_json());
  }
}

void fuzz_position(BytesView input) {
  const auto position = crdt::decode_relative_position(input);
  if (!position) {
    return;
  }
  require(crdt::decode_relative_position(crdt::encode_relative_position(*position)).value() ==
          *position);
  crdt::Doc doc(crdt::ClientId{1});
  auto text = doc.text("t");
  doc.transact([&](crdt::Transaction& t) { text.insert(t, 0, "abc"); });
  if (const auto found = crdt::absolute_position(doc, *position)) {
    require(found->index <= text.length());
  }
}

}  // namespace

/// State vectors, awareness updates, lib0 values, relative positions and sync messages: no crash,
/// and what was read is written as it was read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  if (const auto state = crdt::decode_state_vector(input)) {
    const auto bytes = crdt::encode_state_vector(*state);
    require(crdt::decode_state_vector(bytes).value() == *state);
  }
  crdt::Awareness awareness(crdt::ClientId{1});
  awareness.set_local_state("{}", 0);
  if (awareness.apply(input, {}, 1)) {
    require(awareness.states().contains(crdt::ClientId{1}));
    crdt::Awareness other;
    require(other.apply(awareness.encode_all(), {}, 1).has_value());
  }
  fuzz_any(input);
  fuzz_position(input);
  crdt::lib0::Decoder in(input);
  while (crdt::protocol::read_sync(in)) {
  }
  return 0;
}
