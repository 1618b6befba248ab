// The streams of a host: those that peers open for its handlers, and those that it opens.
#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/libp2p/host/reserved_stream_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

Result<void> Host::handle(std::string protocol, Handler handler, HandleOptions options) {
  VIVIM_ASSERT(multistream::is_valid_protocol(protocol));
  if (!handlers_.contains(protocol) && handlers_.size() >= k_protocols_max) {
    return fail(HostError::too_many_protocols, k_protocols_max);
  }
  handlers_[std::move(protocol)] =
      std::make_shared<const Served>(Served{.handler = std::move(handler), .options = options});
  update_protocols();
  return {};
}

void Host::unhandle(const std::string& protocol) {
  handlers_.erase(protocol);
  update_protocols();
}

void Host::update_protocols() {
  std::vector<std::string> names;
  for (const auto& [name, handler] : handlers_) {
    names.push_back(name);
  }
  protocols_ = multistream::make_protocol_list(std::move(names));
  note_change();
}

rt::Co<void> Host::accept_streams(Peer& peer) {
  while (auto stream = co_await peer.connection->accept()) {
    auto reservation = resources_->open_stream(Direction::inbound, peer.id);
    if (!reservation) {
      count_refused_stream("limit");
      stream->reset(to_value(ResetCode::limit_exceeded));
      continue;
    }
    InboundStream about{.stream = nullptr,
                        .peer = peer.id,
                        .protocol = {},
                        .remote = peer.remote,
                        .limited = peer.limited,
                        .local = peer.local};
    streams_.spawn("stream", serve_stream(agree_on_stream(std::move(stream), std::move(about),
                                                          std::move(*reservation))));
  }
}

std::unique_ptr<rt::Stream> Host::hold(std::unique_ptr<rt::Stream> stream,
                                       limits::Reservation reservation, Direction direction,
                                       const std::string& protocol) {
  count_stream(direction, protocol);
  auto& read = metrics_->series(k_stream_bytes, {{"way", "read"}, {"protocol", protocol}});
  auto& written = metrics_->series(k_stream_bytes, {{"way", "written"}, {"protocol", protocol}});
  return std::make_unique<ReservedStream>(
      std::move(stream), StreamCounters{.resources = resources_, .metrics = metrics_},
      std::move(reservation), read, written);
}

/// What the agreement needs is gone while its handler runs: a task keeps the frames of what it
/// awaits.
rt::Co<void> Host::serve_stream(rt::Co<Serving> agreeing) {
  Serving serving = co_await std::move(agreeing);
  if (serving.running) {
    co_await std::move(*serving.running);
  }
}

rt::Co<Host::Serving> Host::agree_on_stream(std::unique_ptr<rt::Stream> stream, InboundStream about,
                                            limits::Reservation reservation) {
  rt::Stream* const raw = stream.get();
  std::optional<Watchdog::Guard> guard;
  guard.emplace(watchdog_, loop_.clock().now() + times_.negotiation_max,
                [raw] { raw->reset(to_value(ResetCode::negotiation_failed)); });
  auto agreement = co_await agree(*stream, protocols_);
  const bool expired = guard->expired();
  guard.reset();
  if (!agreement || expired) {
    count_refused_stream(expired ? "negotiation_timeout" : "negotiation_failed");
    stream->reset(to_value(ResetCode::negotiation_failed));
    co_return Serving{};
  }
  const auto found = handlers_.find(agreement->protocol);
  if (found == handlers_.end() ||  // taken back meanwhile
      (about.limited && !found->second->options.allow_limited)) {
    count_refused_stream("not_served");
    stream->reset(to_value(ResetCode::negotiation_failed));
    co_return Serving{};
  }
  if (!reservation.assign_protocol(agreement->protocol)) {
    count_refused_stream("limit");
    stream->reset(to_value(ResetCode::limit_exceeded));
    co_return Serving{};
  }
  Serving serving{.served = found->second};
  about.stream = hold(with_early_bytes(std::move(stream), std::move(agreement->early)),
                      std::move(reservation), Direction::inbound, agreement->protocol);
  about.protocol = std::move(agreement->protocol);
  serving.running = serving.served->handler(std::move(about));
  co_return serving;
}

rt::Co<Result<OpenedStream>> Host::open_stream(PeerId peer, std::span<const std::string> protocols,
                                               StreamOptions options) {
  VIVIM_ASSERT(!protocols.empty());
  const Call call(*this);
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  Peer* const found = best_connection(peer, options);
  if (found == nullptr) {
    co_return fail(HostError::not_connected);
  }
  co_return co_await open_on(*found, {protocols.begin(), protocols.end()}, options);
}

rt::Co<Result<OpenedStream>> Host::open_on(Peer& peer, std::vector<std::string> protocols,
                                           StreamOptions options) {
  VIVIM_CO_TRY(auto reservation, resources_->open_stream(Direction::outbound, peer.id));
  VIVIM_CO_TRY(auto stream, peer.connection->open_stream());
  auto known = std::ranges::find_first_of(protocols, peer.info.protocols);
  if (known == protocols.end() && options.assume_spoken && peer.info.protocols.empty()) {
    known = protocols.begin();
  }
  if (known != protocols.end()) {
    VIVIM_CO_TRYV(reservation.assign_protocol(*known));
    VIVIM_CO_TRY(auto opened, co_await propose_optimistically(std::move(stream), *known));
    co_return OpenedStream{
        .stream = hold(std::move(opened), std::move(reservation), Direction::outbound, *known),
        .protocol = *known};
  }
  // `peer` may be gone after this.
  rt::Stream* const raw = stream.get();
  const auto guard = watchdog_.arm(times_.negotiation_max,
                                   [raw] { raw->reset(to_value(ResetCode::negotiation_failed)); });
  auto agreement = co_await propose(*stream, std::move(protocols));
  if (!agreement) {
    stream->reset(to_value(ResetCode::negotiation_failed));
    co_return guard.expired() ? Result<OpenedStream>(fail(HostError::negotiation_timeout))
                              : Result<OpenedStream>(fail(agreement.error()));
  }
  if (const auto assigned = reservation.assign_protocol(agreement->protocol); !assigned) {
    stream->reset(to_value(ResetCode::limit_exceeded));
    co_return fail(assigned.error());
  }
  stream = with_early_bytes(std::move(stream), std::move(agreement->early));
  stream =
      hold(std::move(stream), std::move(reservation), Direction::outbound, agreement->protocol);
  co_return OpenedStream{.stream = std::move(stream), .protocol = std::move(agreement->protocol)};
}

}  // namespace vivim::libp2p
