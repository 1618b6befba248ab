#include "vivim/multiformats/multiaddr.hpp"

#include <doctest/doctest.h>

#include "vivim/multiformats/multibase.hpp"

using namespace vivim;
using namespace vivim::multiformats;

namespace {

constexpr std::string_view k_peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA";
constexpr std::string_view k_certhash = "uEiDDq4_xNyDorZBH3TlGazyJdOWSwvo4PUo5YHFMrvDE8g";

Multiaddr address(std::string_view text) {
  const auto parsed = Multiaddr::parse(text);
  REQUIRE_MESSAGE(parsed, std::string(text));
  return *parsed;
}

}  // namespace

TEST_CASE("multiaddr: text and binary of the same address") {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"/ip4/192.0.2.42/tcp/443", "04c000022a0601bb"},
      {"/ip4/127.0.0.1/udp/1234", "047f000001910204d2"},
      {"/ip4/127.0.0.1/tcp/4321", "047f0000010610e1"},
      {"/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21", "29260100094f819700803eca6566e80c21"},
      {"/ip6zone/x/ip6/fe80::1/udp/1234/quic-v1",
       "2a017829fe80000000000000000000000000000191020"
       "4d2cd03"},
      {"/dns4/example.com/tcp/443/tls/ws", "360b6578616d706c652e636f6d0601bbc003dd03"},
      {"/ip4/127.0.0.1/tcp/9090/http", "047f000001062382e003"},
      {"/unix/a/b/c", "9003062f612f622f63"},
  };
  for (const auto& [text, binary] : vectors) {
    const auto parsed = address(text);
    CHECK(to_hex(parsed.bytes()) == binary);
    CHECK(parsed.to_string() == text);
    const auto again = Multiaddr::from_bytes(parsed.bytes());
    REQUIRE(again);
    CHECK(*again == parsed);
  }
}

TEST_CASE("multiaddr: every known protocol survives text and binary") {
  const std::string peer(k_peer);
  const std::string texts[] = {
      "/dns/example.com/tcp/80",
      "/dns6/example.com/tcp/0",
      "/dnsaddr/bootstrap.libp2p.io/p2p/" + peer,
      "/ip4/1.2.3.4/tcp/65535/tls/sni/example.com/ws",
      "/ip4/1.2.3.4/tcp/443/wss",
      "/ip4/1.2.3.4/tcp/443/https",
      "/ip4/1.2.3.4/udp/443/quic",
      "/ip4/1.2.3.4/udp/443/quic-v1/webtransport/certhash/" + std::string(k_certhash),
      "/ip4/1.2.3.4/udp/9/webrtc-direct/certhash/" + std::string(k_certhash) + "/p2p/" + peer,
      "/ip4/1.2.3.4/tcp/9/p2p/" + peer + "/p2p-circuit/webrtc/p2p/" + peer,
      "/ip6/::/tcp/1/noise",
      "/memory/12",
  };
  for (const auto& text : texts) {
    const auto parsed = address(text);
    CHECK(parsed.to_string() == text);
    CHECK(Multiaddr::from_bytes(parsed.bytes()) == parsed);
  }
  CHECK(address("/ipfs/" + peer).to_string() == "/p2p/" + peer);
}

TEST_CASE("multiaddr: components, endpoint, peer") {
  const auto peer = *PeerId::parse(k_peer);
  const auto plain = address("/ip6/::1/tcp/4001");
  const auto full = plain.with_peer(peer);
  REQUIRE(full);
  CHECK(full->to_string() == "/ip6/::1/tcp/4001/p2p/" + std::string(k_peer));
  CHECK(full->peer() == peer);
  CHECK(full->with_peer(peer) == *full);
  CHECK(full->without_peer() == plain);
  CHECK_FALSE(plain.peer());
  const auto components = full->components();
  REQUIRE(components.size() == 3);
  CHECK(components[0].name() == "ip6");
  CHECK(components[0].text() == "::1");
  CHECK(components[1].text() == "4001");
  CHECK(full->has(Protocol::p2p));
  CHECK_FALSE(full->has(Protocol::ws));
  CHECK(full->find(Protocol::tcp)->text() == "4001");
  CHECK(*full->endpoint() == Endpoint{.kind = Endpoint::Host::ip6, .host = "::1", .port = 4001});
  CHECK(*address("/dns/a.b/udp/5/quic-v1").endpoint() ==
        Endpoint{.kind = Endpoint::Host::dns, .host = "a.b", .udp = true, .port = 5});
  CHECK(address("/ip6zone/lo/ip6/fe80::1/tcp/5").endpoint()->host == "fe80::1");
  CHECK(address("/ip4/1.2.3.4").endpoint().error().is(MultiformatsError::no_endpoint));
  CHECK(address("/memory/x").endpoint().error().is(MultiformatsError::no_endpoint));
  CHECK(Multiaddr::from_tcp("127.0.0.1", 80)->to_string() == "/ip4/127.0.0.1/tcp/80");
  CHECK(Multiaddr::from_tcp("::1", 80)->to_string() == "/ip6/::1/tcp/80");
  CHECK_FALSE(Multiaddr::from_tcp("localhost", 80));
  CHECK(address("/ip4/1.2.3.4").with(address("/tcp/1/ws"))->to_string() == "/ip4/1.2.3.4/tcp/1/ws");
  CHECK(Multiaddr().empty());
  CHECK(Multiaddr().to_string().empty());
}

