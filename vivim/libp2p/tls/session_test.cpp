#include "vivim/libp2p/tls/session.hpp"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "vivim/crypto/ecdsa.hpp"
#include "vivim/libp2p/tls/openssl_detail.hpp"
#include "vivim/libp2p/tls/session_detail.hpp"
#include "vivim/libp2p/tls/tls_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::tls;
using namespace vivim::libp2p::tls::test;
using multiformats::PeerId;
using multiformats::PrivateKey;

namespace {

constexpr rt::WallMs k_year = 365LL * 24 * 3600 * 1000;

PeerId peer(std::uint8_t seed) {
  return PeerId::of(key_pair(seed));
}

std::shared_ptr<const Context> node(std::uint8_t seed, rt::WallMs now = k_now) {
  return Context::libp2p(make_certificate(key_pair(seed), crypto::os_random, now));
}

/// Client and server, and what they say to each other.
struct Pair {
  explicit Pair(SessionOptions client_options = {}, SessionOptions server_options = {})
      : Pair(node(1), node(2), std::move(client_options), std::move(server_options)) {}
  Pair(std::shared_ptr<const Context> client_context, std::shared_ptr<const Context> server_context,
       SessionOptions client_options, SessionOptions server_options)
      : client(std::move(client_context), with_defaults(std::move(client_options), Role::client)),
        server(std::move(server_context), with_defaults(std::move(server_options), Role::server)) {}

  static SessionOptions with_defaults(SessionOptions options, Role role) {
    options.role = role;
    options.now = options.now == 0 ? k_now : options.now;
    if (options.protocols.empty()) {
      options.protocols = {"libp2p"};
    }
    return options;
  }

  /// Passes what `from` has to `to`, `piece` bytes at a time.
  static Result<void> pass(Session& from, Session& to, std::size_t piece) {
    const Bytes bytes = from.poll_transmit();
    for (BytesView rest = bytes; !rest.empty();) {
      const auto taken = to.feed(rest.first(std::min(piece, rest.size())));
      rest = rest.subspan(taken);
      if (!to.established()) {
        VIVIM_TRYV(to.advance());
      }
    }
    return {};
  }

  /// The handshake to its end; what failed at either.
  void shake(std::size_t piece = 100'000) {
    at_client = client.advance();
    for (int turn = 0; turn < 4; ++turn) {
      if (const auto passed = pass(client, server, piece); !passed) {
        at_server = passed;
      }
      if (const auto passed = pass(server, client, piece); !passed) {
        at_client = passed;
      }
    }
    if (at_client && client.established()) {
      const auto opened = client.next();
      at_client = opened ? Result<void>{} : fail(opened.error());
    }
  }

  Session client;
  Session server;
  Result<void> at_client;
  Result<void> at_server;
};

Bytes open_all(Session& session, BytesView sealed, std::size_t piece = 50'000) {
  Bytes out;
  for (BytesView rest = sealed; !rest.empty();) {
    rest = rest.subspan(session.feed(rest.first(std::min(piece, rest.size()))));
    for (auto plain = session.next();; plain = session.next()) {
      REQUIRE(plain);
      if (!*plain) {
        break;
      }
      append(out, **plain);
    }
  }
  return out;
}

Bytes sealed_by(Session& session, BytesView plaintext) {
  Bytes out;
  REQUIRE(session.seal(plaintext, out));
  return out;
}

/// An ordinary certificate for `name`, signed by itself.
struct Ordinary {
  explicit Ordinary(const char* name, rt::WallMs now = k_now) {
    const auto pair = crypto::EcdsaKeyPair::generate(crypto::Curve::p256, crypto::os_random);
    const auto pkcs8 = pair.pkcs8();
    const std::uint8_t* at = pkcs8.view().data();
    const vivim::libp2p::tls::detail::Openssl<EVP_PKEY> key(
        d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(pkcs8.size())));
    const vivim::libp2p::tls::detail::Openssl<X509> certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), 1);
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), (now - k_year) / 1000);
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), (now + k_year) / 1000);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const std::uint8_t*>("test"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
    X509_set_pubkey(certificate.get(), key.get());
    const vivim::libp2p::tls::detail::Openssl<X509_EXTENSION> names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name));
    X509_add_ext(certificate.get(), names.get(), -1);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    Certificate both;
    both.der.resize(static_cast<std::size_t>(i2d_X509(certificate.get(), nullptr)));
    std::uint8_t* to = both.der.data();
    i2d_X509(certificate.get(), &to);
    both.key_pkcs8 = pair.pkcs8();
    chain_pem = both.pem();
    key_pem = both.key_pem();
  }

  std::string chain_pem;
  std::string key_pem;
};

}  // namespace

