#include "vivim/libp2p/mdns/discovery.hpp"

#include <doctest/doctest.h>

#include "vivim/crypto/ed25519.hpp"
#include "vivim/rt/sim/engine.hpp"

using namespace vivim;
using namespace vivim::libp2p::mdns;
using namespace std::chrono_literals;

namespace {

const rt::TimePoint k_start{1h};
const rt::IpAddress k_near = rt::IpAddress::v4(192, 168, 1, 7);

PeerId peer_of(std::uint8_t first) {
  return PeerId::of(crypto::KeyPair::generate([first](MutableBytes out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(first + i);
    }
  }));
}

Multiaddr address(std::string_view text) {
  return Multiaddr::parse(text).value();
}

Config config_of(std::uint8_t first) {
  rt::sim::SeededRng rng(first);
  return {.self = peer_of(first), .peer_name = make_peer_name(rng), .seed = first};
}

/// What a peer announces, with texts of our choosing.
Bytes announced(std::vector<std::string> texts, std::uint32_t ttl = 120,
                const std::string& name = "somebody") {
  return encode_answer({.service = std::string(k_service),
                        .peer_name = name,
                        .ttl = ttl,
                        .texts = std::move(texts)});
}

std::string text(std::string_view at, const PeerId& peer) {
  return "dnsaddr=" + std::string(at) + "/p2p/" + peer.to_string();
}

/// Everything that leaves until `until`.
std::vector<Bytes> sent(Discovery& discovery, rt::TimePoint until) {
  std::vector<Bytes> packets;
  while (discovery.next_deadline() <= until) {
    discovery.on_deadline(discovery.next_deadline());
    while (auto packet = discovery.poll_transmit()) {
      packets.push_back(std::move(*packet));
    }
  }
  return packets;
}

std::size_t count_queries(const std::vector<Bytes>& packets) {
  return static_cast<std::size_t>(
      std::ranges::count_if(packets, [](const auto& packet) { return !decode(packet)->response; }));
}

}  // namespace

TEST_CASE("mdns: two peers find each other") {
  Discovery a(config_of(1), k_start);
  Discovery b(config_of(2), k_start);
  a.set_addresses({address("/ip4/192.168.1.6/tcp/4001")}, {});
  b.set_addresses(
      {address("/ip4/192.168.1.7/tcp/4001"), address("/ip4/192.168.1.7/udp/4001/quic-v1")}, {});
  for (const auto& packet : sent(a, k_start + 500ms)) {
    REQUIRE(b.receive(packet, rt::IpAddress::v4(192, 168, 1, 6), k_start));
    REQUIRE(a.receive(packet, rt::IpAddress::v4(192, 168, 1, 6), k_start));
  }
  const auto found = b.poll_event();
  REQUIRE(found);
  CHECK(found->peer == peer_of(1));
  CHECK(found->addresses == std::vector{address("/ip4/192.168.1.6/tcp/4001")});
  CHECK(found->source == rt::IpAddress::v4(192, 168, 1, 6));
  for (const auto& packet : sent(b, k_start + 500ms)) {
    REQUIRE(a.receive(packet, k_near, k_start));
  }
  const auto other = a.poll_event();
  REQUIRE(other);
  CHECK(other->peer == peer_of(2));
  CHECK(other->addresses.size() == 2);
  CHECK_FALSE(a.poll_event());
}

TEST_CASE("mdns: public addresses of IPv6 are of this network when they share its 64 bits") {
  Discovery a(config_of(1), k_start);
  Discovery b(config_of(2), k_start);
  const auto source = rt::IpAddress::parse("fe80::1").value();
  a.set_addresses({address("/ip6/2001:db8:1:2::6/tcp/4001"),
                   address("/ip6/2001:db8:1:3::6/tcp/4001"), address("/ip6/fd00::6/tcp/4001")},
                  {});
  b.set_addresses({}, {rt::IpAddress::parse("2001:db8:1:2::7").value()});
  for (const auto& packet : sent(a, k_start + 500ms)) {
    REQUIRE(b.receive(packet, source, k_start));
  }
  const auto found = b.poll_event();
  REQUIRE(found);
  CHECK(found->addresses ==
        std::vector{address("/ip6/2001:db8:1:2::6/tcp/4001"), address("/ip6/fd00::6/tcp/4001")});
  CHECK(b.refusals().addresses == 1);
}

