#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "vivim/libp2p/delimited/delimited.hpp"

using namespace vivim;
using namespace vivim::libp2p;

// The same messages come out whatever the pieces; none is larger than allowed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = [&](std::size_t piece) {
    std::vector<Bytes> messages;
    DelimitedReader reader(200);
    for (BytesView in(data, size); !in.empty();) {
      const auto part = in.first(std::min(piece, in.size()));
      reader.feed(part);
      in = in.subspan(part.size());
      for (;;) {
        auto message = reader.next();
        if (!message) {
          return messages;
        }
        if (!*message) {
          break;
        }
        if ((*message)->size() > 200) {
          std::abort();
        }
        messages.push_back(std::move(**message));
      }
    }
    return messages;
  };
  if (read(1) != read(size + 1)) {
    std::abort();
  }
  return 0;
}
