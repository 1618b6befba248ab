// Attacks on what a node does for others.
#include <array>

#include "stress/attack.hpp"
#include "vivim/libp2p/autonat/message.hpp"
#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/identify/identify.hpp"
#include "vivim/libp2p/relay/message.hpp"
#include "vivim/libp2p/rendezvous/message.hpp"

namespace vivim::stress {

namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr int k_requests = 50;
constexpr std::size_t k_answer_bytes = 4096;

/// Asks on a stream of its own; what is answered does not matter.
rt::Co<void> ask(Ground& ground, libp2p::Host& host, std::string_view protocol, Bytes request) {
  const std::vector<std::string> protocols{std::string(protocol)};
  const auto opened = co_await host.open_stream(ground.target().peer, protocols);
  if (!opened) {
    co_return;
  }
  const auto guard = ground.fuse(*opened->stream, 500ms);
  Bytes answer(k_answer_bytes);
  if (co_await opened->stream->write(request) && co_await opened->stream->close_write()) {
    (void)co_await opened->stream->read_some(answer);
  }
}

using Request = Bytes (*)(Ground&, int);

/// As one peer, the same kind of request many times.
rt::Co<void> ask_often(Ground& ground, std::string_view protocol, Request request) {
  const auto host = co_await ground.join();
  if (!host) {
    co_return;
  }
  for (int i = 0; i < k_requests && !ground.over(); ++i) {
    co_await ask(ground, *host, protocol, request(ground, i));
  }
  co_await host->stop();
}

Multiaddr random_address(Ground& ground) {
  std::array<std::uint8_t, 4> ip{};
  ground.rng().fill(ip);
  const auto text = rt::IpAddress::v4(ip[0], ip[1], ip[2], ip[3]).to_string();
  return Multiaddr::from_tcp(text, 4001).value();
}

rt::Co<void> identify_storm(Ground& ground) {
  co_await ask_often(ground, libp2p::identify::k_push_protocol_id, [](Ground& of, int number) {
    libp2p::identify::Info news;
    news.agent_version = "storm/" + std::to_string(number);
    for (int i = 0; i < 100; ++i) {
      news.protocols.push_back("/storm/" + std::to_string(number) + "/" + std::to_string(i));
      news.listen_addresses.push_back(random_address(of));
    }
    return libp2p::identify::encode(news).value();
  });
}

// Reserves, and has circuits opened: to somebody who reserved, to nobody; and requests that end
// in their middle.
rt::Co<void> relay_abuse(Ground& ground) {
  using libp2p::relay::HopMessage;
  co_await ask_often(ground, libp2p::relay::k_hop_protocol_id, [](Ground& of, int number) {
    HopMessage message{.type =
                           number % 4 == 0 ? HopMessage::Type::reserve : HopMessage::Type::connect};
    if (message.type == HopMessage::Type::connect) {
      message.peer = number % 2 == 0 ? of.target().bystander : of.target().peer;
    }
    auto bytes = libp2p::delimited(encode(message));
    if (number % 8 == 7) {
      bytes.pop_back();
    }
    return bytes;
  });
}

// Wants others dialled, and pays nothing for it.
rt::Co<void> autonat_amplification(Ground& ground) {
  namespace autonat = libp2p::autonat;
  const bool old = ground.rng().below(2) == 0;
  co_await ask_often(ground, old ? autonat::k_v1_protocol_id : autonat::k_dial_request_protocol_id,
                     old ? Request([](Ground& of, int) {
                       autonat::v1::Dial dial{.peer = of.target().bystander, .addresses = {}};
                       for (int i = 0; i < 16; ++i) {
                         dial.addresses.push_back(random_address(of));
                       }
                       return libp2p::delimited(autonat::v1::encode(dial));
                     })
                         : Request([](Ground& of, int) {
                             autonat::v2::DialRequest dial{.addresses = {},
                                                           .nonce = of.rng().u64()};
                             for (int i = 0; i < 16; ++i) {
                               dial.addresses.push_back(random_address(of));
                             }
                             return libp2p::delimited(autonat::v2::encode(dial));
                           }));
}

rt::Co<void> rendezvous_flood(Ground& ground) {
  namespace rendezvous = libp2p::rendezvous;
  co_await ask_often(ground, rendezvous::k_protocol_id, [](Ground& of, int number) {
    Bytes record(1024);
    of.rng().fill(record);
    return libp2p::delimited(rendezvous::encode(
        rendezvous::Register{.ns = "flood-" + std::to_string(number), .record = record}));
  });
}

constexpr std::array<Attack, 4> k_service_attacks{
    {{"identify storm", identify_storm, 4},
     {"relay abuse", relay_abuse, 4},
     {"AutoNAT amplification", autonat_amplification, 4},
     {"rendezvous flood", rendezvous_flood, 4}}};

}  // namespace

std::span<const Attack> service_attacks() {
  return k_service_attacks;
}

}  // namespace vivim::stress
