#pragma once

#include <cstddef>

namespace vivim::crdt {

/// For tests: bytes that are allocated now; 0 where that is not known (sanitizers, WebAssembly).
std::size_t heap_bytes();

/// For tests: the most bytes that operator new has given out in this thread, above what there was
/// at its construction; 0 where that is not known.
class HeapPeak {
 public:
  HeapPeak();
  std::size_t bytes() const;

 private:
  std::size_t before_;
};

}  // namespace vivim::crdt
