#pragma once

#include <cstdint>

namespace vivim::detail {

/// Prints the failed condition with its place and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

/// Counts and logs a believed invariant that did not hold; aborts in tests (see set_bugs_fatal).
void bug_found(const char* condition, const char* file, int line) noexcept;

}  // namespace vivim::detail

namespace vivim {

/// Tests make every VIVIM_BUG abort; a shipped node counts it and goes on. Default: fatal without
/// NDEBUG.
void set_bugs_fatal(bool fatal) noexcept;

/// How many VIVIM_BUG conditions were hit since the program started.
std::uint64_t bug_count() noexcept;

}  // namespace vivim

/// A programmer's error: checked in every build, never for what a peer can cause.
#define VIVIM_ASSERT(condition)                                          \
  do {                                                                   \
    if (!(condition)) [[unlikely]] {                                     \
      ::vivim::detail::assertion_failed(#condition, __FILE__, __LINE__); \
    }                                                                    \
  } while (false)

/// Evaluates to true when a believed invariant is broken: counted and logged in release, fatal in
/// tests. Use as `if (VIVIM_BUG(x > limit)) { return fail(...); }`
#define VIVIM_BUG(condition) \
  ((condition) ? (::vivim::detail::bug_found(#condition, __FILE__, __LINE__), true) : false)
