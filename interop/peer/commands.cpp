#include "interop/peer/commands.hpp"

#include <utility>

#include <boost/json/array.hpp>

#include "interop/peer/allocations.hpp"
#include "interop/peer/kad.hpp"

namespace vivim::interop {

namespace {

namespace json = boost::json;
using libp2p::PeerId;

constexpr auto k_poll_interval = std::chrono::milliseconds(20);
constexpr std::uint64_t k_patience_ms = 30'000;

template <class Items>
json::array texts(const Items& items) {
  json::array all;
  for (const auto& item : items) {
    if constexpr (std::is_same_v<std::decay_t<decltype(item)>, std::string>) {
      all.emplace_back(item);
    } else {
      all.emplace_back(item.to_string());
    }
  }
  return all;
}

rt::Co<Result<json::object>> listen(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto address, address_of(asked));
  VIVIM_CO_TRYV(node.host().listen(address));
  if (node.choice().mdns) {
    VIVIM_CO_TRYV(node.start_mdns());
  }
  co_return json::object{{"addrs", texts(node.host().listen_addresses())}};
}

rt::Co<Result<json::object>> ping(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  VIVIM_CO_TRY(const auto rtts, co_await node.host().ping(peer, number_of(asked, "count", 1)));
  json::array times;
  for (const auto rtt : rtts) {
    times.emplace_back(std::chrono::duration<double, std::milli>(rtt).count());
  }
  co_return json::object{{"ms", std::move(times)}};
}

std::optional<libp2p::PeerInfo> identified(const libp2p::Host& host, const PeerId& peer) {
  for (const auto& info : host.peers()) {
    if (info.id == peer && !info.agent.empty()) {
      return info;
    }
  }
  return std::nullopt;
}

// Waits until `check` gives something, at most as long as the request says.
template <class Check>
auto wait_for(Node& node, const json::object& asked, Check check) -> rt::Co<decltype(check())> {
  const auto end = node.loop().clock().now() +
                   std::chrono::milliseconds(number_of(asked, "timeoutMs", k_patience_ms));
  for (;;) {
    auto found = check();
    if (found || node.loop().clock().now() >= end) {
      co_return found;
    }
    co_await rt::sleep_for(node.loop(), k_poll_interval);
  }
}

rt::Co<Result<json::object>> identify(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  const auto info = co_await wait_for(node, asked, [&] { return identified(node.host(), peer); });
  if (!info) {
    co_return fail(PeerError::not_identified);
  }
  co_return json::object{{"agent", info->agent},
                         {"protocols", texts(info->protocols)},
                         {"listenAddrs", texts(info->listen_addresses)}};
}

rt::Co<Result<json::object>> peers(Node& node) {
  json::array all;
  for (const auto& info : node.host().peers()) {
    all.push_back(tell(info));
  }
  co_return json::object{{"peers", std::move(all)}};
}

rt::Co<Result<json::object>> reserve(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto address, address_of(asked));
  const auto relay = address.peer();
  if (!relay) {
    co_return fail(PeerError::bad_request);
  }
  VIVIM_CO_TRY(const auto tail, libp2p::Multiaddr::parse("/p2p-circuit"));
  VIVIM_CO_TRY(const auto circuit, address.with(tail));
  VIVIM_CO_TRYV(node.host().listen(circuit));
  if (!co_await wait_for(node, asked, [&] { return node.reserved(*relay); })) {
    co_return fail(PeerError::not_found);
  }
  VIVIM_CO_TRY(const auto own, circuit.with_peer(node.host().peer_id()));
  co_return json::object{{"addrs", json::array{json::value(own.to_string())}}};
}

std::optional<libp2p::PeerInfo> direct_connection(const libp2p::Host& host, const PeerId& peer) {
  for (const auto& info : host.peers()) {
    if (info.id == peer && !info.address.has(multiformats::Protocol::p2p_circuit)) {
      return info;
    }
  }
  return std::nullopt;
}

rt::Co<Result<json::object>> direct(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  const auto info =
      co_await wait_for(node, asked, [&] { return direct_connection(node.host(), peer); });
  if (!info) {
    co_return fail(PeerError::not_found);
  }
  co_return json::object{{"remote", info->address.to_string()}};
}

rt::Co<Result<json::object>> mdns(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  const auto* const found = co_await wait_for(node, asked, [&] { return node.discovered(peer); });
  if (found == nullptr) {
    co_return fail(PeerError::not_found);
  }
  co_return json::object{{"addrs", texts(*found)}};
}

rt::Co<Result<json::object>> autonat(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  auto* const client = node.services().autonat();
  if (client == nullptr) {
    co_return fail(PeerError::bad_request);
  }
  if (const auto candidate = text_of(asked, "candidate")) {
    VIVIM_CO_TRY(auto address, libp2p::Multiaddr::parse(*candidate));
    node.services().ask_about(std::move(address));
  }
  VIVIM_CO_TRY(const auto finding, co_await client->ask(peer));
  co_return json::object{{"reachable", finding.reachable}, {"about", finding.address.to_string()}};
}

// `port` of the host, mapped at the router from now on.
rt::Co<Result<json::object>> map_port(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto protocol, text_of(asked, "by"));
  const libp2p::portmap::Port port{
      .protocol = node.choice().transport == "quic-v1" ? libp2p::portmap::Port::Protocol::udp
                                                       : libp2p::portmap::Port::Protocol::tcp,
      .number = static_cast<std::uint16_t>(number_of(asked, "port", 0))};
  const std::chrono::seconds lifetime(number_of(asked, "seconds", 3600));
  VIVIM_CO_TRY(const auto* const service, node.services().map_port(port, protocol, lifetime));
  if (!co_await wait_for(node, asked, [&] { return !service->mappings().empty(); })) {
    co_return fail(service->last_error().value_or(Error(PeerError::not_found)));
  }
  const libp2p::portmap::Grant grant = service->mappings().front().grant;
  const rt::Endpoint external{.ip = grant.external_ip, .port = grant.external_port};
  co_return json::object{{"external", external.to_string()}, {"seconds", grant.lifetime.count()}};
}

