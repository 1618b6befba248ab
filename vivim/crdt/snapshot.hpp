#pragma once

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/delete_set.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/state_vector.hpp"
#include "vivim/crdt/update_format.hpp"

namespace vivim::crdt {

class Doc;

/// A version of a document: what it knew and what was deleted then. Small, and of use only together
/// with the content: a document that does not collect garbage, or an Archive.
struct Snapshot {
  StateVector state_vector;
  DeleteSet deletes;

  /// Whether a reader of this version sees the unit `id`.
  bool shows(Id id) const;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
};

/// The version that the document is at. What is parked is not part of it.
Snapshot snapshot(const Doc& doc);

/// The delete set, then the state vector: the bytes of Yjs' encodeSnapshot and encodeSnapshotV2.
Bytes encode_snapshot(const Snapshot& snapshot, UpdateFormat format = UpdateFormat::v1);
/// Errors: truncated, number_too_large, clock_too_large, too_many, trailing_bytes.
Result<Snapshot> decode_snapshot(BytesView bytes, UpdateFormat format = UpdateFormat::v1);

/// Makes the empty document `fresh` what `origin` was at `snapshot`. `origin` reads the same
/// afterwards. Errors: not_restorable if `origin` collects garbage or does not know all of the
/// snapshot. Not inside a transaction of either.
Result<void> create_doc_from_snapshot(Doc& origin, const Snapshot& snapshot, Doc& fresh);

/// Whether a document of that version has all that `update` says. Errors: decode errors.
Result<bool> snapshot_contains_update(const Snapshot& snapshot, BytesView update,
                                      UpdateFormat format = UpdateFormat::v1);

}  // namespace vivim::crdt
