#include "vivim/rt/asio/rng.hpp"

#include <cerrno>

#include <sys/random.h>

#include "vivim/base/assert.hpp"

namespace vivim::rt::asio_ {

void SystemRng::fill(MutableBytes out) {
  while (!out.empty()) {
    const auto n = ::getrandom(out.data(), out.size(), 0);
    VIVIM_ASSERT(n > 0 || errno == EINTR);  // a node without randomness must not run
    if (n > 0) {
      out = out.subspan(static_cast<std::size_t>(n));
    }
  }
}

}  // namespace vivim::rt::asio_
