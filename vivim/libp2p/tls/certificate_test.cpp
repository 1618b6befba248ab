#include "vivim/libp2p/tls/certificate.hpp"

#include <chrono>
#include <functional>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "vivim/libp2p/tls/openssl_detail.hpp"
#include "vivim/libp2p/tls/tls_test_detail.hpp"
#include "vivim/multiformats/multibase.hpp"
#include "vivim/multiformats/peer_id.hpp"

using namespace vivim;
using namespace vivim::libp2p::tls;
using namespace vivim::libp2p::tls::test;
using multiformats::PeerId;
using multiformats::PrivateKey;
using vivim::libp2p::tls::detail::Openssl;

namespace {

// The vectors of libp2p/specs tls.md.
constexpr std::string_view k_ed25519 =
    "308201ae30820156a0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c"
    "69627032702e696f310a300806035504051301313020170d3735303130313133303030305a180f343039363031"
    "30313133303030305a302031123010060355040a13096c69627032702e696f310a300806035504051301313059"
    "301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7"
    "a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea3"
    "7c307a3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fedb59dddaea5a1c4abd1ac2fbde"
    "7d7b879ed364501809923d7c11b90440d90d2769db992d5e6195dbb08e706b6651e024fda6cfb8846694a43551"
    "9941cac215a8207792e42849cccc6cd8136c6e4bde92a58c5e08cfd4206eb5fe0bf909300a06082a8648ce3d04"
    "03020346003043021f50f6b6c52711a881778718238f650c9fb48943ae6ee6d28427dc6071ae55e702203625f1"
    "16a7a454db9c56986c82a25682f7248ea1cb764d322ea983ed36a31b77";
constexpr std::string_view k_ecdsa =
    "308201f63082019da0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c"
    "69627032702e696f310a300806035504051301313020170d3735303130313133303030305a180f343039363031"
    "30313133303030305a302031123010060355040a13096c69627032702e696f310a300806035504051301313059"
    "301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7"
    "a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea3"
    "81c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d0201"
    "06082a8648ce3d03010703420004bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf"
    "6cb5d52da7563e794b512f66e60c7f55ba8a3acf3dd72a801980d205e8a1ad29f2044730450220064ea8124774"
    "caf8f50e57f436aa62350ce652418c019df5d98a3ac666c9386a022100aa59d704a931b5f72fb9222cb6cc51f9"
    "54d04a4e2e5450f8805fe8918f71eaae300a06082a8648ce3d04030203470030440220799395b0b6c1e940a7e4"
    "484705f610ab51ed376f19ff9d7c16757cfbf61b8d4302206205c03fbb0f95205c779be86581d3e31c01871ad5"
    "d1f3435bcf375cb0e5088a";
constexpr std::string_view k_secp256k1 =
    "308201ba3082015fa0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c"
    "69627032702e696f310a300806035504051301313020170d3735303130313133303030305a180f343039363031"
    "30313133303030305a302031123010060355040a13096c69627032702e696f310a300806035504051301313059"
    "301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7"
    "a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea3"
    "8184308181307f060a2b0601040183a25a01010471306f0425080212210206dc6968726765b820f050263ececf"
    "7f71e4955892776c0970542efd689d2382044630440220145e15a991961f0d08cd15425bb95ec93f6ffa03c5a3"
    "85eedc34ecf464c7a8ab022026b3109b8a3f40ef833169777eb2aa337cfb6282f188de0666d1bcec2a4690dd30"
    "0a06082a8648ce3d0403020349003046022100e1a217eeef9ec9204b3f774a08b70849646b6a1e6b8b27f93dc0"
    "0ed58545d9fe022100b00dafa549d0f03547878338c7b15e7502888f6d45db387e5ae6b5d46899cef0";
constexpr std::string_view k_invalid =
    "308201f73082019da0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c"
    "69627032702e696f310a300806035504051301313020170d3735303130313133303030305a180f343039363031"
    "30313133303030305a302031123010060355040a13096c69627032702e696f310a300806035504051301313059"
    "301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c73c263ba132721bb9d7"
    "a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea3"
    "81c23081bf3081bc060a2b0601040183a25a01010481ad3081aa045f0803125b3059301306072a8648ce3d0201"
    "06082a8648ce3d03010703420004bf30511f909414ebdd3242178fd290f093a551cf75c973155de0bb5a96fedf"
    "6cb5d52da7563e794b512f66e60c7f55ba8a3acf3dd72a801980d205e8a1ad29f204473045022100bb6e03577b"
    "7cc7a3cd1558df0da2b117dfdcc0399bc2504ebe7de6f65cade72802206de96e2a5be9b6202adba24ee0362e49"
    "0641ac45c240db71fe955f2c5cf8df6e300a06082a8648ce3d0403020348003045022100e847f267f43717358f"
    "850355bdcabbefb2cfbf8a3c043b203a14788a092fe8db022027c1d04a2d41fd6b57a7e8b3989e470325de4406"
    "e52e084e34a3fd56eef0d0df";

constexpr rt::WallMs k_day = 24 * 3600 * 1000;

Bytes hex(std::string_view text) {
  const auto bytes = multiformats::decode(multiformats::Base::base16, text);
  REQUIRE(bytes);
  return *bytes;
}

PrivateKey identity() {
  return PrivateKey(crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, 7))));
}

