// The protocols that every host speaks; and ping.
#include <algorithm>
#include <array>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/libp2p/ping/ping.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

/// Echoes payloads until the peer has enough.
rt::Co<void> answer_ping(InboundStream inbound) {
  ping::Responder responder;
  std::array<std::uint8_t, ping::k_payload_bytes> buffer{};
  for (;;) {
    const auto count = co_await inbound.stream->read_some(buffer);
    if (!count || *count == 0) {
      break;
    }
    BytesView in = BytesView(buffer).first(*count);
    while (!in.empty()) {
      in = in.subspan(responder.feed(in));
      if (const auto payload = responder.echo()) {
        if (!co_await inbound.stream->write(*payload)) {
          co_return;
        }
      }
    }
  }
  (void)co_await inbound.stream->close_write();
}

rt::Co<Result<rt::Duration>> ping_once(rt::Stream& stream, const ping::Payload& payload,
                                       rt::Clock& clock) {
  ping::Pinger pinger;
  VIVIM_CO_TRYV(pinger.begin(payload, clock.now().time_since_epoch()));
  VIVIM_CO_TRYV(co_await stream.write(payload));
  std::array<std::uint8_t, ping::k_payload_bytes> buffer{};
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return fail(rt::RtError::end_of_stream);
    }
    VIVIM_CO_TRY(const auto rtt,
                 pinger.feed(BytesView(buffer).first(count), clock.now().time_since_epoch()));
    if (rtt) {
      co_return *rtt;
    }
  }
}

}  // namespace

void Host::add_services() {
  const auto add = [this](std::string_view protocol, Handler handler) {
    const auto added = handle(std::string(protocol), std::move(handler), {.allow_limited = true});
    VIVIM_ASSERT(added.has_value());
  };
  add(identify::k_protocol_id,
      [this](InboundStream inbound) { return answer_identify(std::move(inbound)); });
  add(identify::k_push_protocol_id,
      [this](InboundStream inbound) { return take_identify_push(std::move(inbound)); });
  add(ping::k_protocol_id, [](InboundStream inbound) { return answer_ping(std::move(inbound)); });
}

rt::Co<Result<rt::Duration>> Host::ping(PeerId peer) {
  const Call call(*this);
  VIVIM_CO_TRY(const auto rtts, co_await measure(std::move(peer), 1));
  co_return rtts.front();
}

rt::Co<Result<std::vector<rt::Duration>>> Host::ping(PeerId peer, std::size_t count) {
  const Call call(*this);
  co_return co_await measure(std::move(peer), count);
}

rt::Co<Result<std::vector<rt::Duration>>> Host::measure(PeerId peer, std::size_t count) {
  const std::string protocol(ping::k_protocol_id);
  if (stopping_) {
    co_return fail(HostError::stopping);
  }
  Peer* const chosen = best_connection(peer, {.allow_limited = true});
  if (chosen == nullptr) {
    count_ping(HostError::not_connected);
    co_return fail(HostError::not_connected);
  }
  const ConnectionId id =
      std::ranges::find(peers_, chosen, [](const auto& each) { return each.second.get(); })->first;
  // Every libp2p peer answers pings: no reason to wait for what it says of itself.
  auto opened =
      co_await open_on(*chosen, {protocol}, {.allow_limited = true, .assume_spoken = true});
  if (!opened) {
    count_ping(opened.error());
    co_return fail(opened.error());
  }
  std::vector<rt::Duration> rtts;
  while (rtts.size() < count) {
    const auto rtt = co_await measure_on(*opened->stream, id);
    count_ping(rtt ? std::nullopt : std::optional(rtt.error()));
    if (!rtt) {
      co_return fail(rtt.error());
    }
    rtts.push_back(*rtt);
  }
  (void)co_await opened->stream->close_write();
  co_return rtts;
}

rt::Co<Result<rt::Duration>> Host::measure_on(rt::Stream& stream, ConnectionId id) {
  const auto guard = watchdog_.arm(times_.ping_max, [&stream] { stream.reset(0); });
  ping::Payload payload{};
  rng_.fill(payload);
  const auto rtt = co_await ping_once(stream, payload, loop_.clock());
  if (!rtt) {
    stream.reset(to_value(reset_code_for(rtt.error())));
    co_return guard.expired() ? Result<rt::Duration>(fail(HostError::ping_timeout)) : rtt;
  }
  if (const auto measured = peers_.find(id); measured != peers_.end()) {
    measured->second->connection->set_rtt(*rtt);
  }
  co_return rtt;
}

}  // namespace vivim::libp2p
