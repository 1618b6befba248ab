#include "vivim/libp2p/rendezvous/registry.hpp"

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/libp2p/rendezvous/client.hpp"
#include "vivim/libp2p/rendezvous/rendezvous_test_detail.hpp"

using namespace vivim;
using namespace vivim::libp2p::rendezvous;
using namespace vivim::libp2p::rendezvous::test;
using namespace std::chrono_literals;

namespace {

crypto::KeyPair key(std::uint8_t seed) {
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(32, seed)));
}

Register request(std::uint8_t seed, std::string ns, std::optional<std::uint64_t> ttl = {},
                 RecordForm form = RecordForm::deployed) {
  const auto signer = libp2p::record::Signer::of(key(seed));
  const auto address = multiformats::Multiaddr::parse("/ip4/192.0.2.1/tcp/4001").value();
  return {.ns = std::move(ns), .record = seal_record(signer, 1, {address}, form), .ttl = ttl};
}

PeerId peer(std::uint8_t seed) {
  return PeerId::of(key(seed));
}

/// What a client makes of an answer.
std::vector<PeerId> peers_of(const DiscoverResponse& response) {
  std::vector<PeerId> peers;
  for (const auto& found : read_response(response).value().peers) {
    peers.push_back(found.peer);
  }
  return peers;
}

}  // namespace

TEST_CASE("rendezvous: registered, found, found no more") {
  Registry registry({}, 7);
  CHECK(registry.add(peer(1), request(1, "room"), k_start).ttl == 7200);
  CHECK(registry.add(peer(2), request(2, "room", 600), k_start).ttl == 600);
  CHECK(registry.add(peer(3), request(3, "other"), k_start).status == Status::ok);
  CHECK(peers_of(registry.discover({.ns = "room"}, k_start)) == std::vector{peer(1), peer(2)});
  CHECK(peers_of(registry.discover({}, k_start)).size() == 3);
  CHECK(peers_of(registry.discover({.ns = "nobody"}, k_start)).empty());
  CHECK(registry.discover({.ns = "room"}, k_start + 100s).registrations[1].ttl == 500);
  CHECK(peers_of(registry.discover({.ns = "room"}, k_start + 600s)) == std::vector{peer(1)});
  registry.remove(peer(1), {.ns = "room"});
  registry.remove(peer(1), {.ns = "room"});
  CHECK(peers_of(registry.discover({.ns = "room"}, k_start)).empty());
  registry.expire(k_start + 3h);
  CHECK(registry.registrations() == 0);
}

TEST_CASE("rendezvous: registering again replaces, and is new to those who ask again") {
  Registry registry({}, 7);
  REQUIRE(registry.add(peer(1), request(1, "room"), k_start).status == Status::ok);
  const auto first = registry.discover({.ns = "room"}, k_start);
  const auto again = registry.discover({.ns = "room", .cookie = first.cookie}, k_start);
  CHECK(again.registrations.empty());
  CHECK(again.cookie == first.cookie);
  REQUIRE(registry.add(peer(2), request(2, "room"), k_start).status == Status::ok);
  REQUIRE(registry.add(peer(1), request(1, "room"), k_start).status == Status::ok);
  CHECK(registry.registrations() == 2);
  CHECK(peers_of(registry.discover({.ns = "room", .cookie = first.cookie}, k_start)) ==
        std::vector{peer(2), peer(1)});
}

TEST_CASE("rendezvous: limits and cookies page through a namespace") {
  Registry registry({}, 7);
  for (std::uint8_t i = 1; i <= 25; ++i) {
    REQUIRE(registry.add(peer(i), request(i, "room"), k_start).status == Status::ok);
  }
  std::optional<Bytes> cookie;
  std::size_t found = 0;
  for (int page = 0; page < 4; ++page) {
    const auto response = registry.discover({.ns = "room", .limit = 10, .cookie = cookie}, k_start);
    found += response.registrations.size();
    cookie = response.cookie;
    CHECK(response.registrations.size() <= 10);
  }
  CHECK(found == 25);
  Registry small({.answers_max = 3}, 7);
  Registry tiny({.answer_bytes_max = 600}, 7);
  for (std::uint8_t i = 1; i <= 5; ++i) {
    REQUIRE(small.add(peer(i), request(i, "room"), k_start).status == Status::ok);
    REQUIRE(tiny.add(peer(i), request(i, "room"), k_start).status == Status::ok);
  }
  CHECK(small.discover({.ns = "room", .limit = 100}, k_start).registrations.size() == 3);
  CHECK(tiny.discover({.ns = "room"}, k_start).registrations.size() < 5);
}

