#include "vivim/libp2p/record/peer_record.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/record/record_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::record;
using namespace vivim::libp2p::record::test;
using multiformats::Multiaddr;
using multiformats::PeerId;

namespace {

// Made by js-libp2p (@libp2p/peer-record) with the seed 01 02 .. 20.
constexpr std::string_view k_js_peer = "12D3KooWJ1TsijH7H5F74hfAD5XishQz3sxrmAtVY37GtNd9CqYf";
constexpr std::string_view k_js_payload =
    "0a2600240801122079b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad04966410fbd095ffbc31"
    "1a0a0a08047f000001060fa11a190a17290000000000000000000000000000000191020fa1cd03";
constexpr std::string_view k_js_envelope =
    "0a240801122079b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664120203011a560a2600"
    "240801122079b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad04966410fbd095ffbc311a0a0a"
    "08047f000001060fa11a190a17290000000000000000000000000000000191020fa1cd032a40459358527339537a6d"
    "c914499e016ed3bc2f152ff60566fbdeacbc7e6f198aa5343a460102b75efac0034ad72d25dce3ddb806465374d67b"
    "9965b73f56ef6008";

std::vector<Multiaddr> addresses() {
  return {Multiaddr::parse("/ip4/127.0.0.1/tcp/4001").value(),
          Multiaddr::parse("/ip6/::1/udp/4001/quic-v1").value()};
}

Multiaddr address_of(std::size_t port) {
  return *Multiaddr::from_tcp("127.0.0.1", static_cast<std::uint16_t>(port));
}

}  // namespace

TEST_CASE("peer record: the bytes that js-libp2p makes are made and accepted") {
  const auto signer = Signer::of(key_pair(1));
  const auto peer = PeerId::of(signer.key);
  CHECK(peer.to_string() == k_js_peer);
  const PeerRecord record{.peer = peer, .sequence = 1700000000123, .addresses = addresses()};
  CHECK(to_hex(encode(record)) == k_js_payload);
  const auto sealed = seal_peer_record(signer, record.sequence, record.addresses);
  CHECK(to_hex(sealed) == k_js_envelope);
  CHECK(open_peer_record(sealed).value() == record);
}

TEST_CASE("peer record: only of its signer, only newer ones, only of the peer that sends it") {
  const auto signer = Signer::of(key_pair(1));
  const auto other = Signer::of(key_pair(2));
  const auto peer = PeerId::of(signer.key);
  const auto sealed = seal_peer_record(signer, 7, addresses());
  CHECK(accept_peer_record(sealed, peer, {}));
  CHECK(accept_peer_record(sealed, peer, 6));
  CHECK(accept_peer_record(sealed, peer, 7).error().is(RecordError::not_newer));
  CHECK(accept_peer_record(sealed, peer, 8).error().is(RecordError::not_newer));
  CHECK(accept_peer_record(sealed, PeerId::of(other.key), {}).error().is(RecordError::wrong_peer));
  const PeerRecord stolen{.peer = peer, .sequence = 9, .addresses = addresses()};
  CHECK(open_peer_record(seal(other, k_peer_record_domain, k_peer_record_type, encode(stolen)))
            .error()
            .is(RecordError::wrong_signer));
  // The domain of the RFC's text is not the deployed one.
  CHECK(open_peer_record(seal(signer, "libp2p-routing-state", k_peer_record_type, encode(stolen)))
            .error()
            .is(RecordError::bad_signature));
}

TEST_CASE("GHSA-vrf4-mx87-p53w, RUSTSEC-2022-0009: a record of one peer that another has signed") {
  const auto attacker = Signer::of(key_pair(2));
  const auto victim = PeerId::of(key_pair(1));
  const PeerRecord forged{.peer = victim, .sequence = 1, .addresses = addresses()};
  const auto sealed = seal(attacker, k_peer_record_domain, k_peer_record_type, encode(forged));
  CHECK(open_peer_record(sealed).error().is(RecordError::wrong_signer));
  for (const auto& sender : {victim, PeerId::of(attacker.key)}) {
    CHECK(accept_peer_record(sealed, sender, {}).error().is(RecordError::wrong_signer));
  }
}

TEST_CASE("peer record: limits of what is read and of what is sealed") {
  const auto signer = Signer::of(key_pair(1));
  PeerRecord record{.peer = PeerId::of(signer.key), .sequence = 1, .addresses = {}};
  for (std::size_t i = 0; i < k_record_addresses_max; ++i) {
    record.addresses.push_back(address_of(1000 + i));
  }
  CHECK(decode_peer_record(encode(record)).value().addresses.size() == k_record_addresses_max);
  record.addresses.push_back(address_of(1));
  CHECK(decode_peer_record(encode(record)).error().is(RecordError::too_many_addresses));

  const auto sealed = seal_peer_record(signer, 1, record.addresses);
  CHECK(sealed.size() <= k_sealed_bytes_max);
  const auto opened = open_peer_record(sealed);
  REQUIRE(opened);
  CHECK(opened->addresses.size() > 150);
  CHECK(opened->addresses.front() == record.addresses.front());
}

TEST_CASE("peer record: what cannot be read; addresses that are not understood are skipped") {
  CHECK(decode_peer_record(Bytes{}).error().is(RecordError::malformed));
  CHECK(decode_peer_record(Bytes{0xff}).error().is(RecordError::malformed));
  CHECK(decode_peer_record(Bytes{0x0a, 0x01, 0x07}).error().is(RecordError::malformed));
  auto bytes = encode(
      PeerRecord{.peer = PeerId::of(key_pair(1)), .sequence = 3, .addresses = {address_of(4001)}});
  append(bytes, Bytes{0x1a, 0x04, 0x0a, 0x02, 0xff, 0x7f});  // a protocol of the future
  const auto record = decode_peer_record(bytes);
  REQUIRE(record);
  CHECK(record->addresses == std::vector<Multiaddr>{address_of(4001)});
}

TEST_CASE("own record: sealed anew when addresses change, with growing sequence numbers") {
  OwnRecord own(Signer::of(key_pair(1)));
  CHECK(own.envelope().empty());
  CHECK(own.update({}, 1'000));
  CHECK(own.sequence() == 1'000);
  CHECK_FALSE(own.update({}, 2'000));
  CHECK(own.update(addresses(), 2'000));
  CHECK(own.sequence() == 2'000);
  CHECK_FALSE(own.update(addresses(), 3'000));
  // A clock that went back does not make the record older.
  CHECK(own.update({address_of(1)}, 500));
  CHECK(own.sequence() == 2'001);
  const auto record = open_peer_record(own.envelope());
  REQUIRE(record);
  CHECK(record->sequence == 2'001);
  CHECK(record->addresses.size() == 1);
}
