#pragma once

#include <cstddef>
#include <cstdint>

#include "vivim/base/bytes.hpp"
#include "vivim/rt/co.hpp"
#include "vivim/rt/stream.hpp"

namespace vivim::rt::sim::test {

/// Where nodes listen.
inline constexpr std::uint16_t k_port = 4001;

inline Co<Result<Bytes>> read_bytes(Stream& stream, std::size_t count) {
  Bytes bytes(count);
  VIVIM_CO_TRYV(co_await read_exactly(stream, bytes));
  co_return bytes;
}

}  // namespace vivim::rt::sim::test
