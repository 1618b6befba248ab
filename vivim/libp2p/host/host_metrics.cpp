// What a host counts.
#include <array>
#include <utility>

#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/libp2p/host/reserved_stream_detail.hpp"

namespace vivim::libp2p {

namespace {

using metrics::Type;

constexpr std::string_view k_opened = "libp2p_connections_opened_total";
constexpr std::string_view k_closed = "libp2p_connections_closed_total";
constexpr std::string_view k_failed = "libp2p_inbound_failed_total";
constexpr std::string_view k_dials = "libp2p_dials_total";
constexpr std::string_view k_streams = "libp2p_streams_opened_total";
constexpr std::string_view k_identify = "libp2p_identify_total";
constexpr std::string_view k_pings = "libp2p_pings_total";
constexpr std::string_view k_refused = "libp2p_refused_total";
constexpr std::string_view k_connections = "libp2p_connections";
constexpr std::string_view k_in_use = "libp2p_resources_in_use";
constexpr std::string_view k_known = "libp2p_peers_known";

/// "io:refused": the error without its details, so that there are few.
std::string label_of(const Error& error) {
  const ErrorDomain& domain = error.domain();
  return std::string(domain.name) + ":" + std::string(domain.describe(error.code()).name);
}

void render_refusals(metrics::Registry& registry, const limits::ResourceManager& resources) {
  registry.clear(k_refused);
  for (const auto resource : limits::k_resources) {
    for (const auto scope : limits::k_scopes) {
      for (const auto side : {Direction::inbound, Direction::outbound}) {
        if (const auto count = resources.refusals(resource, scope, side); count > 0) {
          registry
              .series(k_refused, {{"resource", limits::to_string(resource)},
                                  {"scope", limits::to_string(scope)},
                                  {"side", to_string(side)}})
              .set(count);
        }
      }
    }
  }
}

void render_usage(metrics::Registry& registry, const limits::Usage& usage) {
  const auto set = [&](std::string_view resource, std::uint64_t value) {
    registry.series(k_in_use, {{"resource", resource}}).set(value);
  };
  set("memory", usage.memory_bytes);
  set("file_descriptors", usage.file_descriptors);
  set("connections_inbound", usage.connections[0]);
  set("connections_outbound", usage.connections[1]);
  set("streams_inbound", usage.streams[0]);
  set("streams_outbound", usage.streams[1]);
}

}  // namespace

void Host::declare_metrics() {
  metrics_->declare(k_opened, Type::counter, "connections that were secured");
  metrics_->declare(k_closed, Type::counter,
                    "connections that ended, by cause, and by the code that one side told");
  metrics_->declare(k_failed, Type::counter, "inbound connections that got nowhere, by error");
  metrics_->declare(k_dials, Type::counter, "addresses dialled, by result");
  metrics_->declare(k_streams, Type::counter, "streams with an agreed protocol");
  metrics_->declare(k_stream_bytes, Type::counter, "bytes of streams, by protocol");
  metrics_->declare(k_streams_refused, Type::counter,
                    "streams of peers that were not served, by reason");
  metrics_->declare(k_stream_resets, Type::counter, "streams that were reset, by reason");
  metrics_->declare(k_identify, Type::counter, "what peers told of themselves, by result");
  metrics_->declare(k_pings, Type::counter, "round trips measured with ping, by result");
  metrics_->declare(k_refused, Type::counter, "what limits refused");
  metrics_->declare(k_connections, Type::gauge, "connections that are open");
  metrics_->declare(k_in_use, Type::gauge, "what counts against the limits of the node");
  metrics_->declare(k_known, Type::gauge, "peers that are remembered");
}

void Host::count_connected(const Peer& peer) {
  metrics_
      ->series(k_opened, {{"direction", to_string(peer.direction)}, {"transport", peer.transport}})
      .add();
}

void Host::count_closed(const CloseReason& reason) {
  const auto code = reason.told();
  if (code == CloseCode::none) {
    metrics_->series(k_closed, {{"cause", to_string(reason.cause)}}).add();
  } else {
    metrics_
        ->series(k_closed, {{"cause", to_string(reason.cause)}, {"code", close_code_name(code)}})
        .add();
  }
}

void Host::count_failed(const Error& error) {
  metrics_->series(k_failed, {{"error", label_of(error)}}).add();
}

void Host::count_dial(const std::optional<Error>& error) {
  metrics_->series(k_dials, {{"result", error ? label_of(*error) : "ok"}}).add();
}

void Host::count_stream(Direction direction, const std::string& protocol) {
  metrics_->series(k_streams, {{"direction", to_string(direction)}, {"protocol", protocol}}).add();
}

void Host::count_refused_stream(std::string_view reason) {
  metrics_->series(k_streams_refused, {{"reason", reason}}).add();
}

void Host::count_muxer_refusals(Peer& peer) const {
  const auto all = peer.connection->refused_streams();
  if (const auto more = all - std::exchange(peer.refused_streams_counted, all); more > 0) {
    metrics_->series(k_streams_refused, {{"reason", "too_many_of_connection"}}).add(more);
  }
}

void Host::count_identify(std::string_view how, const std::optional<Error>& error) {
  metrics_->series(k_identify, {{"how", how}, {"result", error ? label_of(*error) : "ok"}}).add();
}

void Host::count_ping(const std::optional<Error>& error) {
  metrics_->series(k_pings, {{"result", error ? label_of(*error) : "ok"}}).add();
}

Subscription Host::publish(std::function<void(metrics::Registry&)> source) {
  const std::uint64_t id = next_id_++;
  sources_.emplace(id, std::move(source));
  return Subscription([this, id] { sources_.erase(id); });
}

std::string Host::metrics_text() const {
  metrics_->clear(k_connections);
  for (const auto& [id, peer] : peers_) {
    metrics_
        ->series(k_connections, {{"direction", to_string(peer->direction)},
                                 {"transport", peer->transport},
                                 {"security", peer->security},
                                 {"muxer", peer->muxer}})
        .add();
    count_muxer_refusals(*peer);
  }
  metrics_->series(k_known).set(store_.size());
  render_refusals(*metrics_, *resources_);
  render_usage(*metrics_, resources_->system());
  for (const auto& [id, source] : sources_) {
    source(*metrics_);
  }
  return metrics_->render();
}

}  // namespace vivim::libp2p