TEST_CASE("mdns: peer names are random, long, and not the peer id") {
  const auto config = config_of(1);
  CHECK(config.peer_name.size() >= 32);
  CHECK(config.peer_name.size() < 64);
  CHECK(config.peer_name != config_of(2).peer_name);
}

TEST_CASE("mdns: questions become rarer") {
  Discovery discovery(config_of(1), k_start);
  CHECK(count_queries(sent(discovery, k_start + 10s)) == 4);
  CHECK(count_queries(sent(discovery, k_start + 1h)) < 25);
}

TEST_CASE("mdns: a flood of questions is answered once a second") {
  Discovery discovery(config_of(1), k_start);
  discovery.set_addresses({address("/ip4/192.168.1.6/tcp/4001")}, {});
  std::size_t packets = 0;
  for (rt::TimePoint now = k_start; now < k_start + 10s; now += 10ms) {
    (void)discovery.receive(encode_query(k_service), k_near, now);
    packets += sent(discovery, now).size();
  }
  CHECK(packets <= 10 + 4 + 1);
  CHECK(discovery.refusals().throttled > 300);
}

TEST_CASE("mdns: one answer fits a packet, loopback and relays last or not at all") {
  Discovery discovery(config_of(1), k_start);
  std::vector<Multiaddr> many{address("/ip4/127.0.0.1/tcp/4001"),
                              address("/ip4/1.2.3.4/tcp/1/p2p-circuit"),
                              address("/dns4/a.example/tcp/1")};
  for (int i = 0; i < 100; ++i) {
    many.push_back(address("/ip4/10.0.0." + std::to_string(i + 1) + "/tcp/4001"));
  }
  discovery.set_addresses(many, {});
  for (const auto& packet : sent(discovery, k_start + 1s)) {
    CHECK(packet.size() <= k_sent_bytes_max);
    const auto message = decode(packet);
    if (!message->response) {
      continue;
    }
    const auto& texts = message->records[2].texts;
    CHECK(texts.size() > 5);
    for (const auto& one : texts) {
      CHECK(one.starts_with("dnsaddr=/ip4/10."));
      CHECK(one.size() <= k_text_bytes_max);
    }
  }
}

TEST_CASE(
    "hostile: mDNS spoofing: addresses of other networks, names, relays, loopback, ourselves") {
  Discovery discovery(config_of(1), k_start);
  discovery.set_addresses({}, {rt::IpAddress::v4(192, 168, 1, 6)});
  const auto other = peer_of(9);
  const std::vector<std::string> lies{text("/ip4/8.8.8.8/tcp/80", other),
                                      text("/dns4/victim.example/tcp/80", other),
                                      text("/ip4/192.168.1.7/tcp/1/p2p-circuit", other),
                                      text("/ip4/127.0.0.1/tcp/22", other),
                                      text("/ip6/2001:db8::1/tcp/80", other),
                                      text("/ip4/0.0.0.0/tcp/80", other),
                                      "dnsaddr=nonsense",
                                      "something else"};
  REQUIRE(discovery.receive(announced(lies), k_near, k_start));
  CHECK_FALSE(discovery.poll_event());
  CHECK(discovery.refusals().addresses == 7);
  REQUIRE(
      discovery.receive(announced({text("/ip4/192.168.1.6/tcp/1", peer_of(1))}), k_near, k_start));
  CHECK_FALSE(discovery.poll_event());

  // What is on this network is taken; loopback from ourselves; the sender's own public address.
  const auto own = rt::IpAddress::v4(192, 168, 1, 6);
  REQUIRE(discovery.receive(announced({text("/ip4/127.0.0.1/tcp/22", other)}), own, k_start));
  CHECK(discovery.poll_event()->addresses.size() == 1);
  const auto public_ip = rt::IpAddress::v4(8, 8, 8, 8);
  REQUIRE(
      discovery.receive(announced({text("/ip4/8.8.8.8/tcp/1", peer_of(10))}), public_ip, k_start));
  CHECK(discovery.poll_event()->source == public_ip);
}

