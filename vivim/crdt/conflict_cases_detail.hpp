#pragma once

#include <string>
#include <vector>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/event.hpp"

namespace vivim::crdt {

/// Two edits of one document that did not know of each other, and what comes of them. Client 1
/// makes what both begin with and then `left`, client 2 makes `right`.
struct Conflict {
  using Edit = void (*)(Doc& doc, Transaction& t);
  const char* name;
  Edit before;
  Edit left;
  Edit right;
  const char* outcome;  ///< JSON of the root that it is about
  const char* root;     ///< "t", "a", "m" or "x"
  /// Both know `left`; client 1 undoes it while client 2 makes `right`.
  bool undone = false;
};

/// Makes both sides, in documents of clients 1 and 2.
void make_sides(const Conflict& conflict, Doc& one, Doc& two);

/// The catalogue of docs/protocol/crdt.md, where it says why. Each case is run here in both orders
/// of arrival (conflict_test.cpp) and by npm's Yjs (interop/conformance).
const std::vector<Conflict>& conflicts();

/// What a root shows: a text with its formats, an array, a map, XML.
std::string shown(Doc& doc, std::string_view root);

}  // namespace vivim::crdt
