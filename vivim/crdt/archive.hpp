#pragma once

#include <cstddef>
#include <vector>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/snapshot.hpp"
#include "vivim/crdt/subscription.hpp"

namespace vivim::crdt {

class Doc;

/// Most bytes that an archive keeps.
inline constexpr std::size_t k_archive_bytes_max = std::size_t{256} << 20;

/// What a document has held, kept beside it: the document collects garbage and stays small on the
/// wire and in memory, and its versions can still be read. It hears every update of the document
/// from its construction on; what was forgotten before that is forgotten. The document must outlive
/// it. Versions are as exact as transactions: what one transaction both wrote and deleted was never
/// there.
class Archive {
 public:
  explicit Archive(Doc& doc, std::size_t bytes_max = k_archive_bytes_max);

  /// Continues an archive from what encode() gave. Errors: decode errors; too_many beyond the
  /// limit.
  Result<void> add(BytesView encoded);

  /// All of it, as one update of format v2 that nothing is collected from.
  Bytes encode();

  /// Makes the empty document `fresh` what the document was at `snapshot`. Errors: not_restorable
  /// for what the archive does not know.
  Result<void> restore(const Snapshot& snapshot, Doc& fresh);

  /// Bytes that are kept.
  std::size_t size() const { return bytes_; }
  /// True once the limit was reached: versions after that cannot be restored.
  bool full() const { return full_; }

 private:
  void keep(Bytes update);
  void compact();

  std::size_t bytes_max_;
  std::vector<Bytes> updates_;  ///< v1 as heard; the first may be a whole of them
  std::size_t bytes_ = 0;
  std::size_t compacted_bytes_ = 0;
  bool full_ = false;
  Subscription subscription_;
};

}  // namespace vivim::crdt