rt::Co<Result<json::object>> enroll(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  VIVIM_CO_TRY(auto space, text_of(asked, "namespace"));
  VIVIM_CO_TRY(const auto ttl,
               co_await node.services().rendezvous().enroll(peer, std::move(space)));
  co_return json::object{{"ttl", ttl.count()}};
}

rt::Co<Result<json::object>> discover(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  VIVIM_CO_TRY(auto space, text_of(asked, "namespace"));
  VIVIM_CO_TRY(const auto found,
               co_await node.services().rendezvous().discover(peer, {.ns = std::move(space)}));
  json::array peers;
  for (const auto& one : found.peers) {
    peers.emplace_back(one.peer.to_string());
  }
  co_return json::object{{"peers", std::move(peers)}};
}

rt::Co<Result<json::object>> perf(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  const auto begin = node.loop().clock().now();
  VIVIM_CO_TRYV(
      co_await libp2p::perf::measure(node.host(), node.loop().clock(), peer,
                                     {.upload_bytes = number_of(asked, "upload", 0),
                                      .download_bytes = number_of(asked, "download", 0)}));
  const std::chrono::duration<double> took = node.loop().clock().now() - begin;
  co_return json::object{{"seconds", took.count()}};
}

rt::Co<Result<json::object>> load_join(Node& node, Held& held, json::object asked) {
  VIVIM_CO_TRY(held.load, co_await PubsubLoad::join(node, std::move(asked)));
  co_return json::object{};
}

rt::Co<Result<json::object>> load(Held& held, json::object asked) {
  if (!held.load) {
    co_return fail(PeerError::bad_request);
  }
  co_return co_await held.load->run(std::move(asked));
}

rt::Co<Result<json::object>> count_allocations() {
  co_return json::object{{"count", allocations()}};
}

rt::Co<Result<json::object>> disconnect(Node& node, json::object asked) {
  VIVIM_CO_TRY(const auto peer, peer_of(asked));
  node.host().disconnect(peer);
  co_return json::object{};
}

}  // namespace

rt::Co<void> Held::stop() {
  streams.clear();
  if (load) {
    co_await load->stop();
  }
  for (auto& host : hosts) {
    co_await host->stop();
  }
  hosts.clear();
}

rt::Co<Result<json::object>> run_command(Node& node, Held& held, json::object asked) {
  const auto command = text_of(asked, "cmd").value_or("");
  if (command.starts_with("pubsub-")) {
    co_return run_pubsub(node, command, asked);
  }
  using Run = rt::Co<Result<json::object>> (*)(Node&, Held&, json::object);
  static constexpr std::pair<std::string_view, Run> k_commands[] = {
      {"listen", [](Node& of, Held&, json::object a) { return listen(of, std::move(a)); }},
      {"dial", [](Node& of, Held&, json::object a) { return of.dial(std::move(a)); }},
      {"peers", [](Node& of, Held&, json::object) { return peers(of); }},
      {"ping", [](Node& of, Held&, json::object a) { return ping(of, std::move(a)); }},
      {"identify", [](Node& of, Held&, json::object a) { return identify(of, std::move(a)); }},
      {"bulk", [](Node& of, Held&, json::object a) { return run_bulk_command(of, std::move(a)); }},
      {"perf", [](Node& of, Held&, json::object a) { return perf(of, std::move(a)); }},
      {"relay-reserve", [](Node& of, Held&, json::object a) { return reserve(of, std::move(a)); }},
      {"direct", [](Node& of, Held&, json::object a) { return direct(of, std::move(a)); }},
      {"mdns", [](Node& of, Held&, json::object a) { return mdns(of, std::move(a)); }},
      {"autonat", [](Node& of, Held&, json::object a) { return autonat(of, std::move(a)); }},
      {"map-port", [](Node& of, Held&, json::object a) { return map_port(of, std::move(a)); }},
      {"rendezvous-register",
       [](Node& of, Held&, json::object a) { return enroll(of, std::move(a)); }},
      {"rendezvous-discover",
       [](Node& of, Held&, json::object a) { return discover(of, std::move(a)); }},
      {"disconnect", [](Node& of, Held&, json::object a) { return disconnect(of, std::move(a)); }},
      {"allocations", [](Node&, Held&, json::object) { return count_allocations(); }},
      {"gossip-join",
       [](Node& of, Held& by, json::object a) { return load_join(of, by, std::move(a)); }},
      {"gossip-load", [](Node&, Held& by, json::object a) { return load(by, std::move(a)); }},
      {"connect-rate",
       [](Node& of, Held&, json::object a) { return run_connect_rate(of, std::move(a)); }},
      {"dial-many",
       [](Node& of, Held& by, json::object a) { return run_dial_many(of, by, std::move(a)); }},
      {"open-streams",
       [](Node& of, Held& by, json::object a) { return run_open_streams(of, by, std::move(a)); }}};
  for (const auto& [name, run] : k_commands) {
    if (name == command) {
      co_return co_await run(node, held, std::move(asked));
    }
  }
  if (command.starts_with("kad-")) {
    co_return co_await run_kad_command(node, command, std::move(asked));
  }
  co_return fail(PeerError::no_such_command);
}

}  // namespace vivim::interop
