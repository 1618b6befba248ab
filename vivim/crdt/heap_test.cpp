#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/heap_test_detail.hpp"

#if defined(__GLIBC__) && !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define VIVIM_COUNTS_HEAP 1
#include <malloc.h>
#endif

#ifdef VIVIM_COUNTS_HEAP
namespace {

thread_local std::size_t t_now = 0;
thread_local std::size_t t_peak = 0;

}  // namespace

void* operator new(std::size_t size) {
  void* const at = std::malloc(size);
  if (at == nullptr) {
    std::abort();
  }
  t_now += malloc_usable_size(at);
  t_peak = std::max(t_peak, t_now);
  return at;
}
void operator delete(void* at) noexcept {
  t_now -= malloc_usable_size(at);
  std::free(at);
}
void operator delete(void* at, std::size_t) noexcept {
  operator delete(at);
}
#endif

namespace vivim::crdt {

#ifdef VIVIM_COUNTS_HEAP
std::size_t heap_bytes() {
  return mallinfo2().uordblks;
}
HeapPeak::HeapPeak() : before_(t_now) {
  t_peak = t_now;
}
std::size_t HeapPeak::bytes() const {
  return t_peak - before_;
}

TEST_CASE("heap: what is allocated is counted, or the tests of memory would show nothing") {
  const HeapPeak peak;
  const std::size_t before = heap_bytes();
  const std::vector<std::uint8_t> bytes(1 << 20);
  CHECK(heap_bytes() >= before + bytes.size());
  CHECK(peak.bytes() >= bytes.size());
}
#else
std::size_t heap_bytes() {
  return 0;
}
HeapPeak::HeapPeak() : before_(0) {}
std::size_t HeapPeak::bytes() const {
  return before_;
}
#endif

}  // namespace vivim::crdt