TEST_CASE("session: two peers learn who the other is, however the bytes are cut") {
  for (const std::size_t piece : {1UL, 7UL, 300UL, 100'000UL}) {
    Pair pair({.expected_peer = peer(2)});
    pair.shake(piece);
    REQUIRE(pair.at_client);
    REQUIRE(pair.at_server);
    REQUIRE(pair.client.established());
    REQUIRE(pair.server.established());
    CHECK(peer(2).matches(*pair.client.peer_key()));
    CHECK(peer(1).matches(*pair.server.peer_key()));
    CHECK(pair.client.protocol() == "libp2p");
    CHECK(pair.server.protocol() == "libp2p");
  }
}

TEST_CASE("session: identities of every key type") {
  std::vector<PrivateKey> keys;
  keys.emplace_back(crypto::EcdsaKeyPair::generate(crypto::Curve::p256, crypto::os_random));
  keys.emplace_back(crypto::EcdsaKeyPair::generate(crypto::Curve::secp256k1, crypto::os_random));
  keys.emplace_back(crypto::RsaKeyPair::generate(2048));
  for (const auto& key : keys) {
    const auto context = Context::libp2p(make_certificate(key, crypto::os_random, k_now));
    Pair pair(context, node(2), {}, {.expected_peer = PeerId::of(key.public_key())});
    pair.shake();
    REQUIRE(pair.at_server);
    CHECK(pair.server.peer_key() == key.public_key());
  }
}

TEST_CASE("session: bytes of any size arrive, both ways") {
  Pair pair;
  pair.shake();
  for (const std::size_t size : {1UL, 16'384UL, 16'385UL, 300'000UL}) {
    const Bytes message = numbered(size);
    for (const std::size_t piece : {size < 20'000 ? 1UL : 999UL, 65'536UL}) {
      CHECK(open_all(pair.server, sealed_by(pair.client, message), piece) == message);
      CHECK(open_all(pair.client, sealed_by(pair.server, message), piece) == message);
    }
  }
  CHECK(sealed_by(pair.client, {}).empty());
}

TEST_CASE("session: the muxer is the first of the client's that the server has") {
  const auto chosen = [](std::vector<std::string> client, std::vector<std::string> server) {
    Pair pair({.protocols = std::move(client)}, {.protocols = std::move(server)});
    pair.shake();
    REQUIRE(pair.at_client);
    REQUIRE(pair.at_server);
    CHECK(pair.client.protocol() == pair.server.protocol());
    return pair.client.protocol();
  };
  CHECK(chosen({"/a", "/b", "libp2p"}, {"/b", "/a", "libp2p"}) == "/a");
  CHECK(chosen({"/a", "/b", "libp2p"}, {"/b", "libp2p"}) == "/b");
  CHECK(chosen({"/a", "libp2p"}, {"/b", "libp2p"}) == "libp2p");
}

//= tls#alpn
//= type=test
// # The server MUST abort the handshake if it doesn't support any of the application protocols
// # offered by the client.
TEST_CASE("session: no common application protocol") {
  Pair pair({.protocols = {"h2"}});
  pair.shake();
  CHECK(pair.at_server.error().is(TlsError::no_application_protocol));
  CHECK(pair.at_client.error().is(TlsError::no_application_protocol));
  CHECK_FALSE(pair.server.established());
}

TEST_CASE("session: another peer than the expected one") {
  Pair dialled({.expected_peer = peer(3)});
  dialled.shake();
  CHECK(dialled.at_client.error().is(TlsError::wrong_peer));
  CHECK(dialled.at_server.error().is(TlsError::alert));
  CHECK(dialled.client.advance().error().is(TlsError::wrong_peer));  // and so for ever
  Pair accepted({}, {.expected_peer = peer(3)});
  accepted.shake();
  CHECK(accepted.at_server.error().is(TlsError::wrong_peer));
  CHECK(accepted.at_client.error().is(TlsError::alert));
}

TEST_CASE("session: a peer whose certificate is refused") {
  Pair early({}, {.now = k_now - 1 * k_year});
  early.shake();
  CHECK(early.at_server.error().is(TlsError::certificate_early));
  const Ordinary ordinary("DNS:a");
  const auto context = Context::server(ordinary.chain_pem, ordinary.key_pem);
  REQUIRE(context);
  Pair no_extension(node(1), *context, {}, {});
  no_extension.shake();
  CHECK(no_extension.at_client.error().is(TlsError::extension_missing));
  const auto anonymous = Context::client({.source = Trust::Source::everybody});
  REQUIRE(anonymous);
  Pair none(*anonymous, node(2), {}, {});
  none.shake();
  CHECK(none.at_server.error().is(TlsError::certificate_missing));
}

TEST_CASE("session: a chain of two libp2p certificates is refused") {
  const auto own = make_certificate(key_pair(1), crypto::os_random, k_now);
  const auto other = make_certificate(key_pair(3), crypto::os_random, k_now);
  const auto context = Context::server(own.pem() + other.pem(), own.key_pem());
  REQUIRE(context);
  Pair pair(node(2), *context, {}, {});
  pair.shake();
  CHECK(pair.at_client.error().is(TlsError::certificate_chain));
  CHECK(pair.at_client.error().detail() == 2);
}

TEST_CASE("session: close_notify ends one direction; what was sent before arrives") {
  Pair pair;
  pair.shake();
  Bytes out = sealed_by(pair.client, as_bytes("last words"));
  pair.client.close(out);
  const std::size_t size = out.size();
  pair.client.close(out);
  CHECK(out.size() == size);
  CHECK(pair.client.seal(as_bytes("x"), out).error().is(TlsError::closed));
  CHECK(as_text(open_all(pair.server, out)) == "last words");
  CHECK(pair.server.peer_closed());
  CHECK_FALSE(pair.client.peer_closed());
  CHECK(as_text(open_all(pair.client, sealed_by(pair.server, as_bytes("answer")))) == "answer");
}

TEST_CASE("session: a damaged record is an error, and an alert for the peer") {
  Pair pair;
  pair.shake();
  Bytes sealed = sealed_by(pair.client, as_bytes("message"));
  sealed[sealed.size() / 2] ^= 1;
  pair.server.feed(sealed);
  CHECK(pair.server.next().error().is(TlsError::bad_record));
  CHECK(pair.server.next().error().is(TlsError::bad_record));
  Bytes out;
  CHECK_FALSE(pair.server.seal(as_bytes("x"), out));
  const Bytes alert = pair.server.poll_transmit();
  CHECK_FALSE(alert.empty());
  pair.client.feed(alert);
  const auto told = pair.client.next();
  REQUIRE_FALSE(told);
  CHECK(told.error().is(TlsError::alert));
  CHECK(told.error().detail() == 20);  // bad_record_mac
}

TEST_CASE("session: records above the limit are refused") {
  Pair pair;
  pair.shake();
  Bytes header{0x17, 0x03, 0x03, 0x42, 0x00};  // 16,896 bytes: more than 2^14 + 256
  header.resize(20'000);
  pair.server.feed(header);
  CHECK(pair.server.next().error().is(TlsError::bad_record));
}

TEST_CASE("session: keys are renewed on time, and the peer follows") {
  Pair pair({.records_per_key = 3});
  pair.shake();
  for (int i = 0; i < 20; ++i) {
    const Bytes message = numbered(20'000);
    CHECK(open_all(pair.server, sealed_by(pair.client, message)) == message);
    CHECK(open_all(pair.client, sealed_by(pair.server, as_bytes("ok"))) ==
          to_bytes(std::string_view("ok")));
  }
}

TEST_CASE("session: what is not TLS, and old TLS") {
  Session server(node(2), Pair::with_defaults({}, Role::server));
  server.feed(as_bytes("GET / HTTP/1.1\r\n\r\n"));
  CHECK(server.advance().error().is(TlsError::handshake_failed));
  CHECK(server.advance().error().is(TlsError::handshake_failed));
  Session client(node(1), Pair::with_defaults({}, Role::client));
  REQUIRE(client.advance());
  client.feed(Bytes(100, 0x42));
  CHECK(client.advance().error().is(TlsError::handshake_failed));
}

TEST_CASE("session: a handshake that never ends is refused at its limit") {
  Session server(node(2), Pair::with_defaults({}, Role::server));
  Bytes record{0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x01, 0xf0, 0x00};  // a hello of 124 KiB
  record.resize(5 + 0x4000);
  Result<void> outcome;
  std::size_t fed = 0;
  while (outcome && fed < 2 * k_handshake_bytes_max) {
    fed += server.feed(record);
    outcome = server.advance();
  }
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().is(TlsError::handshake_too_large));
  CHECK(fed <= k_handshake_bytes_max + record.size());
}

TEST_CASE("session: the buffer is bounded") {
  Pair pair;
  pair.shake();
  const Bytes sealed = sealed_by(pair.client, Bytes(300'000));
  CHECK(pair.server.feed(sealed) == k_receive_buffer_max);
  CHECK(pair.server.prepare().empty());
  const auto frame = pair.server.next();
  REQUIRE(frame);
  REQUIRE(*frame);
  CHECK_FALSE(pair.server.prepare().empty());
}

TEST_CASE("session: buffers are given back and taken again") {
  Pair pair;
  pair.shake();
  for (int i = 0; i < 3; ++i) {
    const Bytes message = numbered(100'000);
    CHECK(open_all(pair.server, sealed_by(pair.client, message)) == message);
    CHECK(pair.server.held_bytes() > 16'000);
    pair.server.release();
    pair.client.release();
    pair.server.prepare(100);
    CHECK(pair.server.held_bytes() < 1000);
  }
  // in the middle of a record
  const Bytes sealed = sealed_by(pair.client, as_bytes("message"));
  CHECK(open_all(pair.server, BytesView(sealed).first(10)).empty());
  pair.server.release();
  CHECK(as_text(open_all(pair.server, BytesView(sealed).subspan(10))) == "message");
}

TEST_CASE("session: neither SNI nor a session ticket is sent") {
  Pair pair;
  REQUIRE(pair.client.advance());
  const Bytes hello = pair.client.poll_transmit();
  // record and message header, version, random; then three lists (RFC 8446 section 4.1.2)
  BytesView rest = BytesView(hello).subspan(5 + 4 + 2 + 32);
  rest = rest.subspan(1 + rest[0]);
  rest = rest.subspan(2 + load_be16(rest));
  rest = rest.subspan(1 + rest[0]);
  rest = rest.subspan(2, load_be16(rest));
  std::vector<int> types;
  while (!rest.empty()) {
    types.push_back(load_be16(rest));
    rest = rest.subspan(4 + load_be16(rest.subspan(2)));
  }
  CHECK(std::ranges::count(types, 16) == 1);  // ALPN
  CHECK(std::ranges::count(types, 0) == 0);   // server_name
  CHECK(std::ranges::count(types, 35) == 0);  // session_ticket
  CHECK(std::ranges::count(types, 41) == 0);  // pre_shared_key
  Pair whole;
  whole.shake();
  CHECK(whole.server.poll_transmit().empty());  // after its Finished nothing more
}

TEST_CASE("session: an ordinary server, its name and authorities") {
  const Ordinary ordinary("DNS:example.org,IP:127.0.0.1");
  const auto server = Context::server(ordinary.chain_pem, ordinary.key_pem);
  const auto trusting =
      Context::client({.source = Trust::Source::given, .authorities_pem = ordinary.chain_pem});
  const auto strange = Context::client(
      {.source = Trust::Source::given, .authorities_pem = Ordinary("DNS:x").chain_pem});
  const auto insecure = Context::client({.source = Trust::Source::everybody});
  const auto system = Context::client({});
  REQUIRE(server);
  REQUIRE(trusting);
  REQUIRE(strange);
  REQUIRE(insecure);
  REQUIRE(system);
  const auto outcome = [&](const auto& context, std::string name, rt::WallMs now = k_now) {
    Pair pair(*context, *server,
              {.protocols = {"http/1.1"}, .now = now, .server_name = std::move(name)},
              {.protocols = {"http/1.1"}});
    pair.shake();
    if (pair.at_client) {
      CHECK(pair.at_server);
      CHECK(pair.client.established());
      CHECK(pair.client.protocol() == "http/1.1");
    }
    return pair.at_client;
  };
  CHECK(outcome(trusting, "example.org"));
  CHECK(outcome(trusting, "127.0.0.1"));
  CHECK(outcome(insecure, "whatever.org"));
  CHECK(outcome(trusting, "example.com").error().is(TlsError::untrusted));
  CHECK(outcome(trusting, "127.0.0.2").error().is(TlsError::untrusted));
  CHECK(outcome(trusting, "example.org", k_now + 2 * k_year).error().is(TlsError::untrusted));
  CHECK(outcome(trusting, "example.org", k_now - 2 * k_year).error().is(TlsError::untrusted));
  CHECK(outcome(strange, "example.org").error().is(TlsError::untrusted));
  CHECK(outcome(system, "example.org").error().is(TlsError::untrusted));
}

TEST_CASE("context: files that are none") {
  const Ordinary one("DNS:a");
  const Ordinary other("DNS:a");
  CHECK(Context::server("", one.key_pem).error().is(TlsError::bad_configuration));
  CHECK(Context::server(one.chain_pem, "").error().is(TlsError::bad_configuration));
  CHECK(Context::server(one.chain_pem, other.key_pem).error().is(TlsError::bad_configuration));
  CHECK(Context::client({.source = Trust::Source::given, .authorities_pem = "none"})
            .error()
            .is(TlsError::bad_configuration));
}
