#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/multistream/undecided.hpp"

using namespace vivim;
using namespace vivim::libp2p::multistream;

namespace {

// Feeds in pieces and checks that no more is taken than was given, and nothing after the end.
template <class Side>
void drive(Side side, BytesView in, std::size_t piece) {
  while (!in.empty()) {
    const auto given = in.first(std::min(piece, in.size()));
    const auto used = side.feed(given);
    if (!used || side.done()) {
      return;
    }
    if (*used != given.size() || side.take_output().size() > 70 * k_message_bytes_max) {
      std::abort();
    }
    in = in.subspan(*used);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::size_t piece = 1 + data[0];
  const BytesView in(data + 1, size - 1);
  drive(Listener(make_protocol_list({"/noise", "/tls/1.0.0"})), in, piece);
  drive(Dialer({"/noise", "/tls/1.0.0"}), in, piece);
  drive(Undecided({"/noise", "/tls/1.0.0"}, 7), in, piece);
  drive(Undecided({"/noise", "/tls/1.0.0"}, 7, Opening::listen), in, piece);
  return 0;
}
