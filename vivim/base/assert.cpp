#include "vivim/base/assert.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace vivim {

namespace {

#ifdef NDEBUG
constinit std::atomic<bool> g_bugs_fatal{false};
#else
constinit std::atomic<bool> g_bugs_fatal{true};
#endif
constinit std::atomic<std::uint64_t> g_bug_count{0};

}  // namespace

void set_bugs_fatal(bool fatal) noexcept {
  g_bugs_fatal.store(fatal, std::memory_order_relaxed);
}
std::uint64_t bug_count() noexcept {
  return g_bug_count.load(std::memory_order_relaxed);
}

namespace detail {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "vivim: assertion failed at %s:%d: %s\n", file, line, condition);
  std::abort();
}

void bug_found(const char* condition, const char* file, int line) noexcept {
  g_bug_count.fetch_add(1, std::memory_order_relaxed);
  std::fprintf(stderr, "vivim: bug at %s:%d: %s\n", file, line, condition);
  if (g_bugs_fatal.load(std::memory_order_relaxed)) {
    std::abort();
  }
}

}  // namespace detail
}  // namespace vivim
