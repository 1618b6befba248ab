#pragma once

#include <span>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/error.hpp"
#include "vivim/crdt/id.hpp"
#include "vivim/crdt/state_vector.hpp"

namespace vivim::crdt {

class Doc;

/// Most bytes of structs that wait in a document for others that have not come yet. An update that
/// would park more is refused whole.
inline constexpr std::size_t k_pending_bytes_max = std::size_t{64} << 20;

/// Applies a Yjs update (format v1) in one transaction. What depends on something unknown is kept
/// aside, is part of encode_state_as_update, and is integrated when the missing part comes;
/// applying twice changes nothing. On an error the document is unchanged. Errors: every CrdtError
/// but bad_message. Must not be called inside a transaction or an observer of the same document.
Result<void> apply_update(Doc& doc, BytesView update, Origin origin = {});

/// Everything that `state_vector` (as bytes; empty means nothing) does not cover, as one update;
/// parked structs included. Byte for byte what Yjs 13.6 writes for the same document. Errors: a
/// malformed state vector.
Result<Bytes> encode_state_as_update(const Doc& doc, BytesView state_vector);
/// Everything.
Bytes encode_state_as_update(const Doc& doc);

/// What the document has integrated, as bytes.
Bytes encode_state_vector(const Doc& doc);
/// The same as a map.
StateVector state_vector(const Doc& doc);

/// True while structs or deletions wait for something unknown: ask the peers again with our state
/// vector.
bool has_pending(const Doc& doc);

/// One update with the content of all, without a document; gaps become Skip structs. Errors: decode
/// errors of any input.
Result<Bytes> merge_updates(std::span<const BytesView> updates);

/// The part of `update` that `state_vector` does not cover; deletions are all kept. Errors: decode
/// errors.
Result<Bytes> diff_update(BytesView update, BytesView state_vector);

/// The state vector of a document that had only this update. Errors: decode errors.
Result<Bytes> state_vector_from_update(BytesView update);

/// Checks that `update` decodes, as apply_update would, without a document. Errors: decode errors.
Result<void> check_update(BytesView update);

}  // namespace vivim::crdt
