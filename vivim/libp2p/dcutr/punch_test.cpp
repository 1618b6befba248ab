#include "vivim/libp2p/dcutr/punch.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::dcutr;
using namespace std::chrono_literals;

namespace {

Multiaddr address(std::string_view text) {
  return Multiaddr::parse(text).value();
}

const std::string k_peer = "12D3KooWJ1TsijH7H5F74hfAD5XishQz3sxrmAtVY37GtNd9CqYf";

std::vector<Multiaddr> public_addresses() {
  return {address("/ip4/1.2.3.4/tcp/4001"), address("/ip4/1.2.3.4/udp/4001/quic-v1")};
}

Message connect(std::vector<Multiaddr> addresses) {
  return {.type = Message::Type::connect, .addresses = std::move(addresses)};
}

}  // namespace

TEST_CASE("dcutr message: field numbers and types of libp2p/specs relay/DCUtR.md") {
  CHECK(to_hex(encode({.type = Message::Type::sync})) == "08ac02");
  const auto message = connect({address("/ip4/1.2.3.4/tcp/4001")});
  CHECK(to_hex(encode(message)) ==
        "0864120804010203"
        "04060fa1");
  CHECK(decode(encode(message)).value() == message);
}

TEST_CASE("dcutr message: what is broken, and the limits") {
  CHECK(decode(Bytes{}).error().is(DcutrError::malformed));
  CHECK(decode(Bytes{0xff}).error().is(DcutrError::malformed));
  CHECK(decode(Bytes{0x08, 0x01}).error().is(DcutrError::malformed));
  CHECK(decode(Bytes(k_message_bytes_max + 1)).error().is(DcutrError::malformed));
  Message many = connect({});
  for (std::uint16_t port = 1; port <= 100; ++port) {
    many.addresses.push_back(Multiaddr::from_tcp("1.2.3.4", port).value());
  }
  CHECK(encode(many).size() <= k_message_bytes_max);
  CHECK(decode(encode(many))->addresses.size() == k_addresses_max);
  // An address of the future is skipped.
  CHECK(decode(Bytes{0x08, 0x64, 0x12, 0x02, 0xff, 0x7f})->addresses.empty());
}

TEST_CASE("dcutr: which addresses are punched to") {
  const std::vector<Multiaddr> all{
      address("/ip4/1.2.3.4/tcp/1/p2p/" + k_peer),
      address("/ip4/1.2.3.4/tcp/1"),  // the same
      address("/ip4/1.2.3.4/tcp/1/p2p/" + k_peer + "/p2p-circuit"),
      address("/ip4/10.0.0.1/tcp/1"),
      address("/ip4/127.0.0.1/tcp/1"),
      address("/ip4/0.0.0.0/tcp/1"),
      address("/dns4/example.com/tcp/1"),
      address("/ip4/1.2.3.4/tcp/1/ws"),
      address("/ip4/1.2.3.4/tcp/1/tls/ws"),
      address("/ip4/1.2.3.4/udp/1"),
      address("/ip4/1.2.3.4/udp/1/quic-v1/webtransport"),
      address("/ip4/1.2.3.4/udp/1/webrtc-direct"),
      address("/ip6/2001:4860::1/udp/1/quic-v1"),
  };
  CHECK(punchable(all, Scope::global, 10) ==
        std::vector<Multiaddr>{all[1], address("/ip6/2001:4860::1/udp/1/quic-v1")});
  CHECK(punchable(all, Scope::any, 10).size() == 4);
  CHECK(punchable(all, Scope::any, 2).size() == 2);
}

TEST_CASE("dcutr: three attempts: the round trip is measured in each, dialled at half of it") {
  Initiator initiator;
  for (unsigned attempt = 1; attempt <= 3; ++attempt) {
    const Time start = attempt * 10s;
    REQUIRE(initiator.more());
    const auto first = initiator.begin(public_addresses(), start);
    REQUIRE(first);
    CHECK(*first == connect(public_addresses()));
    Responder responder;
    const auto answer = responder.on_message(*first, public_addresses());
    REQUIRE(answer);
    REQUIRE(*answer);
    REQUIRE(initiator.on_message(**answer, start + attempt * 20ms));
    const Message sync = initiator.sync(start + attempt * 25ms);
    CHECK(sync.type == Message::Type::sync);
    CHECK(initiator.rtt() == attempt * 20ms);
    CHECK(initiator.dial_at() == start + attempt * 35ms);
    CHECK(initiator.addresses() == public_addresses());
    CHECK(initiator.role() == (attempt < 3 ? Role::server : Role::client));
    CHECK_FALSE(responder.synced());
    CHECK_FALSE(responder.on_message(sync, public_addresses())->has_value());
    CHECK(responder.synced());
    CHECK(responder.addresses() == public_addresses());
  }
  CHECK_FALSE(initiator.more());

  Initiator steady({.client_at_last = false});
  for (int i = 0; i < 3; ++i) {
    // An exchange that was left at CONNECT is no attempt.
    CHECK(steady.begin(public_addresses(), 0s));
    CHECK(steady.begin(public_addresses(), 0s));
    CHECK(steady.on_message(connect(public_addresses()), 0s));
    CHECK(steady.more());
    (void)steady.sync(0s);
  }
  CHECK_FALSE(steady.more());
  CHECK(steady.role() == Role::server);
}

TEST_CASE("dcutr: messages out of turn, and nothing to punch to") {
  const std::vector<Multiaddr> home{address("/ip4/192.168.1.2/tcp/1")};
  Initiator initiator;
  CHECK(initiator.on_message(connect(public_addresses()), 0s).error().is(DcutrError::unexpected));
  CHECK(initiator.begin(home, 0s).error().is(DcutrError::no_own_addresses));
  REQUIRE(initiator.begin(public_addresses(), 0s));
  CHECK(initiator.on_message({.type = Message::Type::sync}, 0s).error().is(DcutrError::unexpected));
  CHECK(initiator.on_message(connect(home), 0s).error().is(DcutrError::no_addresses));
  CHECK(initiator.on_message(connect(public_addresses()), 0s).error().is(DcutrError::unexpected));

  Responder responder;
  CHECK(responder.on_message({.type = Message::Type::sync}, public_addresses())
            .error()
            .is(DcutrError::unexpected));
  CHECK(
      responder.on_message(connect(home), public_addresses()).error().is(DcutrError::no_addresses));
  CHECK(responder.on_message(connect(public_addresses()), home)
            .error()
            .is(DcutrError::no_own_addresses));
  REQUIRE(responder.on_message(connect(public_addresses()), public_addresses()));
  CHECK(responder.on_message(connect(public_addresses()), public_addresses())
            .error()
            .is(DcutrError::unexpected));
  REQUIRE(responder.on_message({.type = Message::Type::sync}, public_addresses()));
  CHECK(responder.on_message({.type = Message::Type::sync}, public_addresses())
            .error()
            .is(DcutrError::unexpected));
}
