#include "vivim/libp2p/tls/certificate_memory.hpp"

#include <doctest/doctest.h>

#include "vivim/crypto/random.hpp"
#include "vivim/libp2p/tls/tls_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::tls;
using namespace vivim::libp2p::tls::test;

namespace {

constexpr rt::WallMs k_century = std::chrono::milliseconds(std::chrono::hours(24) * 36'600).count();

Certificate certificate_of(std::uint16_t number) {
  return make_certificate(key_pair(number), crypto::os_random, k_now);
}

}  // namespace

TEST_CASE("certificate memory: gives what verifying gives, the second time as the first") {
  CertificateMemory memory;
  const auto one = certificate_of(1);
  const multiformats::PublicKey identity(key_pair(1).public_key());
  CHECK(*memory.verify(one.der, k_now) == identity);
  CHECK(*memory.verify(one.der, k_now) == identity);
  CHECK(memory.size() == 1);
  Bytes changed = one.der;
  changed.back() ^= 1;
  CHECK_FALSE(memory.verify(changed, k_now));
  CHECK(memory.size() == 1);
}

TEST_CASE("certificate memory: what has ended is not believed for longer than it says") {
  CertificateMemory memory;
  const auto one = certificate_of(1);
  REQUIRE(memory.verify(one.der, k_now));
  CHECK(memory.verify(one.der, k_now - 2 * 86'400'000)
            .error()
            .is(TlsError::certificate_early));  // and the clock was set back
  CHECK(memory.size() == 0);
  REQUIRE(memory.verify(one.der, k_now));
  CHECK(memory.verify(one.der, k_now + k_certificate_believed.count()));
  CHECK(memory.verify(one.der, k_now + k_century).error().is(TlsError::certificate_expired));
}

TEST_CASE("certificate memory: is limited") {
  CertificateMemory memory;
  for (std::uint16_t i = 0; i <= k_certificates_max; ++i) {
    REQUIRE(memory.verify(certificate_of(i).der, k_now));
  }
  CHECK(memory.size() == k_certificates_max);
}
