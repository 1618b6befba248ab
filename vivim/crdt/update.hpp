#pragma once

#include <span>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/delete_set.hpp"
#include "vivim/crdt/error.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/state_vector.hpp"
#include "vivim/crdt/update_format.hpp"

namespace vivim::crdt {

class Doc;

/// Most bytes of structs that wait in a document for others that have not come yet. An update that
/// would park more is refused whole.
inline constexpr std::size_t k_pending_bytes_max = std::size_t{64} << 20;

/// Applies a Yjs update in one transaction. What depends on something unknown is kept
/// aside, is part of encode_state_as_update, and is integrated when the missing part comes;
/// applying twice changes nothing. On an error the document is unchanged. Errors: every CrdtError
/// but bad_message. Must not be called inside a transaction or an observer of the same document.
Result<void> apply_update(Doc& doc, BytesView update, Origin origin = {},
                          UpdateFormat format = UpdateFormat::v1);

/// Everything that `state_vector` (as bytes; empty means nothing) does not cover, as one update;
/// parked structs included. Byte for byte what Yjs 13.6 writes for the same document (with
/// GapMode::v14, Yjs 14: gaps are Skip structs). Errors: a
/// malformed state vector.
Result<Bytes> encode_state_as_update(const Doc& doc, BytesView state_vector,
                                     UpdateFormat format = UpdateFormat::v1);
/// Everything.
Bytes encode_state_as_update(const Doc& doc, UpdateFormat format = UpdateFormat::v1);

/// What the document has integrated, as bytes. Of a client with a gap (GapMode::v14), what comes
/// before the first: that can be 0, as in Yjs 14.
Bytes encode_state_vector(const Doc& doc);
/// The same as a map.
StateVector state_vector(const Doc& doc);

/// True while structs or deletions wait for something unknown: ask the peers again with our state
/// vector. A gap that was integrated over (GapMode::v14) is told by pending().
bool has_pending(const Doc& doc);

/// True when the last update took all the steps that it may (limits.hpp): the rest waits, and goes
/// on with the next update, the empty one (two zero bytes) too.
bool work_left(const Doc& doc);

/// What a document keeps aside, and what for.
struct Pending {
  /// Of each client, the operation without which nothing that waits can go on. (Yjs'
  /// pendingStructs.missing.) Empty if only deletions wait, or if what waits is left work or nested
  /// too deep.
  StateVector missing;
  /// The structs that wait, as an update of format v1 without deletions; empty if none do.
  Bytes structs;
  /// What others deleted and this document has not seen.
  DeleteSet deletes;
  /// What has not come of clients of whom later operations are integrated (GapMode::v14).
  DeleteSet gaps;
};
Pending pending(const Doc& doc);

/// One update with the content of all, without a document, in time O(n log k) for n structs in k
/// updates; gaps become Skip structs. Byte for byte what Yjs writes, but for the order in which it
/// takes two updates that hold a GC and an Item of the same clock. Errors: decode errors of any
/// input.
Result<Bytes> merge_updates(std::span<const BytesView> updates,
                            UpdateFormat format = UpdateFormat::v1);

/// The part of `update` that `state_vector` does not cover; deletions are all kept. Errors: decode
/// errors.
Result<Bytes> diff_update(BytesView update, BytesView state_vector,
                          UpdateFormat format = UpdateFormat::v1);

/// The same update in the other format. Values of embeds and formats are what JSON keeps of them.
/// Errors: decode errors.
Result<Bytes> convert_update(BytesView update, UpdateFormat from, UpdateFormat to);

/// The state vector of a document that had only this update. Errors: decode errors.
Result<Bytes> state_vector_from_update(BytesView update, UpdateFormat format = UpdateFormat::v1);

/// Which of an update's contents obfuscate_update() replaces besides text, values and map keys.
struct Obfuscation {
  bool formatting = true;
  bool subdocuments = true;
  bool xml_names = true;
};

/// The same structure without the content, to share a document that shows a fault: texts become
/// digits of the same length, values and keys numbers. As Yjs' obfuscateUpdate. Errors: decode
/// errors.
Result<Bytes> obfuscate_update(BytesView update, Obfuscation what = {},
                               UpdateFormat format = UpdateFormat::v1);

/// Checks that `update` decodes, as apply_update would, without a document. Errors: decode errors.
Result<void> check_update(BytesView update, UpdateFormat format = UpdateFormat::v1);

}  // namespace vivim::crdt
