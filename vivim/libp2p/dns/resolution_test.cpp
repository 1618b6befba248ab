#include "vivim/libp2p/dns/resolution.hpp"

#include <doctest/doctest.h>

#include "vivim/libp2p/dns/resolver.hpp"
#include "vivim/rt/error.hpp"
#include "vivim/rt/sim/resolver.hpp"
#include "vivim/rt/sim/world.hpp"
#include "vivim/rt/task_group.hpp"

using namespace vivim;
using namespace vivim::libp2p::dns;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view k_peer = "12D3KooWGzBTrhbh3cCCsBHfkZpKBKFgLvmRRY7Cmi1DDNbqyFzB";
constexpr std::string_view k_other = "QmaCpDMGvV2BGHeYERUEnRQAwe3N8SzbUtfsmvsqQLuvuJ";

struct Fixture {
  Fixture() : world(1), node(world.add_node("a")), dns(node.loop()) {}

  Result<std::vector<std::string>> resolve(const std::string& text) {
    DnsAddressResolver resolver(node.loop(), dns);
    VIVIM_TRY(const auto found, world.run(resolver.resolve(Multiaddr::parse(text).value(), 10s)));
    std::vector<std::string> texts;
    for (const auto& address : found) {
      texts.push_back(address.to_string());
    }
    return texts;
  }
  void address(const std::string& name, const std::string& ip) {
    dns.add_address(name, rt::IpAddress::parse(ip).value());
  }
  void text(const std::string& name, const std::string& address) {
    dns.add_text("_dnsaddr." + name, "dnsaddr=" + address);
  }

