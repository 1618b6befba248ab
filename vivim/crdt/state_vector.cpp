#include "vivim/crdt/state_vector.hpp"

#include "vivim/crdt/lib0.hpp"

namespace vivim::crdt {

Result<StateVector> decode_state_vector(BytesView bytes) {
  StateVector state;
  if (bytes.empty()) {
    return state;
  }
  lib0::Decoder in(bytes);
  VIVIM_TRY(const std::uint64_t count, in.var_uint());
  if (count > k_clients_max) {
    return fail(CrdtError::too_many, count);
  }
  for (std::uint64_t i = 0; i < count; ++i) {
    VIVIM_TRY(const std::uint64_t client, in.var_uint());
    VIVIM_TRY(const std::uint64_t clock, in.var_uint());
    state[ClientId{client}] = clock;
  }
  if (!in.at_end()) {
    return fail(CrdtError::trailing_bytes, in.left());
  }
  return state;
}

Bytes encode_state_vector(const StateVector& state) {
  lib0::Encoder out;
  out.var_uint(state.size());
  for (const auto& [client, clock] : state) {
    out.var_uint(value_of(client));
    out.var_uint(clock);
  }
  return out.take();
}

bool state_vector_covers(const StateVector& state, const StateVector& known) {
  for (const auto& [client, clock] : known) {
    const auto mine = state.find(client);
    if (clock > 0 && (mine == state.end() || mine->second < clock)) {
      return false;
    }
  }
  return true;
}

Result<bool> state_vector_covers(BytesView state, BytesView known) {
  VIVIM_TRY(const StateVector decoded_state, decode_state_vector(state));
  VIVIM_TRY(const StateVector decoded_known, decode_state_vector(known));
  return state_vector_covers(decoded_state, decoded_known);
}

}  // namespace vivim::crdt
