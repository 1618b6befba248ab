#include "interop/peer/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// One thread does nearly all: a store costs less than an exact count.
std::atomic<std::uint64_t> count{0};

}  // namespace

// Sanitizers have operators of their own, and nobody measures there.
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void* operator new(std::size_t size) {
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) {
    return memory;
  }
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif

namespace vivim::interop {

std::uint64_t allocations() {
  return count.load(std::memory_order_relaxed);
}

}  // namespace vivim::interop