TEST_CASE("hostile: peers of one sender, of all, and addresses of one peer are bounded") {
  auto config = config_of(1);
  config.peers_max = 20;
  config.packets_burst_max = 1000;
  Discovery discovery(config, k_start);
  for (std::uint8_t i = 0; i < 60; ++i) {
    const rt::IpAddress source = rt::IpAddress::v4(192, 168, 1, static_cast<std::uint8_t>(i / 30));
    REQUIRE(discovery.receive(
        announced({text("/ip4/192.168.1.7/tcp/1", peer_of(static_cast<std::uint8_t>(10 + i)))}),
        source, k_start));
  }
  CHECK(discovery.peers() == 20);
  CHECK(discovery.refusals().peers == 40);

  Discovery addresses(config_of(1), k_start);
  for (int i = 0; i < 40; ++i) {
    REQUIRE(addresses.receive(
        announced({text("/ip4/192.168.1.7/tcp/" + std::to_string(i + 1), peer_of(9))}), k_near,
        k_start));
  }
  std::size_t most = 0;
  while (const auto event = addresses.poll_event()) {
    most = event->addresses.size();
  }
  CHECK(most == config.addresses_max);
}

TEST_CASE("hostile: one packet costs few parsed addresses, whatever it repeats") {
  Discovery discovery(config_of(1), k_start);
  std::vector<std::string> texts(100, "dnsaddr=x");
  const auto plain = announced(texts);
  Bytes packet = plain;
  // The name of the answer, and the target that it points to (RFC 1035 section 4.1.4).
  const Bytes again{0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 120, 0, 2, 0xc0, 39};
  for (int i = 0; i < 200; ++i) {
    append(packet, again);
    ++packet[11];  // additional records
  }
  REQUIRE(decode(packet)->records.back().target == decode(plain)->records.front().target);
  REQUIRE(discovery.receive(packet, k_near, k_start));
  CHECK(discovery.refusals().addresses == 100);  // and not 201 times as many

  // Many instances share what a packet may cost.
  std::size_t learned = 0;
  texts.assign(80, "dnsaddr=x");
  texts.push_back(text("/ip4/192.168.1.7/tcp/1", peer_of(9)));
  REQUIRE(discovery.receive(announced(texts), k_near, k_start));
  while (discovery.poll_event()) {
    ++learned;
  }
  CHECK(learned == 0);
}

TEST_CASE("mdns: peers expire, and say goodbye from where they came only") {
  Discovery discovery(config_of(1), k_start);
  const auto packet = announced({text("/ip4/192.168.1.7/tcp/1", peer_of(9))});
  REQUIRE(discovery.receive(packet, k_near, k_start));
  REQUIRE(discovery.receive(packet, k_near, k_start));
  CHECK(discovery.poll_event());
  CHECK_FALSE(discovery.poll_event());
  const auto goodbye = announced({text("/ip4/192.168.1.7/tcp/1", peer_of(9))}, 0);
  REQUIRE(discovery.receive(goodbye, rt::IpAddress::v4(192, 168, 1, 99), k_start));
  CHECK_FALSE(discovery.poll_event());
  REQUIRE(discovery.receive(goodbye, k_near, k_start));
  CHECK(discovery.poll_event()->kind == Event::Kind::expired);
  REQUIRE(discovery.receive(packet, k_near, k_start));
  CHECK(discovery.poll_event()->kind == Event::Kind::discovered);
  (void)sent(discovery, k_start + 9min);
  CHECK(discovery.peers() == 1);
  (void)sent(discovery, k_start + 11min);
  CHECK(discovery.poll_event()->kind == Event::Kind::expired);
  CHECK(discovery.peers() == 0);
}

TEST_CASE("mdns: the question for all services is answered, malformed packets are counted") {
  Discovery discovery(config_of(1), k_start);
  REQUIRE(discovery.receive(encode_query(k_meta_service), k_near, k_start));
  bool answered = false;
  for (const auto& packet : sent(discovery, k_start + 2s)) {
    const auto message = decode(packet);
    answered = answered || (message->response && message->records[0].target == k_service);
  }
  CHECK(answered);
  CHECK_FALSE(discovery.receive(Bytes(5), k_near, k_start));
  CHECK(discovery.refusals().malformed == 1);
}
