#include "sybil.hpp"

#include <array>

#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/gossipsub/message.hpp"
#include "vivim/libp2p/gossipsub/protocol.hpp"

namespace vivim::sim {

namespace gossipsub = libp2p::gossipsub;
using std::chrono_literals::operator""s;

namespace {

/// It speaks what the evaluation's sybils do: a peer of 1.1 is told no IDONTWANT and has no say in
/// what it gets.
const std::array<std::string, 1> k_protocols{"/meshsub/1.1.0"};
constexpr std::size_t k_rpc_bytes_max = std::size_t{1} << 20U;
constexpr std::size_t k_waiting_max = 64;  ///< frames for one victim; what is more is dropped
constexpr std::size_t k_connections_max = 1024;
/// The back-off where a PRUNE says none. It grafts again as soon as it may: earlier it would be
/// punished for it.
constexpr std::uint64_t k_backoff_seconds = 60;
constexpr auto k_turn = 1s;

gossipsub::SharedFrame frame_of(std::string_view topic, bool subscribe) {
  Bytes subscriptions;
  Bytes control;
  if (subscribe) {
    gossipsub::wire::append_subscription(subscriptions, {.topic = topic, .subscribe = true});
  }
  gossipsub::wire::append_graft(control, topic);
  return std::make_shared<const Bytes>(gossipsub::wire::frame(subscriptions, control));
}

}  // namespace

/// Somebody whom it is connected with.
struct Sybil::Victim {
  libp2p::PeerId peer;
  std::unique_ptr<rt::Stream> out = nullptr;
  std::deque<SharedFrame> waiting = {};
  bool writing = false;
  bool in_mesh = true;
  std::optional<rt::TimePoint> graft_at = {};
};

Sybil::Sybil(Stage& stage, rt::sim::Node& node, std::string topic, PassesOn passes_on)
    : swimmer_(stage, node),
      topic_(std::move(topic)),
      passes_on_(std::move(passes_on)),
      greeting_(frame_of(topic_, true)),
      graft_(frame_of(topic_, false)),
      timer_(node.loop().make_timer()),
      tasks_(node.loop()) {
  libp2p::HostLimits limits;
  limits.outbound_connections_max = k_connections_max;
  swimmer_.set_limits(limits);
}

Sybil::~Sybil() = default;

bool Sybil::start() {
  if (!swimmer_.start()) {
    return false;
  }
  auto& host = swimmer_.host();
  const auto serving = [this](libp2p::InboundStream inbound) { return serve(std::move(inbound)); };
  if (!host.handle(k_protocols.front(), serving)) {
    return false;
  }
  watching_ = host.subscribe([this](const libp2p::HostEvent& event) { on_host_event(event); });
  tasks_.on_stop([this] {
    timer_->cancel();
    for (const auto& [peer, victim] : victims_) {
      if (victim->out) {
        victim->out->reset(0);
      }
    }
  });
  tasks_.spawn("sybil regraft", regraft());
  return true;
}

rt::Co<void> Sybil::stop() {
  watching_ = {};
  co_await tasks_.stop();
  victims_.clear();
  co_await swimmer_.stop();
}

void Sybil::on_host_event(const libp2p::HostEvent& event) {
  using Kind = libp2p::HostEvent::Kind;
  if (!event.peer) {
    return;
  }
  if (event.kind == Kind::connected && !victims_.contains(*event.peer)) {
    const auto victim = std::make_shared<Victim>(*event.peer);
    victims_.emplace(*event.peer, victim);
    tasks_.spawn("sybil greets", open(victim));
  } else if (event.kind == Kind::disconnected && event.connections_left == 0) {
    victims_.erase(*event.peer);
  }
}

rt::Co<void> Sybil::open(std::shared_ptr<Victim> victim) {
  auto opened = co_await swimmer_.host().open_stream(victim->peer, k_protocols);
  if (opened && !tasks_.stopping()) {
    victim->out = std::move(opened->stream);
    send(victim, greeting_);
  }
}

rt::Co<void> Sybil::serve(libp2p::InboundStream inbound) {
  libp2p::DelimitedReader reader(k_rpc_bytes_max);
  for (;;) {
    const auto rpc = co_await libp2p::read_message(*inbound.stream, reader);
    if (!rpc || tasks_.stopping()) {
      co_return;
    }
    take(inbound.peer, *rpc);
  }
}

void Sybil::take(const libp2p::PeerId& from, BytesView rpc) {
  const auto victim = victims_.find(from);
  if (victim == victims_.end() || !gossipsub::wire::decode(rpc, rpc_)) {
    return;
  }
  take_control(*victim->second);
  for (const auto& message : rpc_.publish) {
    pass_on(from, message);
  }
}

void Sybil::take_control(Victim& victim) {
  if (!rpc_.graft.empty()) {
    victim.in_mesh = true;
  }
  for (const auto& prune : rpc_.prune) {
    victim.in_mesh = false;
    victim.graft_at =
        now() + std::chrono::seconds(prune.backoff.value_or(k_backoff_seconds)) + k_turn;
  }
}

void Sybil::pass_on(const libp2p::PeerId& from, const gossipsub::wire::MessageView& message) {
  const BytesView data = message.data.value_or(BytesView());
  if (data.size() < sizeof(std::uint64_t) || !seen_.insert(load_be64(data)).second ||
      !passes_on_(data)) {
    return;
  }
  const auto made = gossipsub::Message::make(message, {}, {});
  const auto frame = std::make_shared<const Bytes>(to_bytes(made->frame()));
  for (const auto& [peer, victim] : victims_) {
    if (victim->in_mesh && peer != from) {
      send(victim, frame);
    }
  }
}

/// A coroutine only while there is something to write: there are very many of those streams.
void Sybil::send(const std::shared_ptr<Victim>& victim, SharedFrame frame) {
  if (!victim->out || victim->waiting.size() >= k_waiting_max) {
    return;
  }
  victim->waiting.push_back(std::move(frame));
  if (!victim->writing) {
    victim->writing = true;
    tasks_.spawn("sybil sends", drain(victim));
  }
}

rt::Co<void> Sybil::drain(std::shared_ptr<Victim> victim) {
  while (!victim->waiting.empty() && !tasks_.stopping()) {
    const SharedFrame frame = std::move(victim->waiting.front());
    victim->waiting.pop_front();
    if (!co_await victim->out->write(*frame)) {
      break;
    }
  }
  victim->writing = false;
}

rt::Co<void> Sybil::regraft() {
  timer_->expire_at(now() + k_turn);
  while (co_await timer_->wait()) {
    for (const auto& [peer, victim] : victims_) {
      if (victim->graft_at && *victim->graft_at <= now()) {
        victim->graft_at.reset();
        victim->in_mesh = true;
        send(victim, graft_);
      }
    }
    timer_->expire_at(now() + k_turn);
  }
}

}  // namespace vivim::sim
