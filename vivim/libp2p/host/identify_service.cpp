// identify and its push: what a host tells of itself, and what it learns of others.
#include <algorithm>
#include <array>
#include <utility>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/negotiate.hpp"
#include "vivim/libp2p/host/peer_detail.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"

namespace vivim::libp2p {

namespace {

constexpr std::size_t k_identify_read_bytes = 2048;

rt::Co<Result<identify::Info>> read_identify(rt::Stream& stream) {
  identify::Reader reader;
  std::array<std::uint8_t, k_identify_read_bytes> buffer{};
  for (;;) {
    VIVIM_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) {
      co_return std::move(reader).finish();
    }
    VIVIM_CO_TRYV(reader.feed(BytesView(buffer).first(count)));
  }
}

/// What a push tells replaces what was known; what it leaves out stays.
void merge(identify::Info& known, identify::Info&& told) {
  if (told.observed_address) {
    known.observed_address = std::move(told.observed_address);
  }
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
  if (told.signed_peer_record) {
    known.signed_peer_record = std::move(told.signed_peer_record);
  }
}

}  // namespace

identify::Info Host::describe_self(const Multiaddr& observed) {
  identify::Info info{.protocol_version = std::string(identify::k_protocol_version),
                      .agent_version = agent_,
                      .public_key = public_key_,
                      .observed_address = observed,
                      .protocols = *protocols_};
  for (const auto& address : listen_addresses()) {
    info.listen_addresses.push_back(address.without_peer());
  }
  own_record_.update(info.listen_addresses, loop_.clock().wall_now_ms());
  info.signed_peer_record = own_record_.envelope();
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
  for (Peer* const peer : connections_with(inbound.peer)) {
    peer->told = description_digest();
  }
  if (co_await inbound.stream->write(*message)) {
    (void)co_await inbound.stream->close_write();
  }
}

rt::Co<void> Host::take_identify_push(InboundStream inbound) {
  const auto sender = std::ranges::find_if(
      peers_, [&](const auto& entry) { return entry.second->id == inbound.peer; });
  if (sender == peers_.end() || !sender->second->pushes.take(loop_.clock().now())) {
    count_refused_stream("identify_push_rate");
    inbound.stream->reset(to_value(ResetCode::rate_limited));
    co_return;
  }
  rt::Stream* const raw = inbound.stream.get();
  const auto guard = watchdog_.arm(times_.identify_max, [raw] { raw->reset(0); });
  auto told = co_await read_identify(*inbound.stream);
  const auto taken = told ? identify::check_peer(*told, inbound.peer) : fail(told.error());
  count_identify("push", taken ? std::nullopt : std::optional(taken.error()));
  if (!taken) {
    inbound.stream->reset(to_value(ResetCode::protocol_violation));
    co_return;
  }
  std::optional<HostEvent> event;
  for (Peer* const peer : connections_with(inbound.peer)) {
    merge(peer->info, identify::Info(*told));
    remember(*peer);
    observe_address(*peer);
    event = event_of(HostEvent::Kind::identified, *peer);
  }
  if (event) {
    emit(*event);
  }
}

rt::Co<void> Host::identify_peer(Peer& peer) {
  auto reservation = resources_->open_stream(Direction::outbound, peer.id);
  auto opened = peer.connection->open_stream();
  if (!reservation || !opened) {
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
  const auto same = told ? identify::check_peer(*told, peer.id) : fail(told.error());
  count_identify("asked", same ? std::nullopt : std::optional(same.error()));
  if (!told) {
    (*stream)->reset(to_value(reset_code_for(told.error())));
    co_return;
  }
  if (!same) {
    peer.connection->close(CloseReason::from(same.error()));
    co_return;
  }
  peer.info = std::move(*told);
  remember(peer);
  observe_address(peer);
  emit(event_of(HostEvent::Kind::identified, peer));
}

void Host::remember(Peer& peer) {
  const auto now = wall_now();
  identify::Info& info = peer.info;
  const auto sealed = std::exchange(info.signed_peer_record, std::nullopt);  // the store keeps it
  store_.set_protocols(peer.id, info.protocols, now);
  store_.set_agent(peer.id, info.agent_version.value_or(""), now);
  if (info.public_key) {
    store_.set_key(peer.id, *info.public_key, now);
  }
  // From where we see the peer: somebody on the Internet cannot send us to our own network.
  const AddressScope nearest = scope_of(peer.remote);
  const auto reachable = [nearest](const Multiaddr& address) {
    return scope_of(address) >= nearest;
  };
  for (const Multiaddr& address : info.listen_addresses) {
    if (reachable(address)) {
      store_.add_address(peer.id, address, peerstore::Source::identify, peerstore::k_ttl_connected,
                         now);
    }
  }
  if (sealed) {
    if (const auto* const known = store_.find(peer.id);
        known != nullptr && known->envelope == *sealed) {
      return;  // checked when it came first
    }
    auto record = record::accept_peer_record(*sealed, peer.id, std::nullopt);
    if (!record) {
      log::write(log::Level::debug, "host", "a peer's signed record is not taken",
                 {{"error", std::string_view(record.error().message())}});
      return;
    }
    std::erase_if(record->addresses, [&](const auto& address) { return !reachable(address); });
    (void)store_.set_record(peer.id, record->sequence, record->addresses, *sealed,
                            peerstore::k_ttl_connected, now);
  }
}

}  // namespace vivim::libp2p
