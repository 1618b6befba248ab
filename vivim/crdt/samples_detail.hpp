#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "vivim/crdt/array.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"

/// For tests and benchmarks: documents as they occur.
namespace vivim::crdt {

/// How large what random_edit() writes may be.
struct EditSizes {
  std::uint32_t removed_max = 3;
  std::uint32_t values_max = 3;
  std::uint32_t letters_max = 1;  ///< of each insertion, besides `first`
  /// What insertions begin with: two units, so that later ones cut it. As in Yjs, replicas that
  /// learn of the cut in another order may show other replacement characters.
  std::string first = "\xf0\x9f\x98\x80";
};

/// One edit of the text, the array or the map of a document, in a transaction.
inline void random_edit(Doc& doc, std::mt19937_64& rng, const EditSizes& sizes = {}) {
  const auto up_to = [&rng](std::uint32_t most) {
    return 1 + static_cast<std::uint32_t>(rng() % most);
  };
  doc.transact([&](Transaction& t) {
    Text text = doc.text("text");
    Array array = doc.array("array");
    const auto at = static_cast<std::uint32_t>(rng() % (text.length() + 1));
    switch (rng() % 7) {
      case 0:
        text.remove(t, at, up_to(sizes.removed_max));
        break;
      case 1:
        text.format(t, at, 2, {{"bold", rng() % 2 == 0 ? Any(true) : Any(nullptr)}});
        break;
      case 2:
        array.insert(t, 0, std::vector<Any>(up_to(sizes.values_max), Any("some value")));
        break;
      case 3:
        array.remove(t, 0, std::min(up_to(sizes.removed_max), array.length()));
        break;
      case 4:
        doc.map("map").set(t, "key", Any(static_cast<double>(rng() % 9)));
        break;
      case 5:
        doc.map("map").set_map(t, std::to_string(rng() % 20)).set(t, "k", Any(Bytes(40, 1)));
        break;
      default:
        text.insert(t, at, sizes.first + std::string(up_to(sizes.letters_max), 'x'));
    }
  });
}

/// A chat of 20 short messages, written by one client.
inline Bytes small_chat(ClientId client) {
  Doc doc(client);
  doc.transact([&](Transaction& t) {
    Map messages = doc.map("map");
    for (int i = 0; i < 20; ++i) {
      Map message = messages.set_map(t, "message" + std::to_string(i));
      message.set(t, "role", Any(i % 2 == 0 ? "user" : "assistant"));
      message.set(t, "text", Any("what is said in turn " + std::to_string(i)));
    }
  });
  return encode_state_as_update(doc);
}

}  // namespace vivim::crdt
