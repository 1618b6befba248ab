#include "vivim/gateway/host_network.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "vivim/libp2p/limits/layers.hpp"
#include "vivim/libp2p/perf/service.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::gateway {

namespace {

/// A measurement takes no longer.
constexpr auto k_measuring_time_max = std::chrono::minutes(10);

std::string_view direction_of(libp2p::Direction direction) {
  return direction == libp2p::Direction::inbound ? "inbound" : "outbound";
}

double milliseconds(rt::Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

PeerStatus status_of(const libp2p::PeerInfo& peer) {
  PeerStatus status;
  status.id = peer.id.to_string();
  status.address = peer.address.to_string();
  status.direction = direction_of(peer.direction);
  status.connected_ms = static_cast<std::int64_t>(milliseconds(peer.connected));
  if (peer.rtt) {
    status.rtt_ms = milliseconds(*peer.rtt);
  }
  status.agent = peer.agent;
  status.protocols = peer.protocols;
  status.transport = peer.transport;
  status.security = peer.security;
  status.muxer = peer.muxer;
  status.limited = peer.limited;
  status.streams = static_cast<std::int64_t>(peer.streams);
  return status;
}

Problem bad_address(const Error& error) {
  return {.kind = ProblemKind::bad_input,
          .code = "bad_multiaddr",
          .message = "This is not an address of a node: " + error.message() + ".",
          .hint = "Addresses look like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW..."};
}

bool is_about_address(const Error& error) {
  return error.is(libp2p::HostError::no_peer_in_address) ||
         error.is(libp2p::HostError::unsupported_address) || error.is(libp2p::HostError::self_dial);
}

Problem not_connected(const std::string& peer) {
  return {.kind = ProblemKind::not_found,
          .code = "not_connected",
          .message = "There is no connection with " + peer + ".",
          .hint = "Connect first: vivim connect MULTIADDR. Who is connected: vivim peers"};
}

Problem no_answer(const Error& error) {
  return {.kind = ProblemKind::unavailable,
          .code = "no_answer",
          .message = "The peer did not answer: " + error.message() + ".",
          .hint = "Is it still connected? See: vivim peers"};
}

Problem not_measured(const Error& error) {
  if (error.is(libp2p::multistream::MultistreamError::none_supported)) {
    return {.kind = ProblemKind::refused,
            .code = "perf_not_offered",
            .message = "The peer does not let others measure the speed to it.",
            .hint = "There: put perf = true into config.toml, or run: vivim run --perf"};
  }
  return {.kind = ProblemKind::unavailable,
          .code = "not_measured",
          .message = "The measurement did not come to its end: " + error.message() + ".",
          .hint = "Try again with fewer bytes, or see who is connected: vivim peers"};
}

std::uint64_t used_of(const libp2p::limits::Usage& usage, libp2p::limits::Resource resource,
                      libp2p::Direction side) {
  using libp2p::limits::Resource;
  switch (resource) {
    case Resource::memory:
      return usage.memory_bytes;
    case Resource::file_descriptors:
      return usage.file_descriptors;
    case Resource::connections:
      return usage.connections.at(static_cast<std::size_t>(side));
    case Resource::streams:
      return usage.streams.at(static_cast<std::size_t>(side));
  }
  return 0;
}

/// The limit's own words name it, who asked, and what raises it.
Problem limit_reached(const libp2p::limits::ResourceManager& resources, const Error& error) {
  const auto& last = resources.last_refusal();
  const bool in_full =
      last && last->error().code() == error.code() && last->error().detail() == error.detail();
  return {
      .kind = ProblemKind::conflict,
      .code = "limit_reached",
      .message = "A limit was reached: " + (in_full ? last->to_string() : error.message()) + ".",
      .hint =
          "See what is in use: vivim swarm limits. Raise the limit in config.toml and start "
          "the node again, or disconnect from others: vivim disconnect PEER"};
}

Problem unreachable(const libp2p::limits::ResourceManager& resources, const Error& error) {
  if (libp2p::limits::is_limit_error(error)) {
    return limit_reached(resources, error);
  }
  return {.kind = ProblemKind::unavailable,
          .code = "peer_unreachable",
          .message = "Could not connect: " + error.message() + ".",
          .hint = "Does the other node run, and is its address right? There: vivim status"};
}

}  // namespace

HostNetwork::HostNetwork(libp2p::Host& host, crypto::Ed25519PublicKey public_key, EventHub& events)
    : host_(host),
      public_key_(public_key),
      events_(events),
      watching_(host.subscribe([this](const libp2p::HostEvent& event) { on_event(event); })) {}

void HostNetwork::on_event(const libp2p::HostEvent& event) {
  using Kind = libp2p::HostEvent::Kind;
  if (!event.peer) {
    return;
  }
  const auto peer = event.peer->to_string();
  if (event.kind == Kind::connected && event.connections_left == 1) {
    events_.publish(
        peer_connected_event(peer, event.remote.to_string(), direction_of(event.direction)));
  } else if (event.kind == Kind::disconnected) {
    const auto reason = event.reason.value_or(libp2p::CloseReason());
    if (event.connections_left == 0) {
      events_.publish(peer_disconnected_event(peer, to_string(reason.cause), reason.to_string()));
    }
    remember_end(event, reason);
  }
}

void HostNetwork::remember_end(const libp2p::HostEvent& event, const libp2p::CloseReason& reason) {
  if (ended_.size() >= k_ended_connections_max) {
    ended_.pop_back();
  }
  ended_.push_front({.at = host_.loop().clock().now(),
                     .connection = {.peer_id = event.peer->to_string(),
                                    .address = event.remote.to_string(),
                                    .direction = std::string(direction_of(event.direction)),
                                    .transport = event.transport,
                                    .cause = std::string(to_string(reason.cause)),
                                    .reason = reason.to_string()}});
}

Co<Outcome<NodeIdentity>> HostNetwork::identity() {
  NodeIdentity identity{
      .peer_id = host_.peer_id().to_string(), .public_key = to_hex(public_key_), .addresses = {}};
  for (const auto& address : host_.listen_addresses()) {
    identity.addresses.push_back(address.to_string());
  }
  co_return std::move(identity);
}

Co<Outcome<PeersStatus>> HostNetwork::peers() {
  PeersStatus status;
  for (const auto& peer : host_.peers()) {
    status.peers.push_back(status_of(peer));
  }
  const auto now = host_.loop().clock().now();
  for (const auto& [at, connection] : ended_) {
    status.ended.push_back(connection);
    status.ended.back().ended_ms = static_cast<std::int64_t>(milliseconds(now - at));
  }
  co_return std::move(status);
}

Co<Outcome<std::string>> HostNetwork::connect(std::string multiaddr) {
  auto address = multiformats::Multiaddr::parse(multiaddr);
  if (!address) {
    co_return std::unexpected(bad_address(address.error()));
  }
  const auto peer = co_await host_.connect(std::move(*address));
  if (!peer) {
    co_return std::unexpected(is_about_address(peer.error())
                                  ? bad_address(peer.error())
                                  : unreachable(host_.resources(), peer.error()));
  }
  co_return peer->to_string();
}

Co<Outcome<multiformats::PeerId>> HostNetwork::reach(std::string peer) {
  if (peer.starts_with('/')) {
    VIVIM_CO_TRYV(co_await connect(peer));
    co_return *multiformats::Multiaddr::parse(peer)->peer();
  }
  const auto id = multiformats::PeerId::parse(peer);
  if (!id) {
    co_return std::unexpected(bad_address(id.error()));
  }
  const auto reached = co_await host_.connect(*id, {});  // also where it was seen before
  if (!reached) {
    co_return std::unexpected(reached.error().is(libp2p::HostError::no_addresses)
                                  ? not_connected(peer)
                                  : unreachable(host_.resources(), reached.error()));
  }
  co_return *id;
}

Co<Outcome<void>> HostNetwork::disconnect(std::string peer_id) {
  const auto id = multiformats::PeerId::parse(peer_id);
  if (!id) {
    co_return std::unexpected(bad_address(id.error()));
  }
  const auto peers = host_.peers();
  if (std::ranges::find(peers, *id, &libp2p::PeerInfo::id) == peers.end()) {
    co_return std::unexpected(not_connected(peer_id));
  }
  host_.disconnect(*id);
  co_return Outcome<void>{};
}

Co<Outcome<LimitsStatus>> HostNetwork::limits() {
  using libp2p::Direction;
  using libp2p::limits::Resource;
  using libp2p::limits::Scope;
  const auto& resources = host_.resources();
  auto limits = resources.limits();
  LimitsStatus status;
  const auto add = [&](Scope scope, Resource resource, Direction side) {
    if (!libp2p::limits::is_counted(resource, scope, side)) {
      return;
    }
    LimitStatus row;
    row.key = libp2p::limits::config_key(resource, scope, side);
    row.scope = libp2p::limits::to_string(scope);
    row.resource = row.key.substr(row.key.rfind('.') + 1);
    const auto limit = *libp2p::limits::find_limit(limits, row.scope, row.resource);
    row.limit = limit == libp2p::limits::k_unlimited ? std::nullopt : std::optional(limit);
    row.refused = resources.refusals(resource, scope, side);
    if (scope == Scope::system) {
      row.used = used_of(resources.system(), resource, side);
    } else if (scope == Scope::transient) {
      row.used = used_of(resources.transient(), resource, side);
    }
    status.limits.push_back(std::move(row));
  };
  for (const auto scope : libp2p::limits::k_scopes) {
    add(scope, Resource::memory, Direction::inbound);
    add(scope, Resource::file_descriptors, Direction::inbound);
    for (const auto resource : {Resource::connections, Resource::streams}) {
      add(scope, resource, Direction::inbound);
      add(scope, resource, Direction::outbound);
    }
  }
  for (const auto& layer : libp2p::limits::list_layer_limits(limits)) {
    status.layers.push_back({.what = std::string(layer.what),
                             .limit = layer.limit,
                             .follows_from = std::string(layer.follows_from)});
  }
  if (const auto& refusal = resources.last_refusal()) {
    status.last_refusal = refusal->to_string();
  }
  co_return std::move(status);
}

Co<Outcome<PingStatus>> HostNetwork::ping(std::string peer) {
  VIVIM_CO_TRY(const auto id, co_await reach(std::move(peer)));
  const auto rtt = co_await host_.ping(id);
  if (!rtt) {
    co_return std::unexpected(no_answer(rtt.error()));
  }
  co_return PingStatus{.peer_id = id.to_string(), .rtt_ms = milliseconds(*rtt)};
}

Co<Outcome<Throughput>> HostNetwork::measure(std::string peer, std::uint64_t upload_bytes,
                                             std::uint64_t download_bytes) {
  VIVIM_CO_TRY(const auto id, co_await reach(std::move(peer)));
  const std::array protocol{std::string(libp2p::perf::k_protocol_id)};
  auto opened = co_await host_.open_stream(id, protocol);
  if (!opened) {
    co_return std::unexpected(not_measured(opened.error()));
  }
  rt::Stream& stream = *opened->stream;
  rt::Deadline deadline(host_.loop(), k_measuring_time_max, [&stream] { stream.reset(0); });
  const auto measured = co_await libp2p::perf::measure(
      stream, host_.loop().clock(),
      {.upload_bytes = upload_bytes, .download_bytes = download_bytes});
  co_await deadline.finish();
  if (!measured) {
    stream.reset(0);
    co_return std::unexpected(not_measured(measured.error()));
  }
  co_return Throughput{.peer_id = id.to_string(),
                       .upload_bytes = measured->uploaded_bytes,
                       .download_bytes = measured->downloaded_bytes,
                       .upload_s = measured->upload_seconds(),
                       .download_s = measured->download_seconds()};
}

}  // namespace vivim::gateway
