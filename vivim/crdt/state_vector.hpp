#pragma once

#include <functional>
#include <map>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/crdt/error.hpp"
#include "vivim/crdt/id.hpp"

namespace vivim::crdt {

/// Most clients in one state vector, update or delete set.
inline constexpr std::size_t k_clients_max = 1'000'000;

/// For every known client how many units of it are known: everything below the clock. Highest
/// client first, as on the wire.
using StateVector = std::map<ClientId, std::uint64_t, std::greater<>>;

/// Errors: truncated, number_too_large, too_many, trailing_bytes. Empty input is an empty vector.
Result<StateVector> decode_state_vector(BytesView bytes);

/// count, (client, clock)*, highest client first: the bytes of Yjs' encodeStateVector.
Bytes encode_state_vector(const StateVector& state);

/// True when everything that `known` names is also in `state`: state[client] >= known[client] for
/// every client.
bool state_vector_covers(const StateVector& state, const StateVector& known);

/// The same on encoded vectors. Errors as decode_state_vector.
Result<bool> state_vector_covers(BytesView state, BytesView known);

}  // namespace vivim::crdt