Openssl<EVP_PKEY> key_of(const Certificate& certificate) {
  const std::uint8_t* at = certificate.key_pkcs8.view().data();
  return Openssl<EVP_PKEY>(
      d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(certificate.key_pkcs8.size())));
}

/// A good certificate, changed by `change` and signed again.
Bytes altered(const std::function<void(X509*)>& change, const EVP_MD* digest = EVP_sha256()) {
  const Certificate made = make_certificate(identity(), crypto::os_random, k_now);
  const std::uint8_t* at = made.der.data();
  const Openssl<X509> certificate(d2i_X509(nullptr, &at, static_cast<long>(made.der.size())));
  REQUIRE(certificate);
  change(certificate.get());
  REQUIRE(X509_sign(certificate.get(), key_of(made).get(), digest) > 0);
  Bytes out(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)));
  std::uint8_t* to = out.data();
  i2d_X509(certificate.get(), &to);
  return out;
}

Error refusal(BytesView der, rt::WallMs now = k_now) {
  const auto key = verify_certificate_der(der, now);
  REQUIRE_FALSE(key);
  return key.error();
}

void add(X509* certificate, int nid, const char* value) {
  const Openssl<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  REQUIRE(extension);
  REQUIRE(X509_add_ext(certificate, extension.get(), -1) == 1);
}

