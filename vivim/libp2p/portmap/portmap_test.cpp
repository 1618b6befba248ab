#include <doctest/doctest.h>

#include "vivim/libp2p/portmap/service.hpp"
#include "vivim/rt/asio/network.hpp"
#include "vivim/rt/asio/worker.hpp"
#include "vivim/rt/sim/world.hpp"

using namespace vivim;
using namespace vivim::libp2p::portmap;
using namespace std::chrono_literals;

namespace {

const rt::TimePoint k_start{1h};
constexpr Port k_tcp{.protocol = Port::Protocol::tcp, .number = 4001};
constexpr Port k_udp{.protocol = Port::Protocol::udp, .number = 4001};
const rt::IpAddress k_outside = rt::IpAddress::v4(203, 0, 113, 9);
const Grant k_grant{.external_ip = k_outside, .external_port = 4001, .lifetime = 1h};

/// A router of the test's own.
class FakeGateway final : public Gateway {
 public:
  explicit FakeGateway(bool works) : works_(works) {}
  std::string_view name() const override { return works_ ? "works" : "fails"; }
  Result<Grant> map(const Port& port, std::chrono::seconds lifetime) override {
    ++calls;
    if (!works_) {
      return fail(PortmapError::no_gateway);
    }
    mapped.push_back(port);
    return Grant{.external_ip = k_outside, .external_port = port.number, .lifetime = lifetime};
  }
  Result<void> unmap(const Port& port, const Grant&) override {
    std::erase(mapped, port);
    return {};
  }
  void set_works(bool works) { works_ = works; }

  std::vector<Port> mapped;
  std::size_t calls = 0;

 private:
  bool works_;
};

}  // namespace

TEST_CASE("portmap leases: mapped, renewed at half time, lost when the router is gone") {
  Leases leases;
  REQUIRE(leases.want(k_tcp, k_start));
  REQUIRE(leases.want(k_tcp, k_start));
  CHECK(leases.next(k_start) == k_tcp);
  CHECK_FALSE(leases.next(k_start));
  CHECK(leases.granted(k_tcp, k_grant, k_start));
  CHECK(leases.mappings().size() == 1);
  CHECK(leases.next_deadline() == k_start + 30min);
  CHECK_FALSE(leases.next(k_start + 29min));
  CHECK(leases.next(k_start + 30min) == k_tcp);
  CHECK_FALSE(leases.granted(k_tcp, k_grant, k_start + 30min));  // the same
  CHECK(leases.next(k_start + 60min) == k_tcp);
  CHECK_FALSE(leases.failed(k_tcp, k_start + 60min));  // still has half an hour
  CHECK(leases.next_deadline() == k_start + 61min);
  rt::TimePoint now = k_start + 61min;
  bool lost = false;
  for (int i = 0; i < 10 && !lost; ++i) {
    REQUIRE(leases.next(now));
    lost = leases.failed(k_tcp, now);
    now = *leases.next_deadline();
  }
  CHECK(lost);
  CHECK(leases.mappings().empty());
  CHECK(now <= k_start + 200min);
}

TEST_CASE("portmap leases: what is dropped is to be taken back, limits") {
  Leases leases;
  REQUIRE(leases.want(k_tcp, k_start));
  REQUIRE(leases.next(k_start));
  CHECK(leases.granted(k_tcp, k_grant, k_start));
  CHECK(leases.drop(k_tcp) == k_grant);
  CHECK_FALSE(leases.drop(k_tcp));
  CHECK_FALSE(leases.granted(k_tcp, k_grant, k_start));
  CHECK_FALSE(leases.failed(k_tcp, k_start));
  for (std::size_t i = 0; i < k_ports_max; ++i) {
    REQUIRE(leases.want({.number = static_cast<std::uint16_t>(i + 1)}, k_start));
  }
  CHECK(leases.want(k_udp, k_start).error().is(PortmapError::too_many_ports));
}

TEST_CASE("portmap: addresses behind another router are not public") {
  for (const char* ip : {"10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.1.1",
                         "127.0.0.1", "0.0.0.0", "fe80::1", "fd00::1", "::1"}) {
    CHECK_FALSE(is_public(rt::IpAddress::parse(ip).value()));
  }
  for (const char* ip : {"203.0.113.9", "172.32.0.1", "100.128.0.1", "2001:db8::1"}) {
    CHECK(is_public(rt::IpAddress::parse(ip).value()));
  }
}

