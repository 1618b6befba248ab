#pragma once

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/map.hpp"
#include "vivim/crdt/peers_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

/// For tests of GapMode::v14.
namespace vivim::crdt {

inline constexpr DocOptions k_v14{.gap_mode = GapMode::v14};
using Updates = std::vector<Bytes>;

/// What a client did, an update for each transaction.
class Writer {
 public:
  explicit Writer(ClientId client = ClientId{1})
      : doc(client), listening_(doc.on_update([this](BytesView update, Origin) {
          updates.push_back(to_bytes(update));
        })) {}
  template <class Body>
  Writer& add(Body&& body) {
    edit(doc, body);
    return *this;
  }
  /// A key each, to its own number.
  Writer& keys(const std::string& names) {
    for (const char name : names) {
      add([&](Transaction& t) {
        doc.map("m").set(t, std::string(1, name), Any(static_cast<double>(updates.size() + 1)));
      });
    }
    return *this;
  }

  Doc doc;
  Updates updates;

 private:
  Subscription listening_;
};

inline void hear(Doc& doc, BytesView update, Origin origin = {}) {
  REQUIRE(apply_update(doc, update, origin));
  CHECK(consistent(doc));
}

inline std::string hex(BytesView bytes) {
  return to_hex(bytes);
}

inline std::string shown(Doc& doc) {
  return doc.map("m").to_any().to_json();
}

}  // namespace vivim::crdt
