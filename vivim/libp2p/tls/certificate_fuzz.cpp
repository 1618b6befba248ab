#include "vivim/base/assert.hpp"
#include "vivim/libp2p/tls/certificate.hpp"

using namespace vivim;
using namespace vivim::libp2p::tls;

// The input is a certificate, and the value of the libp2p extension.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  constexpr rt::WallMs k_now = 1'767'225'600'000;
  if (const auto key = verify_certificate_der(input, k_now)) {
    VIVIM_ASSERT(multiformats::PublicKey::decode(key->encode()) == *key);
  }
  if (const auto key = decode_signed_key(input)) {
    VIVIM_ASSERT(encode_signed_key(*key) == to_bytes(input));
  }
  return 0;
}
