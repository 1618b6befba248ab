#include "vivim/crdt/snapshot.hpp"

#include <algorithm>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/engine_detail.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/wire_detail.hpp"

namespace vivim::crdt {
namespace {

using detail::WireDeletes;

DeleteSet to_public(const WireDeletes& wire) {
  DeleteSet deletes;
  for (const auto& [client, ranges] : wire) {
    deletes.emplace_hint(deletes.end(), ClientId{client}, ranges);
  }
  return deletes;
}

WireDeletes to_wire(const DeleteSet& deletes) {
  WireDeletes wire;
  for (const auto& [client, ranges] : deletes) {
    wire.emplace_hint(wire.end(), value_of(client), ranges);
  }
  return wire;
}

bool contains(const DeleteSet& all, const WireDeletes& part) {
  return std::ranges::all_of(part, [&](const auto& entry) {
    const auto it = all.find(ClientId{entry.first});
    return it != all.end() && std::ranges::all_of(entry.second, [&](const ClockRange& range) {
             return std::ranges::any_of(it->second, [&](const ClockRange& known) {
               return known.from <= range.from && range.to <= known.to;
             });
           });
  });
}

template <class Out>
Bytes encode(const Snapshot& snapshot) {
  Out out;
  detail::write_deletes(out, to_wire(snapshot.deletes));
  const Bytes state = encode_state_vector(snapshot.state_vector);
  Bytes bytes = to_bytes(out.rest_view());
  append(bytes, state);
  return bytes;
}

}  // namespace

bool contains(const DeleteSet& deletes, Id id) {
  const auto it = deletes.find(id.client);
  if (it == deletes.end()) {
    return false;
  }
  const auto after = std::ranges::upper_bound(it->second, id.clock, {}, &ClockRange::from);
  return after != it->second.begin() && id.clock < std::prev(after)->to;
}

bool Snapshot::shows(Id id) const {
  const auto it = state_vector.find(id.client);
  return it != state_vector.end() && id.clock < it->second && !contains(deletes, id);
}

Snapshot snapshot(const Doc& doc) {
  return {.state_vector = state_vector(doc), .deletes = to_public(doc.engine().deletes())};
}

Bytes encode_snapshot(const Snapshot& snapshot, UpdateFormat format) {
  return format == UpdateFormat::v1 ? encode<detail::UpdateEncoderV1>(snapshot)
                                    : encode<detail::UpdateEncoderV2>(snapshot);
}

Result<Snapshot> decode_snapshot(BytesView bytes, UpdateFormat format) {
  lib0::Decoder in(bytes);
  VIVIM_TRY(const WireDeletes deletes, detail::read_deletes(in, format));
  if (in.at_end()) {  // the state vector of nothing is a byte
    return fail(CrdtError::truncated);
  }
  VIVIM_TRY(StateVector state, decode_state_vector(in.rest()));
  return Snapshot{.state_vector = std::move(state), .deletes = to_public(deletes)};
}

Result<void> create_doc_from_snapshot(Doc& origin, const Snapshot& snapshot, Doc& fresh) {
  VIVIM_TRY(const Bytes update,
            origin.engine().encode_version(snapshot.state_vector, to_wire(snapshot.deletes)));
  return apply_update(fresh, update);
}

Result<bool> snapshot_contains_update(const Snapshot& snapshot, BytesView update,
                                      UpdateFormat format) {
  VIVIM_TRY(const detail::DecodedUpdate decoded, detail::decode_update(update, format));
  for (const auto& group : decoded.groups) {
    if (group.empty()) {
      continue;
    }
    const auto it = snapshot.state_vector.find(ClientId{group.front().client});
    if (it == snapshot.state_vector.end() || it->second < group.back().end()) {
      return false;
    }
  }
  return contains(snapshot.deletes, decoded.deletes);
}

}  // namespace vivim::crdt
