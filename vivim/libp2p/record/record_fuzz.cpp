#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/record/peer_record.hpp"

using namespace vivim;
using namespace vivim::libp2p::record;

// What is read is within the limits and is read again the same; nothing that was not signed opens.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  (void)open_peer_record(in);
  if (const auto envelope = decode_envelope(in)) {
    // Protobuf may have been encoded longer than needed: ours is never longer than the limit.
    if (decode_envelope(encode(*envelope)).value() != *envelope) {
      std::abort();
    }
  }
  if (const auto record = decode_peer_record(in)) {
    if (record->addresses.size() > k_record_addresses_max ||
        decode_peer_record(encode(*record)).value() != *record) {
      std::abort();
    }
  }
  return 0;
}
