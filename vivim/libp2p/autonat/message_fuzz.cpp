#include <cstdint>
#include <cstdlib>

#include "vivim/libp2p/autonat/message.hpp"

using namespace vivim;
using namespace vivim::libp2p::autonat;

// What is read is within the limits, and is read again after it was encoded.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView in(data, size);
  if (const auto message = v1::decode(in)) {
    if (!v1::decode(v1::encode(*message))) {
      std::abort();
    }
  }
  if (const auto message = v2::decode(in)) {
    const auto* const request = std::get_if<v2::DialRequest>(&*message);
    if (request != nullptr && request->addresses.size() > k_addresses_max) {
      std::abort();
    }
    if (!v2::decode(v2::encode(*message))) {
      std::abort();
    }
  }
  if (const auto nonce = v2::decode_dial_back(in)) {
    if (v2::decode_dial_back(v2::encode_dial_back(*nonce)).value() != *nonce) {
      std::abort();
    }
  }
  return 0;
}