TEST_CASE("rendezvous: what is refused, and with which status") {
  Registry registry({}, 7);
  const auto status = [&registry](const PeerId& sender, const Register& what) {
    return registry.add(sender, what, k_start).status;
  };
  CHECK(status(peer(1), request(1, "")) == Status::invalid_namespace);
  CHECK(status(peer(1), request(1, std::string(256, 'x'))) == Status::invalid_namespace);
  CHECK(status(peer(1), request(1, std::string(255, 'x'))) == Status::ok);
  CHECK(status(peer(1), request(1, "a", 72 * 3600 + 1)) == Status::invalid_ttl);
  CHECK(status(peer(1), request(1, "a", 0)) == Status::invalid_ttl);
  CHECK(status(peer(1), request(1, "a", 72 * 3600)) == Status::ok);
  CHECK(status(peer(2), request(1, "a")) == Status::not_authorized);
  auto broken = request(1, "a");
  broken.record.back() ^= 1;
  CHECK(status(peer(1), broken) == Status::invalid_signed_peer_record);
  CHECK(status(peer(1), {.ns = "a"}) == Status::invalid_signed_peer_record);

  CHECK(registry.discover({.ns = std::string(256, 'x')}, k_start).status ==
        Status::invalid_namespace);
  const auto cookie = registry.discover({.ns = "a"}, k_start).cookie;
  CHECK(registry.discover({.ns = "b", .cookie = cookie}, k_start).status == Status::invalid_cookie);
  CHECK(registry.discover({.ns = "a", .cookie = Bytes(5)}, k_start).status ==
        Status::invalid_cookie);
  Registry restarted({}, 8);
  CHECK(restarted.discover({.ns = "a", .cookie = cookie}, k_start).status ==
        Status::invalid_cookie);
}

TEST_CASE("rendezvous: quotas of a peer, of all, and of their bytes") {
  Registry registry({.registrations_per_peer_max = 2, .registrations_max = 4}, 7);
  for (std::uint8_t i = 1; i <= 3; ++i) {
    for (const char* ns : {"a", "b", "c"}) {
      const auto status = registry.add(peer(i), request(i, ns), k_start).status;
      const bool fits = std::string_view(ns) != "c" && i <= 2;
      CHECK((status == Status::ok) == fits);
    }
  }
  CHECK(registry.registrations() == 4);
  CHECK(registry.add(peer(1), request(1, "a"), k_start).status == Status::ok);  // again, not more
  const std::size_t size = request(1, "a").record.size();
  Registry bytes({.record_bytes_max = 2 * size}, 7);
  CHECK(bytes.add(peer(1), request(1, "a"), k_start).status == Status::ok);
  CHECK(bytes.add(peer(2), request(2, "a"), k_start).status == Status::ok);
  CHECK(bytes.add(peer(3), request(3, "a"), k_start).status == Status::unavailable);
  CHECK(bytes.add(peer(2), request(2, "a"), k_start).status == Status::ok);
}

TEST_CASE("GHSA-cqfx-gf56-8x59: one peer registers namespaces without end") {
  Registry registry({}, 7);
  auto flood = request(1, "");
  std::size_t taken = 0;
  for (int i = 0; i < 2000; ++i) {
    flood.ns = "flood-" + std::to_string(i);
    taken += registry.add(peer(1), flood, k_start).status == Status::ok ? 1u : 0u;
  }
  CHECK(taken == RegistryLimits{}.registrations_per_peer_max);
  CHECK(registry.registrations() == taken);
  CHECK(registry.add(peer(2), request(2, "room"), k_start).status == Status::ok);
}

TEST_CASE("GHSA-v5hw-cv9c-rpg7: cookies cost the point nothing, however many it gives") {
  Registry registry({}, 7);
  REQUIRE(registry.add(peer(1), request(1, "room"), k_start).status == Status::ok);
  const auto first = registry.discover({.ns = "room"}, k_start).cookie;
  for (int i = 0; i < 1000; ++i) {
    CHECK(registry.discover({.ns = "room"}, k_start).cookie == first);  // made, not kept
  }
}

TEST_CASE("rendezvous: records of both forms, and a client that drops what nobody signed") {
  Registry registry({}, 7);
  const auto legacy = request(1, "a", {}, RecordForm::legacy);
  CHECK(libp2p::record::open_peer_record(legacy.record)
            .error()
            .is(libp2p::record::RecordError::wrong_payload_type));
  CHECK(registry.add(peer(1), legacy, k_start).status == Status::ok);
  auto response = registry.discover({.ns = "a"}, k_start);
  response.registrations.push_back(request(2, "a"));
  response.registrations.back().record.back() ^= 1;
  response.registrations.push_back(request(3, ""));
  const auto read = read_response(response);
  REQUIRE(read);
  CHECK(read->peers.size() == 1);
  CHECK(read->peers[0].addresses.size() == 1);
  CHECK(read->dropped == 2);
  CHECK(read_response({.status = Status::unavailable}).error().detail() == 400);
}

TEST_CASE("rendezvous message: every kind is read as it was written") {
  const std::vector<Message> messages{
      request(1, "a", 5),
      Register{.ns = "b", .record = {}},
      RegisterResponse{.status = Status::invalid_ttl, .text = "no"},
      RegisterResponse{.ttl = 7},
      Unregister{.ns = "c"},
      Discover{},
      Discover{.ns = "d", .limit = 3, .cookie = Bytes{1, 2}},
      DiscoverResponse{.registrations = {request(1, "a", 5)}, .cookie = Bytes{3}},
      DiscoverResponse{.status = Status::unavailable, .text = "later"}};
  for (const auto& message : messages) {
    const auto read = decode(encode(message));
    REQUIRE(read);
    CHECK(*read == message);
  }
  CHECK(decode(Bytes{}).error().is(RendezvousError::malformed));
  CHECK(decode(Bytes{0x08, 0x02}).error().is(RendezvousError::malformed));  // a type, nothing else
  CHECK(decode(Bytes{0x08, 0x63}).error().is(RendezvousError::malformed));
  CHECK(decode(Bytes{0xff}).error().is(RendezvousError::malformed));
}
