#include "vivim/multiformats/address_scope.hpp"

#include <doctest/doctest.h>

using namespace vivim;
using namespace vivim::multiformats;

namespace {

Multiaddr at(const std::string& text) {
  return Multiaddr::parse(text).value();
}

}  // namespace

TEST_CASE("address scope: loopback, local networks, and everything else") {
  for (const char* const text : {"/ip4/127.0.0.1/tcp/1", "/ip4/127.255.0.9/tcp/1", "/ip6/::1/tcp/1",
                                 "/ip6/::ffff:127.0.0.1/tcp/1", "/memory/7", "/ip4/0.0.0.0/tcp/1",
                                 "/ip6/::/tcp/1", "/ip6/::ffff:0.0.0.0/tcp/1"}) {
    CHECK(scope_of(at(text)) == AddressScope::loopback);
  }
  for (const char* const text :
       {"/ip4/10.1.2.3/tcp/1", "/ip4/172.16.0.1/tcp/1", "/ip4/172.31.255.255/udp/1/quic-v1",
        "/ip4/192.168.0.1/tcp/1", "/ip4/169.254.1.1/tcp/1", "/ip4/100.64.0.1/tcp/1",
        "/ip4/100.127.255.255/tcp/1", "/ip6/fc00::1/tcp/1", "/ip6/fdff::1/tcp/1",
        "/ip6/fe80::1/tcp/1", "/ip6zone/eth0/ip6/fe80::1/tcp/1", "/ip6/::ffff:10.0.0.1/tcp/1"}) {
    CHECK(scope_of(at(text)) == AddressScope::local);
  }
  for (const char* const text :
       {"/ip4/1.2.3.4/tcp/1", "/ip4/172.15.0.1/tcp/1", "/ip4/172.32.0.1/tcp/1",
        "/ip4/192.169.0.1/tcp/1", "/ip4/100.63.0.1/tcp/1", "/ip4/100.128.0.1/tcp/1",
        "/ip6/2001:db8::1/tcp/1", "/ip6/::2/tcp/1", "/ip6/::ffff:1.2.3.4/tcp/1",
        "/dns4/example.com/tcp/1"}) {
    CHECK(scope_of(at(text)) == AddressScope::global);
  }
}

TEST_CASE("address scope: one IPv4 address is one party, and so is a /56 of IPv6") {
  CHECK(ip_group(at("/ip4/1.2.3.4/tcp/1")) == ip_group(at("/ip4/1.2.3.4/udp/2/quic-v1")));
  CHECK(ip_group(at("/ip4/1.2.3.4/tcp/1")) != ip_group(at("/ip4/1.2.3.5/tcp/1")));
  CHECK(ip_group(at("/ip4/1.2.3.4/tcp/1")) == ip_group(at("/ip6/::ffff:1.2.3.4/tcp/1")));
  CHECK(ip_group(at("/ip6/2001:db8:1:200::1/tcp/1")) ==
        ip_group(at("/ip6/2001:db8:1:2ff:ffff::9/tcp/1")));
  CHECK(ip_group(at("/ip6/2001:db8:1:200::1/tcp/1")) !=
        ip_group(at("/ip6/2001:db8:1:300::1/tcp/1")));
  CHECK_FALSE(ip_group(at("/dns4/example.com/tcp/1")));
  CHECK_FALSE(ip_group(at("/memory/7")));
}
