#include "vivim/libp2p/relay/client.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/relay/circuit_stream.hpp"
#include "vivim/libp2p/relay/client_detail.hpp"
#include "vivim/libp2p/transport/early_bytes.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::relay {

using multiformats::Protocol;

Result<CircuitAddress> CircuitAddress::parse(const Multiaddr& address) {
  const auto text = address.to_string();
  constexpr std::string_view k_circuit = "/p2p-circuit";
  const auto at = text.find(k_circuit);
  const auto target = address.peer();
  const auto place = address.without_peer().components();
  if (at == std::string::npos || place.empty() || place.back().protocol != Protocol::p2p_circuit) {
    return fail(RelayError::not_a_circuit);
  }
  if (std::ranges::count(place, Protocol::p2p_circuit, &multiformats::Component::protocol) > 1) {
    return fail(RelayError::nested_circuit);
  }
  auto relay = Multiaddr::parse(std::string_view(text).substr(0, at));
  if (!relay || !relay->peer()) {
    return fail(RelayError::not_a_circuit);
  }
  const PeerId relay_id = *relay->peer();
  if (target == relay_id) {
    return fail(RelayError::relay_to_itself);
  }
  return CircuitAddress{.relay = std::move(*relay), .relay_id = relay_id, .target = target};
}

Multiaddr CircuitAddress::circuit() const {
  const auto tail = Multiaddr::parse("/p2p-circuit");
  VIVIM_ASSERT(tail.has_value());
  return relay.with(*tail).value_or(relay);
}

RelayTransport::RelayTransport(Host& host, RelayClientOptions options)
    : host_(host),
      options_(std::move(options)),
      subscription_(host.subscribe([this](const HostEvent& event) { on_event(event); })),
      tasks_(host.loop()) {
  tasks_.on_stop([this] {
    for (const auto& [relay, session] : sessions_) {
      session->timer->cancel();
    }
    cancel_dials();
  });
}

RelayTransport::~RelayTransport() {
  VIVIM_ASSERT(dialling_.empty());
}

bool RelayTransport::can_dial(const Multiaddr& address) const {
  return CircuitAddress::parse(address).has_value();
}

bool RelayTransport::can_listen(const Multiaddr& address) const {
  const auto circuit = CircuitAddress::parse(address);
  return circuit && !circuit->target;
}

bool RelayTransport::reserved(const PeerId& relay) const {
  const auto found = sessions_.find(relay);
  return found != sessions_.end() && found->second->granted && found->second->keeper.held(now());
}

rt::Co<Result<TransportConnection>> RelayTransport::dial(Multiaddr address, DialOptions options) {
  VIVIM_CO_TRY(auto circuit, CircuitAddress::parse(address));
  if (!circuit.target) {
    circuit.target = options.expected_peer;
  }
  if (!circuit.target || circuit.relay_id == host_.peer_id()) {
    co_return fail(RelayError::not_a_circuit);
  }
  if (circuit.target == circuit.relay_id) {
    co_return fail(RelayError::relay_to_itself);
  }
  co_return co_await open_circuit(std::move(circuit));
}

void RelayTransport::cancel_dials() {
  for (rt::Stream* const stream : dialling_) {
    stream->reset(to_value(ResetCode::shutdown));
  }
}

/// From the port that we listen on, so that the relay sees us where a hole can be punched.
rt::Co<Result<PeerId>> RelayTransport::reach_relay(CircuitAddress address) {
  std::vector<Multiaddr> addresses{std::move(address.relay)};
  const ConnectOptions options{.port = PortUse::shared, .ignore_backoff = true};
  co_return co_await host_.connect(address.relay_id, std::move(addresses), options);
}

/// The answer is not waited for: the first message of a handshake leaves together with the
/// question, and the relay hands it on.
rt::Co<Result<RawConnection>> RelayTransport::open_circuit(CircuitAddress address) {
  VIVIM_CO_TRYV(co_await reach_relay(address));
  const std::string protocol(k_hop_protocol_id);
  VIVIM_CO_TRY(auto opened, co_await host_.open_stream(address.relay_id, std::span(&protocol, 1),
                                                       {.assume_spoken = true}));
  const HopMessage question{.type = HopMessage::Type::connect, .peer = address.target};
  const auto limited = std::make_shared<bool>(true);
  co_return RawConnection{.stream = std::make_unique<CircuitStream>(
                              std::move(opened.stream), delimited(encode(question)), limited),
                          .local = address.circuit(),
                          .remote = address.circuit(),
                          .limited_later = limited};
}

rt::Co<Result<HopMessage>> RelayTransport::ask(rt::Stream& stream, DelimitedReader& reader,
                                               HopMessage question, rt::Duration timeout) {
  dialling_.insert(stream);
  rt::Deadline deadline(host_.loop(), timeout, [raw = &stream] { raw->reset(0); });
  const Bytes bytes = delimited(encode(question));
  Result<Bytes> answer = fail(rt::RtError::closed);
  if (const auto written = co_await stream.write(bytes); written) {
    answer = co_await read_message(stream, reader);
  } else {
    answer = fail(written.error());
  }
  co_await deadline.finish();
  dialling_.erase(stream);
  if (deadline.expired()) {
    co_return fail(RelayError::timed_out);
  }
  if (!answer) {
    co_return fail(answer.error());
  }
  co_return decode_hop(*answer);
}

rt::Co<Result<Granted>> RelayTransport::reserve(CircuitAddress address) {
  VIVIM_CO_TRYV(co_await reach_relay(address));
  const std::string protocol(k_hop_protocol_id);
  VIVIM_CO_TRY(auto opened, co_await host_.open_stream(address.relay_id, std::span(&protocol, 1),
                                                       {.assume_spoken = true}));
  DelimitedReader reader(k_message_bytes_max);
  const auto answer = co_await ask(*opened.stream, reader, {.type = HopMessage::Type::reserve},
                                   options_.answer_time_max);
  if (!answer) {
    opened.stream->reset(to_value(reset_code_for(answer.error())));
    co_return fail(answer.error());
  }
  (void)co_await opened.stream->close_write();
  const auto wall_ms = std::max<rt::WallMs>(host_.loop().clock().wall_now_ms(), 0);
  co_return check_reservation(*answer, address.relay_id, host_.peer_id(),
                              static_cast<std::uint64_t>(wall_ms) / 1000);
}

rt::Co<void> RelayTransport::stop() {
  co_await tasks_.stop();
  sweep();
}

}  // namespace vivim::libp2p::relay
