#include "vivim/node/port_mapper.hpp"

#include <doctest/doctest.h>

#include "vivim/rt/sim/world.hpp"

namespace vivim::node {
namespace {

using libp2p::portmap::Grant;
using libp2p::portmap::Port;
using multiformats::Multiaddr;
using namespace std::chrono_literals;

/// A router that gives every port, 1000 above its own.
class Router final : public libp2p::portmap::Gateway {
 public:
  Router(rt::IpAddress outside, std::vector<Port>& mapped) : outside_(outside), mapped_(mapped) {}
  std::string_view name() const override { return "router"; }
  Result<Grant> map(const Port& port, std::chrono::seconds lifetime) override {
    mapped_.push_back(port);
    return Grant{.external_ip = outside_,
                 .external_port = static_cast<std::uint16_t>(port.number + 1000),
                 .lifetime = lifetime};
  }
  Result<void> unmap(const Port& port, const Grant&) override {
    std::erase(mapped_, port);
    return {};
  }

 private:
  rt::IpAddress outside_;
  std::vector<Port>& mapped_;
};

struct PortMapperFixture {
  explicit PortMapperFixture(rt::IpAddress outside = rt::IpAddress::v4(8, 8, 4, 4)) {
    std::vector<std::unique_ptr<libp2p::portmap::Gateway>> gateways;
    gateways.push_back(std::make_unique<Router>(outside, mapped));
    mapper.emplace(host, *worker, std::move(gateways), [this] { ++changes; });
  }
  void stop() {
    world.run(host.stop());
    world.run(mapper->stop());
  }

  rt::sim::World world{9};
  rt::sim::Node& node{world.add_node("node")};
  crypto::KeyPair key{
      crypto::KeyPair::generate([this](MutableBytes out) { node.rng().fill(out); })};
  libp2p::Host host{{.key = key}, node.loop(), node.network(), node.rng()};
  std::unique_ptr<rt::Worker> worker{node.make_worker()};
  std::vector<Port> mapped;
  std::size_t changes = 0;
  std::optional<PortMapper> mapper;
};

TEST_CASE("port mapper: what is listened on is mapped, told, and taken back") {
  PortMapperFixture f;
  const auto address = "/ip4/" + f.node.ip().to_string() + "/tcp/4001";
  REQUIRE(f.host.listen(Multiaddr::parse(address).value()));
  f.mapper->start();
  f.world.run_for(10s);
  CHECK(f.mapped == std::vector{Port{.protocol = Port::Protocol::tcp, .number = 4001}});
  CHECK(f.changes == 1);
  CHECK(f.mapper->gateway() == "router");
  REQUIRE(f.mapper->addresses().size() == 1);
  CHECK(f.mapper->addresses()[0].to_string() == "/ip4/8.8.4.4/tcp/5001");
  f.host.announce(f.mapper->addresses());
  CHECK(f.host.listen_addresses().back() ==
        Multiaddr::parse("/ip4/8.8.4.4/tcp/5001").value().with_peer(f.host.peer_id()).value());
  f.stop();
  CHECK(f.mapped.empty());
}

TEST_CASE("port mapper: an address of a router behind another one is shown and not told") {
  PortMapperFixture f(rt::IpAddress::v4(192, 168, 7, 1));
  REQUIRE(f.host.listen(Multiaddr::parse("/ip4/" + f.node.ip().to_string() + "/tcp/4001").value()));
  f.mapper->start();
  f.world.run_for(10s);
  REQUIRE(f.mapper->mapped().size() == 1);
  CHECK_FALSE(f.mapper->mapped()[0].is_public);
  CHECK(f.mapper->addresses().empty());
  f.stop();
}

TEST_CASE("port mapper: without a port that could be mapped no router is asked") {
  PortMapperFixture f;
  f.mapper->start();
  f.world.run_for(10s);
  CHECK(f.mapper->ports() == 0);
  CHECK(f.mapped.empty());
  f.stop();
}

TEST_CASE("port mapper: an address with another place in front") {
  const rt::Endpoint outside{.ip = rt::IpAddress::v4(8, 8, 4, 4), .port = 9};
  const auto moved = [&](std::string_view text) {
    return with_endpoint(Multiaddr::parse(text).value(), outside).value().to_string();
  };
  CHECK(moved("/ip4/10.0.0.1/tcp/1") == "/ip4/8.8.4.4/tcp/9");
  CHECK(moved("/ip4/10.0.0.1/udp/1/quic-v1") == "/ip4/8.8.4.4/udp/9/quic-v1");
  CHECK(moved("/ip4/10.0.0.1/tcp/1/tls/sni/a.example/ws") ==
        "/ip4/8.8.4.4/tcp/9/tls/sni/a.example/ws");
  CHECK_FALSE(with_endpoint(Multiaddr::parse("/p2p-circuit").value(), outside));
}

}  // namespace
}  // namespace vivim::node