void add_unknown(X509* certificate, int critical) {
  const Openssl<ASN1_OBJECT> object(OBJ_txt2obj("1.3.6.1.4.1.53594.9.9", 1));
  const Openssl<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new());
  const Openssl<X509_EXTENSION> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), critical, value.get()));
  REQUIRE(X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

TEST_CASE("certificate: the vectors of the specification") {
  const auto peer = [](std::string_view text) {
    const auto key = verify_certificate_der(hex(text), k_now);
    REQUIRE(key);
    return PeerId::of(*key).to_string();
  };
  CHECK(peer(k_ed25519) == "12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv");
  CHECK(peer(k_ecdsa) == "QmfXbAwNjJLXfesgztEHe8HwgVDCMMpZ9Eax1HYq6hn9uE");
  CHECK(peer(k_secp256k1) == "16Uiu2HAkutTMoTzDw1tCvSRtu6YoixJwS46S1ZFxW8hSx9fWHiPs");
  CHECK(refusal(hex(k_invalid)).is(TlsError::bad_identity_signature));
}

TEST_CASE("certificate: what is made for any identity verifies") {
  std::vector<PrivateKey> keys;
  keys.push_back(identity());
  keys.emplace_back(crypto::EcdsaKeyPair::generate(crypto::Curve::p256, crypto::os_random));
  keys.emplace_back(crypto::EcdsaKeyPair::generate(crypto::Curve::secp256k1, crypto::os_random));
  keys.emplace_back(crypto::RsaKeyPair::generate(2048));
  for (const PrivateKey& key : keys) {
    const Certificate made = make_certificate(key, crypto::os_random, k_now);
    for (const rt::WallMs now : {k_now, k_now - k_day / 2, k_now + 36500 * k_day}) {
      const auto verified = verify_certificate_der(made.der, now);
      REQUIRE(verified);
      CHECK(*verified == key.public_key());
    }
    CHECK(made.pem().starts_with("-----BEGIN CERTIFICATE-----\n"));
    CHECK(made.key_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
  }
}

TEST_CASE("certificate: every certificate has another key") {
  const Certificate a = make_certificate(identity(), crypto::os_random, k_now);
  const Certificate b = make_certificate(identity(), crypto::os_random, k_now);
  CHECK(a.der != b.der);
  CHECK_FALSE(same_bytes(a.key_pkcs8.view(), b.key_pkcs8.view()));
}

//= tls#peer-authentication
//= type=test
// # When receiving the certificate chain, an endpoint MUST check these conditions and abort the
// # connection attempt if (a) the presented certificate is not yet valid, OR (b) if it is expired.
TEST_CASE("certificate: too early and too late") {
  const Certificate made = make_certificate(identity(), crypto::os_random, k_now);
  CHECK(refusal(made.der, k_now - 2 * k_day).is(TlsError::certificate_early));
  CHECK(refusal(made.der, k_now + 36526 * k_day).is(TlsError::certificate_expired));
}

TEST_CASE("certificate: extensions") {
  CHECK(verify_certificate_der(altered([](X509* c) { add_unknown(c, 0); }), k_now));
  CHECK(refusal(altered([](X509* c) { add_unknown(c, 1); })).is(TlsError::critical_extension));
  CHECK(verify_certificate_der(
      altered([](X509* c) { add(c, NID_key_usage, "critical,digitalSignature"); }), k_now));
  CHECK(verify_certificate_der(
      altered([](X509* c) { add(c, NID_basic_constraints, "critical,CA:FALSE"); }), k_now));
  CHECK(refusal(altered([](X509* c) {
          add(c, NID_key_usage, "critical,keyEncipherment");
        })).is(TlsError::bad_algorithm));
  CHECK(refusal(altered([](X509* c) {
          add(c, NID_name_constraints, "critical,permitted;DNS:a");
        })).is(TlsError::critical_extension));
  CHECK(refusal(altered([](X509* c) {
          X509_EXTENSION_free(X509_delete_ext(c, 0));
        })).is(TlsError::extension_missing));
  CHECK(refusal(altered([](X509* c) {
          X509_add_ext(c, X509_get_ext(c, 0), -1);
        })).is(TlsError::bad_extension));
  // The extension itself may be critical.
  CHECK(verify_certificate_der(
      altered([](X509* c) { X509_EXTENSION_set_critical(X509_get_ext(c, 0), 1); }), k_now));
}

TEST_CASE("certificate: signatures and algorithms") {
  CHECK(verify_certificate_der(altered([](X509*) {}, EVP_sha384()), k_now));
  CHECK(refusal(altered([](X509*) {}, EVP_sha1())).is(TlsError::bad_algorithm));
  Bytes der = make_certificate(identity(), crypto::os_random, k_now).der;
  der.back() ^= 1;
  CHECK(refusal(der).is(TlsError::bad_self_signature));
  // The extension of one certificate in another: the identity signed another key.
  const Certificate other = make_certificate(identity(), crypto::os_random, k_now);
  const auto stolen = altered([&other](X509* c) {
    const std::uint8_t* at = other.der.data();
    const Openssl<X509> from(d2i_X509(nullptr, &at, static_cast<long>(other.der.size())));
    X509_EXTENSION_free(X509_delete_ext(c, 0));
    X509_add_ext(c, X509_get_ext(from.get(), 0), -1);
  });
  CHECK(refusal(stolen).is(TlsError::bad_identity_signature));
}

TEST_CASE("certificate: not one") {
  CHECK(refusal({}).is(TlsError::bad_certificate));
  CHECK(refusal(Bytes(k_certificate_bytes_max + 1)).is(TlsError::bad_certificate));
  Bytes der = make_certificate(identity(), crypto::os_random, k_now).der;
  der.push_back(0);
  CHECK(refusal(der).is(TlsError::bad_certificate));
  der.pop_back();
  der.pop_back();
  CHECK(refusal(der).is(TlsError::bad_certificate));
  CHECK(refusal(altered([](X509* c) {
          X509_set_version(c, X509_VERSION_1);
        })).is(TlsError::bad_certificate));
}

TEST_CASE("certificate: the extension's value is strict DER") {
  const SignedKey key{.public_key = Bytes(36, 1), .signature = Bytes(200, 2)};
  const Bytes good = encode_signed_key(key);
  const auto read = decode_signed_key(good);
  REQUIRE(read);
  CHECK(read->public_key == key.public_key);
  CHECK(read->signature == key.signature);
  const Bytes large = encode_signed_key({.public_key = Bytes(1100), .signature = Bytes(512)});
  CHECK(decode_signed_key(large));
  const auto bad = [](Bytes der) {
    return decode_signed_key(der).error().is(TlsError::bad_extension);
  };
  CHECK(bad({}));
  CHECK(bad({0x30}));
  CHECK(bad({0x30, 0x00}));
  CHECK(bad({0x30, 0x80, 0x04, 0x00, 0x04, 0x00, 0x00, 0x00}));  // indefinite length
  CHECK(bad({0x30, 0x81, 0x04, 0x04, 0x00, 0x04, 0x00}));        // length not minimal
  CHECK(bad({0x30, 0x06, 0x04, 0x00, 0x04, 0x00, 0x04, 0x00}));  // a third value
  CHECK(bad({0x30, 0x04, 0x04, 0x00, 0x05, 0x00}));
  CHECK(bad({0x30, 0x04, 0x04, 0x00, 0x04, 0x01}));
  Bytes trailing = good;
  trailing.push_back(0);
  CHECK(bad(trailing));
}