TEST_CASE("portmap service: the gateway that works is used, mappings are taken back at the end") {
  rt::sim::World world(1);
  auto& node = world.add_node("a");
  const auto worker = node.make_worker();
  auto first = std::make_unique<FakeGateway>(false);
  auto second = std::make_unique<FakeGateway>(true);
  FakeGateway* const broken = first.get();
  FakeGateway* const router = second.get();
  std::vector<std::unique_ptr<Gateway>> gateways;
  gateways.push_back(std::move(first));
  gateways.push_back(std::move(second));
  int changes = 0;
  Service service(node.loop(), *worker, std::move(gateways), [&changes] { ++changes; });
  REQUIRE(service.want(k_tcp));
  service.start();
  world.run_for(1s);
  REQUIRE(service.want(k_udp));
  world.run_for(1s);
  CHECK(router->mapped == std::vector{k_tcp, k_udp});
  CHECK(service.mappings().size() == 2);
  CHECK(service.gateway() == "works");
  CHECK(broken->calls == 1);
  CHECK(changes == 2);
  world.run_for(31min);
  CHECK(router->calls == 4);
  CHECK(changes == 2);
  router->set_works(false);
  world.run_for(2h);
  CHECK(service.mappings().empty());
  CHECK(service.last_error()->is(PortmapError::no_gateway));
  router->set_works(true);
  world.run_for(40min);
  CHECK(service.mappings().size() == 2);
  world.run(service.stop());
  CHECK(std::ranges::count(router->mapped, k_udp) < 5);
  CHECK(service.mappings().empty());
}

TEST_CASE("portmap service: a mapping is taken back from the gateway that granted it") {
  rt::sim::World world(1);
  auto& node = world.add_node("a");
  const auto worker = node.make_worker();
  auto first = std::make_unique<FakeGateway>(true);
  auto second = std::make_unique<FakeGateway>(false);
  FakeGateway* const early = first.get();
  FakeGateway* const late = second.get();
  std::vector<std::unique_ptr<Gateway>> gateways;
  gateways.push_back(std::move(first));
  gateways.push_back(std::move(second));
  Service service(node.loop(), *worker, std::move(gateways), [] {});
  REQUIRE(service.want(k_tcp));
  service.start();
  world.run_for(1s);
  early->set_works(false);
  late->set_works(true);
  REQUIRE(service.want(k_udp));
  world.run_for(1s);
  CHECK(early->mapped == std::vector{k_tcp});
  CHECK(late->mapped == std::vector{k_udp});
  world.run(service.stop());
  CHECK(early->mapped.empty());
  CHECK(late->mapped.empty());
}

