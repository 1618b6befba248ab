#pragma once

#include <functional>

#include "vivim/base/result.hpp"
#include "vivim/crdt/doc.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/store/ids.hpp"

namespace vivim::chat {

/// The documents that are in memory, wherever they are kept: everybody who edits must edit the same
/// one.
class OpenDocuments {
 public:
  virtual ~OpenDocuments() = default;
  /// Opens the document, or takes the one that is open, and calls `body` on the loop. Errors:
  /// store's not_found, and those of reading it.
  virtual rt::Co<Result<void>> read(store::DocumentId id, std::function<void(crdt::Doc&)> body) = 0;
  /// The same; resumes when what `body` changed is on the disk.
  virtual rt::Co<Result<void>> edit(store::DocumentId id, std::function<void(crdt::Doc&)> body) = 0;
  /// Ends it for everybody who has it open: it is about to be deleted.
  virtual void forget(const store::DocumentId& id) = 0;
};

}  // namespace vivim::chat
