// Nothing that is not signed opens, whatever it is.
#include <cstdlib>

#include "vivim/crdt/envelope/envelope.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const vivim::Bytes document(16, 7);
  if (vivim::crdt::open_envelope(document, {data, size})) {
    std::abort();
  }
  return 0;
}
