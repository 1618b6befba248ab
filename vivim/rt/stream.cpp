#include "vivim/rt/stream.hpp"

#include "vivim/rt/error.hpp"

namespace vivim::rt {

Co<Result<void>> read_exactly(Stream& stream, MutableBytes into) {
  while (!into.empty()) {
    VIVIM_CO_TRY(const auto n, co_await stream.read_some(into));
    if (n == 0) {
      co_return fail(RtError::end_of_stream, into.size());
    }
    into = into.subspan(n);
  }
  co_return Result<void>{};
}

}  // namespace vivim::rt
