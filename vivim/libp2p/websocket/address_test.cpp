#include "vivim/libp2p/websocket/address.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::libp2p::websocket;
using multiformats::Multiaddr;

namespace {

Result<Address> parsed(std::string_view text) {
  return parse_address(Multiaddr::parse(text).value());
}

}  // namespace

TEST_CASE("ws address: every form that peers write") {
  const auto plain = parsed("/ip4/1.2.3.4/tcp/4002/ws");
  REQUIRE(plain);
  CHECK(plain->endpoint.to_string() == "1.2.3.4:4002");
  CHECK(plain->secure == Secure::no);
  CHECK(plain->host_field() == "1.2.3.4:4002");
  CHECK(parsed("/ip4/1.2.3.4/tcp/80/ws")->host_field() == "1.2.3.4");
  CHECK(parsed("/ip6/::1/tcp/81/ws")->host_field() == "[::1]:81");
  for (const auto* text : {"/ip4/1.2.3.4/tcp/443/wss", "/ip4/1.2.3.4/tcp/443/tls/ws"}) {
    const auto secure = parsed(text);
    REQUIRE(secure);
    CHECK(secure->secure == Secure::yes);
    CHECK(secure->host_field() == "1.2.3.4");
    CHECK_FALSE(secure->server_name);
  }
  const auto named = parsed(
      "/ip4/1.2.3.4/tcp/4003/tls/sni/a.example/ws/p2p/"
      "12D3KooWGzBTrhbh3cCCsBHfkZpKBKFgLvmRRY7Cmi1DDNbqyFzB");
  REQUIRE(named);
  CHECK(named->server_name == "a.example");
  CHECK(named->host() == "a.example");
  CHECK(named->host_field() == "a.example:4003");
}

TEST_CASE("ws address: what is none") {
  for (const auto* text :
       {"/ip4/1.2.3.4/tcp/4002", "/ip4/1.2.3.4/udp/4002/ws", "/dns4/a.example/tcp/4002/ws",
        "/ip4/1.2.3.4/tcp/4002/tls", "/ip4/1.2.3.4/tcp/4002/tls/wss", "/ip4/1.2.3.4/ws",
        "/ip4/1.2.3.4/tcp/4002/ws/p2p-circuit", "/ip4/1.2.3.4/tcp/4002/sni/x/ws"}) {
    CHECK(parsed(text).error().is(WsError::unsupported_address));
  }
}

TEST_CASE("ws address: made of an endpoint") {
  const rt::Endpoint four{.ip = rt::IpAddress::v4(1, 2, 3, 4), .port = 5};
  CHECK(to_multiaddr(four, Secure::no).to_string() == "/ip4/1.2.3.4/tcp/5/ws");
  CHECK(to_multiaddr(four, Secure::yes).to_string() == "/ip4/1.2.3.4/tcp/5/tls/ws");
  for (const auto* text : {"/ip4/1.2.3.4/tcp/5/ws", "/ip6/::1/tcp/5/tls/ws",
                           "/ip4/1.2.3.4/tcp/5/tls/sni/a.example/ws"}) {
    CHECK(to_multiaddr(parsed(text).value()).to_string() == text);
  }
}
