// Listening through a relay: the reservation, and the circuits that come.
#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/relay/client_detail.hpp"
#include "vivim/libp2p/transport/early_bytes.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::relay {

rt::Co<Result<TransportConnection>> RelayTransport::Listener::accept() {
  auto circuit = co_await session_.circuits.receive();
  if (!circuit) {
    co_return fail(rt::RtError::closed);
  }
  co_return std::move(*circuit);
}

std::vector<Multiaddr> RelayTransport::Listener::addresses() const {
  if (session_.closed || !session_.granted) {
    return {};
  }
  std::vector<Multiaddr> all;
  for (const auto& address : session_.granted->reservation.addresses) {
    if (address.peer() != session_.address.relay_id ||
        address.has(multiformats::Protocol::p2p_circuit)) {
      continue;
    }
    all.push_back(
        CircuitAddress{.relay = address, .relay_id = session_.address.relay_id}.circuit());
  }
  if (all.empty()) {  // it told none: the one we know works
    all.push_back(session_.address.circuit());
  }
  return all;
}

Result<std::unique_ptr<TransportListener>> RelayTransport::listen(const Multiaddr& address) {
  VIVIM_TRY(auto circuit, CircuitAddress::parse(address));
  if (circuit.target || circuit.relay_id == host_.peer_id()) {
    return fail(RelayError::not_a_circuit);
  }
  if (sessions_.contains(circuit.relay_id)) {
    return fail(rt::RtError::address_in_use);
  }
  if (sessions_.size() >= k_relays_max) {
    return fail(RelayError::too_many_listeners, k_relays_max);
  }
  if (sessions_.empty()) {
    VIVIM_TRYV(host_.handle(std::string(k_stop_protocol_id),
                            [this](InboundStream inbound) { return accept(std::move(inbound)); }));
  }
  const PeerId relay = circuit.relay_id;
  const auto [at, added] = sessions_.emplace(
      relay, std::make_unique<Session>(host_.loop(), std::move(circuit), options_.times));
  tasks_.spawn("relay reservation", keep(*at->second));
  return std::make_unique<Listener>(*this, *at->second);
}

/// Asks whenever the keeper says so, until the listener closes.
rt::Co<void> RelayTransport::keep(Session& session) {
  while (!session.closed && !tasks_.stopping()) {
    if (session.keeper.poll(now())) {
      auto granted = co_await reserve(session.address);
      if (session.closed || tasks_.stopping()) {
        break;
      }
      if (granted && session.keeper.granted(granted->lasts, now())) {
        const bool same = session.granted &&
                          session.granted->reservation.addresses == granted->reservation.addresses;
        session.granted = std::move(*granted);
        if (!same) {
          changed();
        }
      } else if (!granted) {
        log::write(log::Level::info, "relay", "no reservation",
                   {{"relay", std::string_view(session.address.relay_id.to_string())},
                    {"error", std::string_view(granted.error().message())}});
        session.keeper.failed(now());
      }
    }
    if (session.granted && !session.keeper.held(now())) {
      session.granted.reset();
      changed();
    }
    session.timer->expire_at(rt::TimePoint(*session.keeper.next_deadline(now())));
    (void)co_await session.timer->wait();
  }
  session.kept = false;
  // Destroyed by the listener's end, or by stop(): never by this task, which belongs to it.
}

void RelayTransport::on_event(const HostEvent& event) {
  if (event.kind != HostEvent::Kind::disconnected || event.connections_left > 0) {
    return;
  }
  const auto found = sessions_.find(*event.peer);
  if (found == sessions_.end()) {
    return;
  }
  Session& session = *found->second;
  session.keeper.lost(now());
  if (const auto next = session.keeper.next_deadline(now())) {
    session.timer->expire_at(rt::TimePoint(*next));
  }
  if (session.granted) {
    session.granted.reset();
    changed();
  }
}

void RelayTransport::changed() {
  host_.listeners_changed();
  if (options_.on_change) {
    options_.on_change();
  }
}

/// Decides on what a relay says on a stop stream: a refusal, or the session that takes the circuit.
std::variant<StopMessage, RelayTransport::Session*> RelayTransport::judge(
    const Result<Bytes>& bytes, const InboundStream& inbound, RawConnection& into) {
  const auto message = bytes ? decode_stop(*bytes) : fail(bytes.error());
  if (!message) {
    return stop_status(Status::malformed_message);
  }
  if (message->type != StopMessage::Type::connect) {
    return stop_status(Status::unexpected_message);
  }
  // Only from relays that we asked to: nobody else sends us circuits.
  const auto found = sessions_.find(inbound.peer);
  if (found == sessions_.end() || found->second->closed || inbound.limited) {
    return stop_status(Status::permission_denied);
  }
  Session& session = *found->second;
  if (session.circuits.size() >= k_circuit_backlog_max) {
    return stop_status(Status::resource_limit_exceeded);
  }
  into.local = session.address.circuit();
  into.remote = session.address.circuit();
  into.limited = message->limit.has_value();
  return &session;
}

rt::Co<void> RelayTransport::accept(InboundStream inbound) {
  rt::Stream* const raw = inbound.stream.get();
  rt::Deadline deadline(host_.loop(), options_.answer_time_max, [raw] { raw->reset(0); });
  DelimitedReader reader(k_message_bytes_max);
  const auto bytes = co_await read_message(*raw, reader);
  RawConnection circuit;
  const auto verdict = judge(bytes, inbound, circuit);
  const auto* const refusal = std::get_if<StopMessage>(&verdict);
  const Bytes answer = delimited(encode(refusal != nullptr ? *refusal : stop_status(Status::ok)));
  const auto written = co_await raw->write(answer);
  co_await deadline.finish();
  if (refusal != nullptr) {
    (void)co_await raw->close_write();
    co_return;
  }
  // The session may be gone after the awaits.
  const auto found = sessions_.find(inbound.peer);
  if (!written || found == sessions_.end()) {
    raw->reset(0);
    co_return;
  }
  circuit.stream = with_early_bytes(std::move(inbound.stream), reader.take_rest());
  (void)found->second->circuits.try_send(std::move(circuit));  // or is reset as it goes
}

void RelayTransport::close(Session& session) {
  if (std::exchange(session.closed, true)) {
    return;
  }
  session.circuits.close();
  session.timer->cancel();
  if (const auto found = sessions_.find(session.address.relay_id); found != sessions_.end()) {
    closed_.push_back(std::move(found->second));
    sessions_.erase(found);
  }
  if (sessions_.empty()) {
    host_.unhandle(std::string(k_stop_protocol_id));
  }
  changed();
}

void RelayTransport::sweep() {
  std::erase_if(closed_, [](const auto& each) { return !each->kept && !each->listened; });
}

}  // namespace vivim::libp2p::relay
