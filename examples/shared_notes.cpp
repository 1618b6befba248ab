// Two people write one document without having heard of each other: shared_notes
#include <cstdio>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"

using namespace vivim;

int main() {
  crdt::Doc ann(crdt::ClientId{1});
  crdt::Doc ben(crdt::ClientId{2});

  ann.transact([&](crdt::Transaction& t) {
    ann.text("notes").insert(t, 0, "Buy milk.");
    ann.map("state").set(t, "done", crdt::Any(false));
  });
  // What npm's Yjs would write, and read: any transport will do.
  if (!crdt::apply_update(ben, crdt::encode_state_as_update(ann))) {
    return 1;
  }
  ann.transact([&](crdt::Transaction& t) { ann.text("notes").insert(t, 4, "fresh "); });
  ben.transact([&](crdt::Transaction& t) { ben.text("notes").push(t, " And bread."); });

  // Each sends what the other lacks; the order does not matter.
  const auto for_ben = crdt::encode_state_as_update(ann, crdt::encode_state_vector(ben));
  const auto for_ann = crdt::encode_state_as_update(ben, crdt::encode_state_vector(ann));
  if (!for_ben || !for_ann || !apply_update(ben, *for_ben) || !apply_update(ann, *for_ann)) {
    return 1;
  }
  std::printf("%s\n", ann.text("notes").to_string().c_str());
  return ann.text("notes").to_string() == ben.text("notes").to_string() ? 0 : 1;
}