namespace {

/// A NAT-PMP router (RFC 6886): the answer to a request.
Bytes nat_pmp_answer(BytesView request) {
  Bytes answer{0, static_cast<std::uint8_t>(request[1] | 0x80), 0, 0, 0, 0, 0, 1};
  if (request[1] == 0) {
    append(answer, Bytes{203, 0, 113, 9});
  } else {
    append(answer, request.subspan(4, 2));
    append(answer, Bytes{0x20, 0x00});  // another port than was wished for
    append(answer, request.subspan(8, 4));
  }
  return answer;
}

rt::Co<void> nat_pmp_router(rt::DatagramSocket& socket) {
  for (;;) {
    const auto received = co_await socket.receive();
    if (!received) {
      co_return;
    }
    for (const auto& datagram : *received) {
      const rt::Endpoint to = datagram.remote;
      const Bytes answer = nat_pmp_answer(datagram.bytes);
      (void)co_await socket.send(to, answer);
    }
  }
}

struct Real {
  Real() : network(loop), worker(loop, "portmap"), tasks(loop) {}
  ~Real() { loop.run(tasks.stop()); }
  Result<Grant> map(Gateway& gateway, const Port& port) {
    return loop.run(worker.run([&gateway, port] { return gateway.map(port, 1h); }));
  }
  rt::asio_::Loop loop;
  rt::asio_::TcpNetwork network;
  rt::asio_::ThreadWorker worker;
  std::unique_ptr<rt::DatagramSocket> socket;
  std::unique_ptr<rt::Listener> listener;
  rt::TaskGroup tasks;
};

constexpr std::string_view k_description =
    "<?xml version=\"1.0\"?><root><device><deviceType>urn:schemas-upnp-org:device:"
    "InternetGatewayDevice:1</deviceType><deviceList><device><deviceType>urn:schemas-upnp-org:"
    "device:WANDevice:1</deviceType><deviceList><device><deviceType>urn:schemas-upnp-org:device:"
    "WANConnectionDevice:1</deviceType><serviceList><service><serviceType>urn:schemas-upnp-org:"
    "service:WANIPConnection:1</serviceType><controlURL>/control</controlURL><SCPDURL>/scpd"
    "</SCPDURL></service></serviceList></device></deviceList></device></deviceList></device></"
    "root>";

std::string upnp_answer(const std::string& request) {
  std::string body = "<s:Envelope><s:Body></s:Body></s:Envelope>";
  std::string status = "200 OK";
  if (request.starts_with("GET")) {
    body = k_description;
  } else if (request.contains("#GetExternalIPAddress")) {
    body =
        "<s:Envelope><s:Body><NewExternalIPAddress>203.0.113.9</NewExternalIPAddress></s:Body>"
        "</s:Envelope>";
  } else if (request.contains("<NewLeaseDuration>3600<") && request.contains(">TCP<")) {
    status = "500 Internal Server Error";
    body =
        "<s:Envelope><s:Body><s:Fault><detail><UPnPError><errorCode>725</errorCode></UPnPError>"
        "</detail></s:Fault></s:Body></s:Envelope>";
  }
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: text/xml\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Reads one request, whole: the head, and as much as it announces.
rt::Co<std::string> read_request(rt::Stream& stream) {
  std::string text;
  Bytes buffer(4096);
  for (;;) {
    const auto count = co_await stream.read_some(buffer);
    if (!count || *count == 0) {
      co_return text;
    }
    text += as_text(BytesView(buffer).first(*count));
    const auto head = text.find("\r\n\r\n");
    const auto field = text.find("Content-Length: ");
    const std::size_t length = field == std::string::npos ? 0 : std::stoul(text.substr(field + 16));
    if (head != std::string::npos && text.size() >= head + 4 + length) {
      co_return text;
    }
  }
}

rt::Co<void> upnp_router(rt::Listener& listener) {
  for (;;) {
    auto connection = co_await listener.accept();
    if (!connection) {
      co_return;
    }
    const std::string request = co_await read_request(*connection->stream);
    const std::string answer = upnp_answer(request);
    if (co_await connection->stream->write(as_bytes(answer))) {
      (void)co_await connection->stream->close_write();
    }
  }
}

}  // namespace

TEST_CASE("portmap: NAT-PMP with a router on the loopback interface") {
  Real real;
  const auto here = rt::IpAddress::v4(127, 0, 0, 1);
  auto socket = real.network.open_datagram({.ip = here, .port = 5351}, {});
  if (!socket) {
    MESSAGE("skipped: port 5351 is taken");
    return;
  }
  real.socket = std::move(*socket);
  real.tasks.on_stop([&real] { real.socket->close(); });
  real.tasks.spawn("router", nat_pmp_router(*real.socket));
  const auto gateway = make_nat_pmp_gateway({.router = here});
  const auto grant = real.map(*gateway, k_tcp);
  REQUIRE(grant);
  CHECK(*grant == Grant{.external_ip = k_outside, .external_port = 0x2000, .lifetime = 1h});
  CHECK(real.map(*gateway, k_udp)->external_port == 0x2000);
  CHECK(real.loop.run(real.worker.run([&] { return gateway->unmap(k_tcp, *grant); })));
}

TEST_CASE("portmap: NAT-PMP without a router that answers") {
  Real real;
  const auto gateway =
      make_nat_pmp_gateway({.router = rt::IpAddress::v4(127, 0, 0, 2), .answer_max = 300ms});
  CHECK(real.map(*gateway, k_tcp).error().is(PortmapError::no_gateway));
}

TEST_CASE("portmap: UPnP with a router on the loopback interface") {
  Real real;
  real.listener = real.network.listen({.ip = rt::IpAddress::v4(127, 0, 0, 1)}).value();
  real.tasks.on_stop([&real] { real.listener->close(); });
  real.tasks.spawn("router", upnp_router(*real.listener));
  const auto gateway = make_upnp_gateway(
      {.description_url = "http://" + real.listener->local().to_string() + "/root.xml"});
  const auto udp = real.map(*gateway, k_udp);
  REQUIRE(udp);
  CHECK(*udp == k_grant);
  const auto tcp = real.map(*gateway, k_tcp);  // only permanent leases
  REQUIRE(tcp);
  CHECK(tcp->lifetime == 0s);
  CHECK(real.loop.run(real.worker.run([&] { return gateway->unmap(k_udp, *udp); })));
}

TEST_CASE("portmap: UPnP without a router") {
  Real real;
  const auto gateway = make_upnp_gateway({.description_url = "http://127.0.0.1:9/none.xml"});
  CHECK(real.map(*gateway, k_tcp).error().is(PortmapError::no_gateway));
}
