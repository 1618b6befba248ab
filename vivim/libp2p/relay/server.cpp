#include "vivim/libp2p/relay/server.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/libp2p/transport/early_bytes.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"
#include "vivim/rt/error.hpp"

namespace vivim::libp2p::relay {

namespace {

/// When nothing is due.
constexpr auto k_timer_rests = std::chrono::hours(1);

/// Sends a last message, and closes.
rt::Co<void> answer(rt::Stream& stream, HopMessage message) {
  const Bytes bytes = delimited(encode(message));
  if (co_await stream.write(bytes)) {
    (void)co_await stream.close_write();
  }
}

void publish(metrics::Registry& registry, const RelayStats& stats) {
  metrics::Family(registry, "libp2p_relay_reservations", metrics::Type::gauge,
                  "peers that are reached through us")
      .set(stats.reservations);
  metrics::Family(registry, "libp2p_relay_reservations_granted_total", metrics::Type::counter,
                  "reservations that were granted or renewed")
      .set(stats.reservations_granted);
  metrics::Family(registry, "libp2p_relay_circuits", metrics::Type::gauge, "circuits that we carry")
      .set(stats.circuits);
  metrics::Family(registry, "libp2p_relay_circuits_opened_total", metrics::Type::counter,
                  "circuits that were opened")
      .set(stats.circuits_opened);
  metrics::Family(registry, "libp2p_relay_circuits_cut_total", metrics::Type::counter,
                  "circuits ended by a limit of time or bytes")
      .set(stats.circuits_cut);
  metrics::Family(registry, "libp2p_relay_bytes_total", metrics::Type::counter,
                  "bytes relayed, both directions")
      .set(stats.bytes);
  metrics::Family refused(registry, "libp2p_relay_refused_total", metrics::Type::counter,
                          "requests refused, by status", "status");
  for (const auto& [status, count] : stats.refused) {
    refused.set(to_string(status), count);
  }
}

}  // namespace

RelayServer::Conversation::Conversation(RelayServer& server, rt::Stream& stream)
    : server_(server), id_(server.next_conversation_++) {
  server_.conversations_.emplace(id_, &stream);
}

RelayServer::Conversation::~Conversation() {
  server_.conversations_.erase(id_);
  if (server_.conversations_.empty()) {
    server_.idle_.set();
  }
}

RelayServer::RelayServer(Host& host, record::Signer signer, RelayServerOptions options)
    : host_(host),
      relay_(std::move(signer), options.limits, options.access),
      options_(std::move(options)),
      timer_(host.loop().make_timer()),
      idle_(host.loop()),
      subscription_(host.subscribe([this](const HostEvent& event) {
        if (event.kind == HostEvent::Kind::disconnected && event.connections_left == 0) {
          relay_.on_disconnected(*event.peer);
        }
      })),
      published_(
          host.publish([this](metrics::Registry& registry) { publish(registry, relay_.stats()); })),
      tasks_(host.loop()) {}

RelayServer::~RelayServer() {
  VIVIM_ASSERT(conversations_.empty());
}

Result<void> RelayServer::start() {
  VIVIM_TRYV(host_.handle(std::string(k_hop_protocol_id),
                          [this](InboundStream inbound) { return serve(std::move(inbound)); }));
  set_timer();
  tasks_.on_stop([this] { timer_->cancel(); });
  tasks_.spawn("relay time", watch_time());
  return {};
}

rt::Co<void> RelayServer::stop() {
  stopping_ = true;
  host_.unhandle(std::string(k_hop_protocol_id));
  for (const auto& [id, stream] : conversations_) {
    stream->reset(to_value(ResetCode::shutdown));
  }
  for (const auto& [id, ends] : circuits_) {
    ends.second->reset(to_value(ResetCode::shutdown));
  }
  while (!conversations_.empty()) {
    idle_.reset();
    co_await idle_.wait();
  }
  co_await tasks_.stop();
}

void RelayServer::set_timer() {
  const auto next = relay_.next_deadline();
  const auto rest = host_.loop().clock().now() + k_timer_rests;
  timer_->expire_at(next ? rt::TimePoint(*next) : rest);
}

rt::Co<void> RelayServer::watch_time() {
  while (co_await timer_->wait()) {
    for (const CircuitId id : relay_.on_time(now())) {
      if (const auto found = circuits_.find(id); found != circuits_.end()) {
        found->second.first->reset(to_value(ResetCode::limit_exceeded));
        found->second.second->reset(to_value(ResetCode::limit_exceeded));
      }
    }
    set_timer();
  }
}

rt::Co<void> RelayServer::serve(InboundStream inbound) {
  const PeerId peer = inbound.peer;
  rt::Stream* const raw = inbound.stream.get();
  const Conversation conversation(*this, *raw);
  rt::Deadline deadline(host_.loop(), 2 * options_.request_time_max, [raw] { raw->reset(0); });
  std::optional<Circuit> circuit;
  if (stopping_) {
    raw->reset(to_value(ResetCode::shutdown));
  } else if (!relay_.begin_request(peer, now())) {
    co_await answer(*raw, hop_status(Status::resource_limit_exceeded));
  } else {
    circuit = co_await negotiate(inbound);
    relay_.end_request(peer);
  }
  co_await deadline.finish();
  if (circuit) {
    co_await carry(std::move(*circuit));
  }
}

rt::Co<std::optional<RelayServer::Circuit>> RelayServer::negotiate(InboundStream& inbound) {
  rt::Stream* const raw = inbound.stream.get();
  rt::Deadline deadline(host_.loop(), options_.request_time_max, [raw] { raw->reset(0); });
  DelimitedReader reader(k_message_bytes_max);
  const auto bytes = co_await read_message(*raw, reader);
  co_await deadline.finish();
  const auto message = bytes ? decode_hop(*bytes) : fail(bytes.error());
  if (!message) {
    co_await answer(*raw, hop_status(Status::malformed_message));
    co_return std::nullopt;
  }
  const Caller caller{
      .peer = inbound.peer,
      .remote = inbound.remote,
      .via = inbound.limited || inbound.remote.has(multiformats::Protocol::p2p_circuit)
                 ? Caller::Via::relayed
                 : Caller::Via::direct};
  const auto wall_ms = host_.loop().clock().wall_now_ms();
  auto action = relay_.on_hop(
      caller, *message, host_.listen_addresses(),
      {.time = now(),
       .unix_s = static_cast<std::uint64_t>(std::max<rt::WallMs>(wall_ms, 0)) / 1000});
  set_timer();
  if (auto* const reply = std::get_if<HopMessage>(&action)) {
    if (reply->status != Status::ok) {
      log::write(log::Level::debug, "relay", "refused a request",
                 {{"peer", std::string_view(inbound.peer.to_string())},
                  {"status", to_string(*reply->status)}});
    }
    co_await answer(*raw, std::move(*reply));
    co_return std::nullopt;
  }
  co_return co_await set_up(inbound, std::move(std::get<Forward>(action)), reader.take_rest());
}

rt::Co<std::optional<RelayServer::Circuit>> RelayServer::set_up(InboundStream& inbound,
                                                                Forward forward, Bytes early) {
  const CircuitId id = forward.circuit;
  // What came behind the question goes behind ours: the target answers both at once.
  const bool fits = relay_.pass(id, Side::source, early.size()) == early.size();
  auto reached = fits ? co_await reach(std::move(forward), std::move(early))
                      : Result<Reached>(fail(RelayError::unexpected));
  const HopMessage reply =
      relay_.on_stop(id, reached ? std::optional(reached->answer) : std::nullopt, now());
  set_timer();
  if (reply.status != Status::ok) {
    if (reached) {
      reached->stream->reset(0);
    }
    co_await answer(*inbound.stream, reply);
    co_return std::nullopt;
  }
  const Bytes bytes = delimited(encode(reply));
  if (stopping_ || !co_await inbound.stream->write(bytes)) {
    inbound.stream->reset(0);
    reached->stream->reset(0);
    relay_.end(id);
    co_return std::nullopt;
  }
  co_return Circuit{
      .id = id, .source = std::move(inbound.stream), .target = std::move(reached->stream)};
}

/// Asks the target, over a connection that is there: a relay never dials.
rt::Co<Result<RelayServer::Reached>> RelayServer::reach(Forward forward, Bytes early) {
  const std::string protocol(k_stop_protocol_id);
  VIVIM_CO_TRY(auto opened, co_await host_.open_stream(forward.target, std::span(&protocol, 1)));
  rt::Stream* const raw = opened.stream.get();
  const Conversation conversation(*this, *raw);
  rt::Deadline deadline(host_.loop(), options_.request_time_max, [raw] { raw->reset(0); });
  Bytes question = delimited(encode(forward.message));
  append(question, early);
  DelimitedReader reader(k_message_bytes_max);
  Result<Bytes> bytes = fail(rt::RtError::closed);
  if (const auto written = co_await raw->write(question); written) {
    bytes = co_await read_message(*raw, reader);
  }
  co_await deadline.finish();
  auto message = bytes ? decode_stop(*bytes) : fail(bytes.error());
  if (!message) {
    raw->reset(to_value(reset_code_for(message.error())));
    co_return fail(message.error());
  }
  co_return Reached{.answer = std::move(*message),
                    .stream = with_early_bytes(std::move(opened.stream), reader.take_rest())};
}

rt::Co<void> RelayServer::carry(Circuit circuit) {
  circuits_.emplace(circuit.id, std::pair(circuit.source.get(), circuit.target.get()));
  rt::Event back_done(host_.loop());
  rt::TaskGroup back(host_.loop());
  back.spawn("relay back", pump_back(circuit, back_done));
  co_await pump(circuit.id, Side::source, *circuit.source, *circuit.target);
  co_await back_done.wait();
  co_await back.stop();
  circuits_.erase(circuit.id);
  relay_.end(circuit.id);
  set_timer();
}

rt::Co<void> RelayServer::pump_back(Circuit& circuit, rt::Event& done) {
  co_await pump(circuit.id, Side::target, *circuit.target, *circuit.source);
  done.set();
}

/// Moves bytes one way until their end; anything else ends both ways.
rt::Co<void> RelayServer::pump(CircuitId id, Side side, rt::Stream& from, rt::Stream& to) {
  Bytes buffer(options_.buffer_bytes);
  ResetCode why = ResetCode::none;
  for (;;) {
    const auto count = co_await from.read_some(buffer);
    if (!count) {
      break;
    }
    if (*count == 0) {
      (void)co_await to.close_write();
      co_return;
    }
    const std::size_t allowed = relay_.pass(id, side, *count);
    if (allowed > 0 && !co_await to.write(BytesView(buffer).first(allowed))) {
      break;
    }
    if (allowed < *count) {
      why = ResetCode::limit_exceeded;
      break;
    }
  }
  from.reset(to_value(why));
  to.reset(to_value(why));
}

}  // namespace vivim::libp2p::relay
