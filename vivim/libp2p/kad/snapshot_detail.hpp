#pragma once

#include "vivim/base/varint.hpp"
#include "vivim/libp2p/kad/error.hpp"

namespace vivim::libp2p::kad {

/// Bytes behind their length, as snapshots have them.
inline void append_block(Bytes& out, BytesView block) {
  append_varint(out, block.size());
  append(out, block);
}

inline Result<BytesView> take_block(BytesView& in) {
  VIVIM_TRY(const auto length, decode_varint(in));
  if (length.value > in.size() - length.size) {
    return fail(KadError::bad_snapshot);
  }
  const auto block = in.subspan(length.size, static_cast<std::size_t>(length.value));
  in = in.subspan(length.size + block.size());
  return block;
}

}  // namespace vivim::libp2p::kad
