#pragma once

#include <vector>

#include "vivim/crdt/doc.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::node {

/// The blocks that a conversation's document refers to: the verbatim source of the conversation and
/// of its turns, and the files of its parts. What joins the document fetches them. Each once, in
/// the order of the turns.
std::vector<store::BlobId> document_blobs(crdt::Doc& doc);

}  // namespace vivim::node
