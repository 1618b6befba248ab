#pragma once

#include <memory>
#include <vector>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/value.hpp"

namespace vivim::crdt {

/// For tests: documents that hear each other's edits when they are told to. They clean up
/// formatting as Yjs does.
class Peers {
 public:
  explicit Peers(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      docs_.push_back(std::make_unique<Doc>(
          ClientId{i + 1}, DocOptions{.formatting_cleanup = FormattingCleanup::yjs}));
    }
  }
  Doc& operator[](std::size_t index) { return *docs_[index]; }
  Text text(std::size_t index) { return docs_[index]->text("text"); }
  Map map(std::size_t index) { return docs_[index]->map("map"); }
  Array array(std::size_t index) { return docs_[index]->array("array"); }
  XmlElement xml(std::size_t index) { return docs_[index]->xml_element("xml"); }

  /// Everyone gets what the others have until nobody has anything new.
  void sync() {
    for (int round = 0; round < 3; ++round) {
      for (const auto& from : docs_) {
        for (const auto& to : docs_) {
          if (from != to) {
            const auto missing = encode_state_as_update(*from, encode_state_vector(*to));
            static_cast<void>(apply_update(*to, missing.value(), Origin{99}));
          }
        }
      }
    }
  }
  /// Whether all hold the same bytes.
  bool equal() const {
    const Bytes first = encode_state_as_update(*docs_.front());
    for (const auto& doc : docs_) {
      if (encode_state_as_update(*doc) != first || !consistent(*doc)) {
        return false;
      }
    }
    return true;
  }

 private:
  std::vector<std::unique_ptr<Doc>> docs_;
};

/// One edit in a transaction of its own.
template <class Edit>
void edit(Doc& doc, Edit&& body, Origin origin = {}) {
  doc.transact([&](Transaction& t) { body(t); }, origin);
}

}  // namespace vivim::crdt
