#include "vivim/crdt/envelope/envelope.hpp"

#include <algorithm>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

#include "vivim/crdt/doc.hpp"
#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/text.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crypto/error.hpp"

namespace vivim::crdt {
namespace {

const Bytes k_document(16, 7);

multiformats::PrivateKey key_of(std::uint8_t seed) {
  crypto::Ed25519Seed bytes;
  std::ranges::fill(bytes.writable(), seed);
  return multiformats::PrivateKey(crypto::Ed25519KeyPair::from_seed(bytes));
}

Bytes written_by(ClientId client, std::string_view words) {
  Doc doc(client);
  doc.transact([&](Transaction& t) { doc.text("text").push(t, words); });
  return encode_state_as_update(doc);
}

/// An envelope with each part as given.
Bytes envelope_of(std::uint64_t version, BytesView key, BytesView update, BytesView signature) {
  lib0::Encoder out;
  out.var_uint(version);
  out.var_bytes(key);
  out.var_uint(5);
  out.var_bytes(update);
  out.var_bytes(signature);
  return out.take();
}

}  // namespace

TEST_CASE("envelope: what was sealed opens, and says who wrote it") {
  const auto key = key_of(1);
  const Author author{.document = k_document, .session = 5};
  const ClientId client = client_of(key.public_key(), author);
  CHECK(value_of(client) <= k_number_max);
  CHECK(value_of(client) >= k_random_clients);
  const Bytes update = written_by(client, "hello");
  const Bytes envelope = seal(key, author, update).value();
  CHECK(envelope.size() < update.size() + 120);
  const auto opened = open_envelope(k_document, envelope);
  REQUIRE(opened);
  CHECK(opened->key == key.public_key());
  REQUIRE(std::holds_alternative<SignedUpdate::Own>(opened->ids));
  CHECK(std::get<SignedUpdate::Own>(opened->ids).session == 5);
  CHECK(std::get<SignedUpdate::Own>(opened->ids).client == client);
  CHECK(opened->extent.written == std::vector<WrittenRange>{{.client = client, .clocks = {0, 5}}});
  CHECK(to_bytes(opened->update) == update);
}

TEST_CASE("envelope: an id belongs to a key, a document and a session") {
  const ClientId client = client_of(key_of(1).public_key(), {.document = k_document, .session = 5});
  CHECK(client != client_of(key_of(2).public_key(), {.document = k_document, .session = 5}));
  CHECK(client != client_of(key_of(1).public_key(), {.document = k_document, .session = 6}));
  CHECK(client != client_of(key_of(1).public_key(), {.document = Bytes(16, 8), .session = 5}));
}

TEST_CASE("envelope: what is forged, moved or damaged does not open") {
  const auto key = key_of(1);
  const Author author{.document = k_document, .session = 5};
  const Bytes update = written_by(client_of(key.public_key(), author), "hello");
  const Bytes envelope = seal(key, author, update).value();

  CHECK(open_envelope(Bytes(16, 8), envelope).error().is(crypto::CryptoError::bad_signature));
  for (std::size_t i = 0; i < envelope.size(); ++i) {
    Bytes damaged = envelope;
    damaged[i] ^= 1;
    CHECK_FALSE(open_envelope(k_document, damaged).has_value());
    CHECK_FALSE(open_envelope(k_document, BytesView(envelope).first(i)).has_value());
  }
  Bytes longer = envelope;
  longer.push_back(0);
  CHECK(open_envelope(k_document, longer).error().is(CrdtError::trailing_bytes));

  // Somebody else's id, whoever signs.
  CHECK(seal(key_of(2), author, update).error().is(EnvelopeError::foreign_client));
  const auto other = key_of(2);
  lib0::Encoder said;
  said.var_string("vivim-update-v1");
  said.var_bytes(k_document);
  said.var_bytes(other.public_key().encode());
  said.var_uint(5);
  said.var_bytes(update);
  const Bytes forged = envelope_of(1, other.public_key().encode(), update, other.sign(said.view()));
  CHECK(open_envelope(k_document, forged).error().is(EnvelopeError::foreign_client));
}

TEST_CASE("envelope: a host vouches for clients that draw their id, and for no others") {
  const auto key = key_of(1);
  const Bytes update =
      merge_updates(std::vector<BytesView>{written_by(ClientId{7}, "hello"),
                                           written_by(ClientId{k_random_clients - 1}, "you")})
          .value();
  const Bytes envelope = seal_hosted(key, k_document, update).value();
  const auto opened = open_envelope(k_document, envelope);
  REQUIRE(opened);
  CHECK(opened->key == key.public_key());
  CHECK(std::holds_alternative<SignedUpdate::Hosted>(opened->ids));
  CHECK(opened->extent.written.size() == 2);
  CHECK(to_bytes(opened->update) == update);
  CHECK(open_envelope(Bytes(16, 8), envelope).error().is(crypto::CryptoError::bad_signature));
  for (std::size_t i = 0; i < envelope.size(); ++i) {
    Bytes damaged = envelope;
    damaged[i] ^= 1;
    CHECK_FALSE(open_envelope(k_document, damaged).has_value());
  }

  // An id that belongs to a key is not for others to vouch for, not even for that key.
  const ClientId own = client_of(key.public_key(), {.document = k_document, .session = 5});
  for (const ClientId client : {own, ClientId{k_random_clients}}) {
    const Bytes foreign = written_by(client, "mine");
    CHECK(seal_hosted(key, k_document, foreign).error().is(EnvelopeError::foreign_client));
    lib0::Encoder said;
    said.var_string("vivim-hosted-update-v1");
    said.var_bytes(k_document);
    said.var_bytes(key.public_key().encode());
    said.var_bytes(foreign);
    lib0::Encoder forged;
    forged.var_uint(2);
    forged.var_bytes(key.public_key().encode());
    forged.var_bytes(foreign);
    forged.var_bytes(key.sign(said.view()));
    CHECK(open_envelope(k_document, forged.view()).error().is(EnvelopeError::foreign_client));
  }
}

TEST_CASE("envelope: versions and sizes are limited") {
  const auto key = key_of(1);
  const Bytes key_bytes = key.public_key().encode();
  const Bytes small{0, 0};
  const auto error = [](const Bytes& envelope) {
    return open_envelope(k_document, envelope).error();
  };
  CHECK(error(envelope_of(3, key_bytes, small, small)).is(EnvelopeError::bad_version));
  CHECK(error(envelope_of(1, Bytes(multiformats::k_public_key_bytes_max + 1), small, small))
            .is(EnvelopeError::too_large));
  const Bytes large(k_signed_update_bytes_max + 1);
  CHECK(error(envelope_of(1, key_bytes, large, small)).is(EnvelopeError::too_large));
  CHECK(error(envelope_of(1, key_bytes, small, Bytes(k_signature_bytes_max + 1)))
            .is(EnvelopeError::too_large));
  CHECK(seal(key, {.document = k_document, .session = 5}, large)
            .error()
            .is(EnvelopeError::too_large));
  CHECK(seal_hosted(key, k_document, large).error().is(EnvelopeError::too_large));
}

}  // namespace vivim::crdt