TEST_CASE("multiaddr: wrong text, and where it is wrong") {
  struct Vector {
    std::string_view text;
    MultiformatsError error;
    std::uint64_t position;
  };
  const Vector vectors[] = {
      {"", MultiformatsError::empty, 0},
      {"ip4/1.2.3.4", MultiformatsError::no_leading_slash, 0},
      {"/", MultiformatsError::unknown_protocol, 1},
      {"/ip4/1.2.3.4/", MultiformatsError::unknown_protocol, 13},
      {"/ip4/1.2.3.4/xyz/1", MultiformatsError::unknown_protocol, 13},
      {"/ip4", MultiformatsError::missing_value, 4},
      {"/ip4/1.2.3.4/tcp", MultiformatsError::missing_value, 16},
      {"/ip4/1.2.3.4/tcp/", MultiformatsError::bad_value, 17},
      {"/ip4/1.2.3", MultiformatsError::bad_value, 5},
      {"/ip4/256.0.0.1", MultiformatsError::bad_value, 5},
      {"/ip4/::1", MultiformatsError::bad_value, 5},
      {"/ip6/1.2.3.4", MultiformatsError::bad_value, 5},
      {"/ip6/:::", MultiformatsError::bad_value, 5},
      {"/ip4/1.2.3.4/tcp/65536", MultiformatsError::bad_value, 17},
      {"/ip4/1.2.3.4/tcp/-1", MultiformatsError::bad_value, 17},
      {"/ip4/1.2.3.4/tcp/080", MultiformatsError::bad_value, 17},
      {"/ip4/1.2.3.4/tcp/8o", MultiformatsError::bad_value, 17},
      {"/dns/", MultiformatsError::bad_value, 5},
      {"/dns/a b", MultiformatsError::bad_value, 5},
      {"/p2p/xyz", MultiformatsError::bad_value, 5},
      {"/certhash/b01", MultiformatsError::bad_value, 10},
      {"/unix/", MultiformatsError::bad_value, 6},
  };
  for (const auto& vector : vectors) {
    CAPTURE(std::string(vector.text));
    const auto parsed = Multiaddr::parse(vector.text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().is(vector.error));
    CHECK(parsed.error().detail() == vector.position);
  }
  CHECK_FALSE(Multiaddr::parse(std::string_view("/ip4/1.2.3.4\0", 13)));
}

TEST_CASE("multiaddr: wrong bytes") {
  const auto error = [](std::string_view hex) {
    return Multiaddr::from_bytes(*decode(Base::base16, hex)).error();
  };
  CHECK(error("").is(MultiformatsError::empty));
  CHECK(error("04").is(MultiformatsError::truncated));
  CHECK(error("047f0000").is(MultiformatsError::truncated));
  CHECK(error("047f000001ff7f").is(MultiformatsError::unknown_protocol));
  CHECK(error("0480").is(MultiformatsError::truncated));
  CHECK(error("8400").is(MultiformatsError::truncated));  // a varint that is not minimal
  CHECK(error("3605").is(MultiformatsError::truncated));
  CHECK(error("3600").is(MultiformatsError::bad_value));
  CHECK(error("360161ffff").is(MultiformatsError::truncated));
  CHECK(error("3603612f62").is(MultiformatsError::bad_value));  // a slash inside a name
  CHECK(error("a50302aabb").is(MultiformatsError::bad_value));  // not a peer id
  CHECK(error("9003022f61dd03").is(MultiformatsError::trailing_bytes));
}

TEST_CASE("multiaddr: limits") {
  std::string most;
  for (std::size_t i = 0; i < k_multiaddr_components_max; ++i) {
    most += "/ws";
  }
  const auto full = address(most);
  CHECK(Multiaddr::parse(most + "/ws").error().is(MultiformatsError::too_long));
  CHECK(full.with(address("/ws")).error().is(MultiformatsError::too_long));
  CHECK(full.with_peer(*PeerId::parse(k_peer)).error().is(MultiformatsError::too_long));
  CHECK(Multiaddr::parse("/unix/" + std::string(k_multiaddr_text_max, 'a'))
            .error()
            .is(MultiformatsError::too_long));
  CHECK(Multiaddr::parse("/unix/" + std::string(k_multiaddr_bytes_max, 'a'))
            .error()
            .is(MultiformatsError::too_long));
  CHECK(Multiaddr::from_bytes(Bytes(k_multiaddr_bytes_max + 1))
            .error()
            .is(MultiformatsError::too_long));
  CHECK(Multiaddr::parse("/dns/" + std::string(254, 'a')).error().is(MultiformatsError::bad_value));
  CHECK(Multiaddr::parse("/dns/" + std::string(253, 'a')));
}
