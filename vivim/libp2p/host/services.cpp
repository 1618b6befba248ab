// The protocols that every host speaks: identify, its push, and ping.
#include <array>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/libp2p/ping/ping.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p {

namespace {

constexpr std::size_t k_read_bytes = 2048;

rt::Co<Result<identify::Info>> read_identify(rt::Stream& stream) {
  identify::Reader reader;
  std::array<std::uint8_t, k_read_bytes> buffer{};
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return std::move(reader).finish();
    }
    VIVIM_CO_TRYV(reader.feed(BytesView(buffer).first(count)));
  }
}

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
      (void)co_await stream.close_write();
      co_return *rtt;
    }
  }
}

/// What a push tells replaces what was known; what it leaves out stays.
void merge(identify::Info& known, identify::Info&& told) {
  if (told.agent_version) {
    known.agent_version = std::move(told.agent_version);
  }
  if (told.protocol_version) {
    known.protocol_version = std::move(told.protocol_version);
  }
  if (!told.protocols.empty()) {
    known.protocols = std::move(told.protocols);
  }
  if (!told.listen_addresses.empty()) {
    known.listen_addresses = std::move(told.listen_addresses);
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

identify::Info Host::describe_self(const Multiaddr& observed) const {
  identify::Info info{.protocol_version = std::string(identify::k_protocol_version),
                      .agent_version = agent_,
                      .public_key = public_key_,
                      .observed_address = observed,
                      .protocols = *protocols_};
  for (const auto& address : listen_addresses()) {
    info.listen_addresses.push_back(address.without_peer());
  }
  return info;
}

rt::Co<void> Host::answer_identify(InboundStream inbound) {
  const auto message = identify::encode(describe_self(inbound.remote));
  if (!message) {
    log::write(log::Level::warning, "host", "too much to tell in identify",
               {{"error", std::string_view(message.error().message())}});
    inbound.stream->reset(0);
    co_return;
  }
  if (co_await inbound.stream->write(*message)) {
    (void)co_await inbound.stream->close_write();
  }
}

rt::Co<void> Host::take_identify_push(InboundStream inbound) {
  rt::Stream* const raw = inbound.stream.get();
  const auto guard = watchdog_.arm(times_.identify_max, [raw] { raw->reset(0); });
  auto told = co_await read_identify(*inbound.stream);
  if (!told || !identify::check_peer(*told, inbound.peer)) {
    inbound.stream->reset(0);
    co_return;
  }
  std::optional<HostEvent> event;
  for (const auto& [id, peer] : peers_) {
    if (peer->id == inbound.peer) {
      merge(peer->info, identify::Info(*told));
      event = event_of(HostEvent::Kind::identified, *peer);
    }
  }
  if (event) {
    emit(*event);
  }
}

rt::Co<void> Host::identify_peer(Peer& peer) {
  auto opened = peer.connection->open_stream();
  if (!opened) {
    co_return;
  }
  rt::Stream* const raw = opened->get();
  // Every libp2p peer speaks it: no reason to wait for the agreement.
  auto stream =
      co_await propose_optimistically(std::move(*opened), std::string(identify::k_protocol_id));
  if (!stream) {
    co_return;
  }
  const auto guard = watchdog_.arm(times_.identify_max, [raw] { raw->reset(0); });
  (void)co_await (*stream)->close_write();
  auto told = co_await read_identify(**stream);
  if (!told) {
    (*stream)->reset(0);
    co_return;
  }
  if (const auto same = identify::check_peer(*told, peer.id); !same) {
    peer.connection->close(CloseReason::from(same.error()));
    co_return;
  }
  peer.info = std::move(*told);
  emit(event_of(HostEvent::Kind::identified, peer));
}

rt::Co<Result<rt::Duration>> Host::ping(PeerId peer) {
  const Call call(*this);
  co_return co_await measure(peer);
}

rt::Co<Result<rt::Duration>> Host::measure(PeerId peer) {
  const std::string protocol(ping::k_protocol_id);
  VIVIM_CO_TRY(auto opened,
               co_await open_stream(peer, std::span(&protocol, 1), {.allow_limited = true}));
  rt::Stream* const raw = opened.stream.get();
  const auto guard = watchdog_.arm(times_.ping_max, [raw] { raw->reset(0); });
  ping::Payload payload{};
  rng_.fill(payload);
  const auto rtt = co_await ping_once(*opened.stream, payload, loop_.clock());
  if (!rtt) {
    opened.stream->reset(0);
    co_return guard.expired() ? Result<rt::Duration>(fail(HostError::ping_timeout)) : rtt;
  }
  if (Peer* const known = best_connection(peer, {.allow_limited = true})) {
    known->connection->set_rtt(*rtt);
  }
  co_return rtt;
}

}  // namespace vivim::libp2p
