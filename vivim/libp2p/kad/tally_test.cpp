#include "vivim/libp2p/kad/tally.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/kad/store_test_detail.hpp"
#include "vivim/libp2p/record/peer_record.hpp"

namespace vivim::libp2p::kad::test {

using multiformats::AddressScope;

TEST_CASE("value tally: the best, who lags, and whether they disagree") {
  const auto validators = Validators::standard();
  const Publisher alice(1);
  ValueTally tally(alice.content(), validators);
  const auto record = [&](const Bytes& value) {
    return std::optional(Record{.key = alice.content(), .value = value});
  };
  CHECK(tally.add(peer(1), std::nullopt, k_wall));
  CHECK_FALSE(tally.best());
  CHECK_FALSE(tally.add(peer(2), record(to_bytes("junk")), k_wall));
  CHECK_FALSE(tally.add(peer(3), Record{.key = to_bytes("/pk/x"), .value = alice.seal(1)}, k_wall));
  CHECK(tally.add(peer(4), record(alice.seal(1)), k_wall));
  CHECK(tally.add(peer(5), record(alice.seal(1)), k_wall));
  CHECK(tally.votes() == 2);
  CHECK_FALSE(tally.disagree());
  CHECK(tally.add(peer(6), record(alice.seal(2)), k_wall));
  CHECK(tally.add(peer(7), record(alice.seal(1)), k_wall));
  CHECK(tally.disagree());
  CHECK(tally.votes() == 1);
  CHECK(tally.best() == alice.seal(2));
  CHECK(tally.outdated().size() == 6);
}

TEST_CASE("peer tally: the last of its own records counts, and is sure when two paths tell it") {
  const Publisher alice(1);
  const auto told = [&](const std::string& ip, std::uint64_t sequence = 0) {
    PeerInfo info{.contact = {.peer = alice.peer, .addresses = {address(ip)}}};
    if (sequence > 0) {
      info.signed_record = libp2p::record::seal_peer_record(alice.signer, sequence, {address(ip)});
    }
    return info;
  };
  PeerTally tally(alice.peer);
  CHECK_FALSE(tally.is_known());
  CHECK(tally.add(told("8.8.1.1"), AddressScope::global, 0));
  CHECK_FALSE(tally.add(told("8.8.2.2"), AddressScope::global, 1));
  CHECK(tally.contact().addresses == std::vector{address("8.8.1.1"), address("8.8.2.2")});
  (void)tally.add(told("1.1.1.1", 3), AddressScope::global, 0);
  CHECK(tally.is_signed());
  (void)tally.add(told("1.1.1.1", 3), AddressScope::global, 0);
  CHECK_FALSE(tally.is_confirmed());
  (void)tally.add(told("1.1.1.1", 3), AddressScope::global, 1);
  CHECK(tally.is_confirmed());
  (void)tally.add(told("2.2.2.2", 4), AddressScope::global, 2);
  CHECK_FALSE(tally.is_confirmed());
  (void)tally.add(told("1.1.1.1", 3), AddressScope::global, 2);
  (void)tally.add(told("8.8.1.1"), AddressScope::global, 0);
  CHECK(tally.contact().addresses == std::vector{address("2.2.2.2")});
}

TEST_CASE("provider tally: who tells first does not take a provider its signature and place") {
  const Publisher alice(1);
  const Bytes key = to_bytes("key");
  const auto told = [&](const std::string& ip) {
    return PeerInfo{.contact = {.peer = alice.peer, .addresses = {address(ip)}}};
  };
  const auto sealed = [&](const std::string& ip, rt::WallMs expires) {
    PeerInfo info = told(ip);
    info.provider_record = seal_provider(alice.signer, key, expires, {address(ip)});
    return info;
  };
  ProviderTally tally(key);
  CHECK(tally.add({told("8.8.1.1")}, AddressScope::global, k_wall).size() == 1);
  CHECK(tally.add({told("7.7.7.7")}, AddressScope::global, k_wall).empty());
  CHECK(tally.providers()[0].contact.addresses ==
        std::vector{address("8.8.1.1"), address("7.7.7.7")});
  const auto own = tally.add({sealed("9.9.9.9", k_wall + 1000)}, AddressScope::global, k_wall);
  REQUIRE(own.size() == 1);  // said again: where it is is another matter now
  CHECK(own[0].is_signed);
  CHECK(tally.add({told("8.8.1.1")}, AddressScope::global, k_wall).empty());
  auto found = tally.providers();
  REQUIRE(found.size() == 1);
  CHECK(found[0].is_signed);
  CHECK(found[0].contact.addresses == std::vector{address("9.9.9.9")});
  CHECK(found[0].told_by == 4);
  // Of two of its records the one that is valid for longer is the later one.
  CHECK(tally.add({sealed("5.5.5.5", k_wall + 500)}, AddressScope::global, k_wall).empty());
  CHECK(tally.providers()[0].contact.addresses == std::vector{address("9.9.9.9")});
  CHECK(tally.add({sealed("6.6.6.6", k_wall + 2000)}, AddressScope::global, k_wall).size() == 1);
  CHECK(tally.providers()[0].contact.addresses == std::vector{address("6.6.6.6")});
}

TEST_CASE("provider tally: one that tells many does not hide the others'") {
  const Publisher alice(1);
  const Bytes key = to_bytes("key");
  ProviderTally tally(key, {.per_node_max = 3, .providers_max = 8});
  std::vector<PeerInfo> many;
  for (std::uint64_t number = 1; number <= 60; ++number) {
    many.push_back(provider(number));
  }
  CHECK(tally.add(many, AddressScope::global, k_wall).size() == 3);
  CHECK(tally.add(many, AddressScope::global, k_wall).empty());
  PeerInfo own{
      .contact = {.peer = alice.peer, .addresses = {}},
      .provider_record = seal_provider(alice.signer, key, k_wall + 1000, {address("1.2.3.4")})};
  CHECK(tally.add({own, own}, AddressScope::global, k_wall).size() == 1);
  const auto found = tally.providers();
  CHECK(found[0].contact.peer == alice.peer);  // signed
  CHECK(found[0].contact.addresses == std::vector{address("1.2.3.4")});
  CHECK(found[1].told_by == 2);
  own.provider_record.back() ^= 1;
  ProviderTally other(key);
  CHECK(other.add({own}, AddressScope::global, k_wall).empty());
  for (std::uint64_t node = 0; node < 10; ++node) {
    tally.add({provider(100 + (node * 2)), provider(101 + (node * 2))}, AddressScope::global,
              k_wall);
  }
  CHECK(tally.size() == 8);
}

}  // namespace vivim::libp2p::kad::test
