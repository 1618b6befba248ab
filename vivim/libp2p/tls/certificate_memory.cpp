#include "vivim/libp2p/tls/certificate_memory.hpp"

namespace vivim::libp2p::tls {

Result<multiformats::PublicKey> CertificateMemory::verify(BytesView der, rt::WallMs now) {
  const auto digest = crypto::sha256(der);
  const Known* const known = known_.find(digest);
  if (known != nullptr && now >= known->checked &&
      now - known->checked < k_certificate_believed.count()) {
    return known->identity;
  }
  auto identity = verify_certificate_der(der, now);
  if (identity) {
    known_.put(digest, {.identity = *identity, .checked = now});
  } else {
    known_.erase(digest);
  }
  return identity;
}

}  // namespace vivim::libp2p::tls