  rt::sim::World world;
  rt::sim::Node& node;
  rt::sim::TableResolver dns;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("dns: names become addresses of the family that was asked for") {
  Fixture f;
  f.address("a.test", "192.0.2.1");
  f.address("a.test", "192.0.2.2");
  f.address("a.test", "2001:db8::1");
  CHECK(f.resolve("/dns4/a.test/tcp/1").value() ==
        Texts{"/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.2/tcp/1"});
  CHECK(f.resolve("/dns6/a.test/udp/1/quic-v1").value() == Texts{"/ip6/2001:db8::1/udp/1/quic-v1"});
  CHECK(f.resolve("/dns/a.test/tcp/1")->size() == 3);
  CHECK(f.resolve("/ip4/1.2.3.4/tcp/1").value() == Texts{"/ip4/1.2.3.4/tcp/1"});
  CHECK(f.resolve("/dns4/b.test/tcp/1").error().is(rt::RtError::no_such_name));
}

TEST_CASE("dns: one family without records does not hide the other") {
  Fixture f;
  f.address("a.test", "2001:db8::1");
  CHECK(f.resolve("/dns/a.test/tcp/1").value() == Texts{"/ip6/2001:db8::1/tcp/1"});
}

TEST_CASE("dns: dnsaddr records, nested, with names of their own") {
  Fixture f;
  const std::string peer = "/p2p/" + std::string(k_peer);
  const std::string other = "/p2p/" + std::string(k_other);
  f.text("boot.test", "/dnsaddr/one.boot.test" + peer);
  f.text("boot.test", "/dnsaddr/two.boot.test" + other);
  f.dns.add_text("_dnsaddr.boot.test", "something else");
  f.dns.add_text("_dnsaddr.boot.test", "dnsaddr=/not/an/address");
  f.text("one.boot.test", "/ip4/192.0.2.1/tcp/4001" + peer);
  f.text("one.boot.test", "/dns4/host.test/tcp/4001" + peer);
  f.text("two.boot.test", "/ip6/2001:db8::2/tcp/4001" + other);
  f.text("two.boot.test", "/ip4/192.0.2.66/tcp/4001" + peer);  // not the peer that was named
  f.address("host.test", "192.0.2.9");
  CHECK(f.resolve("/dnsaddr/boot.test").value() == Texts{"/ip4/192.0.2.1/tcp/4001" + peer,
                                                         "/ip6/2001:db8::2/tcp/4001" + other,
                                                         "/ip4/192.0.2.9/tcp/4001" + peer});
  CHECK(f.resolve("/dnsaddr/boot.test" + other).value() ==
        Texts{"/ip6/2001:db8::2/tcp/4001" + other});
  CHECK(f.resolve("/dnsaddr/one.boot.test" + other).error().is(DnsError::no_addresses));
}

TEST_CASE("dns: a name in front of TLS stays as its server name") {
  Fixture f;
  f.address("a.test", "192.0.2.1");
  const Texts expected{"/ip4/192.0.2.1/tcp/443/tls/sni/a.test/ws"};
  CHECK(f.resolve("/dns4/a.test/tcp/443/wss").value() == expected);
  CHECK(f.resolve("/dns4/a.test/tcp/443/tls/ws").value() == expected);
  CHECK(f.resolve("/dns4/a.test/tcp/443/tls/sni/b.test/ws").value() ==
        Texts{"/ip4/192.0.2.1/tcp/443/tls/sni/b.test/ws"});
  CHECK(f.resolve("/dns4/a.test/tcp/80/ws").value() == Texts{"/ip4/192.0.2.1/tcp/80/ws"});
}

TEST_CASE("dns: a relay's name is resolved in its place") {
  Fixture f;
  f.address("relay.test", "192.0.2.1");
  const std::string tail =
      "/tcp/1/p2p/" + std::string(k_other) + "/p2p-circuit/p2p/" + std::string(k_peer);
  CHECK(f.resolve("/dns4/relay.test" + tail).value() == Texts{"/ip4/192.0.2.1" + tail});
}

TEST_CASE("dns: names in a circle end") {
  Fixture f;
  f.text("a.test", "/dnsaddr/b.test");
  f.text("b.test", "/dnsaddr/a.test");
  f.text("b.test", "/dnsaddr/b.test");
  CHECK(f.resolve("/dnsaddr/a.test").error().is(DnsError::no_addresses));
  CHECK(f.dns.questions() == 2);
}

TEST_CASE("dns: limits on depth, questions and results") {
  Fixture f;
  for (int i = 0; i < 40; ++i) {
    f.text("n" + std::to_string(i) + ".test", "/dnsaddr/n" + std::to_string(i + 1) + ".test");
  }
  f.text("n40.test", "/ip4/192.0.2.1/tcp/1");
  CHECK(f.resolve("/dnsaddr/n0.test").error().is(DnsError::too_deep));
  CHECK(f.dns.questions() == k_depth_max);
  CHECK(f.resolve("/dnsaddr/n10.test"));

  Fixture wide;
  for (int i = 0; i < 100; ++i) {
    wide.text("wide.test", "/dnsaddr/w" + std::to_string(i) + ".test");
  }
  CHECK(wide.resolve("/dnsaddr/wide.test").error().is(rt::RtError::no_such_name));
  CHECK(wide.dns.questions() == k_questions_max);

  Fixture many;
  for (int i = 0; i < 200; ++i) {
    many.text("many.test", "/ip4/192.0.2.1/tcp/" + std::to_string(i + 1));
  }
  CHECK(many.resolve("/dnsaddr/many.test")->size() == k_results_max);
}

TEST_CASE("dns: slow answers end in time, what came before counts") {
  Fixture f;
  f.dns.set_latency(20s);
  const auto began = f.world.now();
  CHECK(f.resolve("/dns4/a.test/tcp/1").error().is(rt::RtError::timed_out));
  CHECK(f.world.now() - began < 6s);
}

TEST_CASE("dns: a resolution that is cancelled asks nothing more") {
  Fixture f;
  f.dns.set_latency(1s);
  for (int i = 0; i < 20; ++i) {
    f.text("n" + std::to_string(i) + ".test", "/dnsaddr/n" + std::to_string(i + 1) + ".test");
  }
  DnsAddressResolver resolver(f.node.loop(), f.dns);
  std::optional<Result<std::vector<Multiaddr>>> outcome;
  rt::TaskGroup tasks(f.node.loop());
  tasks.spawn("resolve", [](DnsAddressResolver& names, auto& into) -> rt::Co<void> {
    into.emplace(co_await names.resolve(Multiaddr::parse("/dnsaddr/n0.test").value(), 60s));
  }(resolver, outcome));
  f.world.run_for(2500ms);
  resolver.cancel();
  f.world.run_for(2s);
  REQUIRE(outcome);
  CHECK(outcome->error().is(rt::RtError::closed));
  CHECK(f.dns.questions() == 3);
}
