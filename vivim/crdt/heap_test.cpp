#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/heap_test_detail.hpp"
#include "vivim/crdt/map.hpp"

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
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
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

TEST_CASE("heap: a map that is deleted gives back the memory of its keys") {
  constexpr int k_keys = 10'000;
  Doc doc(ClientId{1});
  Map map = doc.map("map");
  const auto fill = [&] {
    doc.transact([&](Transaction& t) {
      Map inner = map.set_map(t, "inner");
      for (int i = 0; i < k_keys; ++i) {
        inner.set(t, std::to_string(i), Any(true));
      }
    });
  };
  // The second time keys and items are there already.
  fill();
  fill();
  const std::size_t before = heap_bytes();
  doc.transact([&](Transaction& t) { map.erase(t, "inner"); });
  constexpr std::size_t k_entry = 2 * sizeof(std::uint32_t);
  CHECK(before - heap_bytes() > k_keys * k_entry * 5);  // of the map, and of its index
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
