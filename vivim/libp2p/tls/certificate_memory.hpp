#pragma once

#include <chrono>

#include "vivim/base/recent.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/libp2p/tls/certificate.hpp"

namespace vivim::libp2p::tls {

/// Certificates of peers that are remembered.
inline constexpr std::size_t k_certificates_max = 1024;
/// How long what was checked of one is believed: the most by which its end may be overlooked.
inline constexpr std::chrono::milliseconds k_certificate_believed = std::chrono::hours(1);

/// Checks certificates, and remembers those that were right: a peer that comes back shows the same
/// one, for as long as its process runs. Not thread-safe.
class CertificateMemory {
 public:
  CertificateMemory() : known_(k_certificates_max) {}

  /// As verify_certificate_der().
  Result<multiformats::PublicKey> verify(BytesView der, rt::WallMs now);

  std::size_t size() const { return known_.size(); }

 private:
  struct Known {
    multiformats::PublicKey identity;
    rt::WallMs checked;
  };

  Recent<crypto::Sha256Digest, Known> known_;
};

}  // namespace vivim::libp2p::tls
