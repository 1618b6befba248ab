#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/relay/message.hpp"
#include "vivim/libp2p/relay/voucher.hpp"

using namespace vivim;
using namespace vivim::libp2p::relay;

// What is read is read again the same after it was encoded.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  if (const auto message = decode_hop(in)) {
    const auto bytes = encode(*message);
    if (message->reservation && message->reservation->addresses.size() > k_addresses_max) {
      std::abort();
    }
    // An overlong voucher may have pushed the rest out.
    if (bytes.size() <= k_message_bytes_max && !decode_hop(bytes)) {
      std::abort();
    }
  }
  if (const auto message = decode_stop(in)) {
    if (decode_stop(encode(*message)).value() != *message) {
      std::abort();
    }
  }
  (void)open_voucher(in);
  return 0;
}
