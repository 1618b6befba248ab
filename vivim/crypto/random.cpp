#include "vivim/crypto/random.hpp"

#include <cerrno>

#include <sys/random.h>

#include "vivim/base/assert.hpp"

namespace vivim::crypto {

void os_random(MutableBytes out) {
  while (!out.empty()) {
    const auto got = ::getrandom(out.data(), out.size(), 0);
    VIVIM_ASSERT(got > 0 || errno == EINTR);
    if (got > 0) {
      out = out.subspan(static_cast<std::size_t>(got));
    }
  }
}

}  // namespace vivim::crypto
