#include "stress/process.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <malloc.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VIVIM_STRESS_SANITIZED 1
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#endif
#endif

namespace vivim::stress {

namespace {

std::uint64_t heap_bytes() {
#if defined(VIVIM_STRESS_SANITIZED)
  return __sanitizer_get_current_allocated_bytes();
#else
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  file >> pages >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t descriptors() {
  const auto count = std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                   std::filesystem::directory_iterator());
  return static_cast<std::uint64_t>(count) - 1;  // the one that reads the directory
}

}  // namespace

Usage measure_process() {
#if !defined(VIVIM_STRESS_SANITIZED)
  malloc_trim(0);
#endif
  return {
      .resident_bytes = resident_bytes(), .heap_bytes = heap_bytes(), .descriptors = descriptors()};
}

}  // namespace vivim::stress
