#include "vivim/libp2p/dcutr/hole_puncher.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/delimited/delimited.hpp"
#include "vivim/libp2p/host/dial_ranker.hpp"
#include "vivim/libp2p/transport/reset_code.hpp"
#include "vivim/rt/deadline.hpp"

namespace vivim::libp2p::dcutr {

namespace {

/// How long the initiator waits for the peer's proposal before it makes its own: then its dial has
/// reached a socket that listens, and both ends took themselves for the server.
rt::Duration patience_for(Time rtt) {
  return std::max<rt::Duration>(std::chrono::seconds(1), 3 * rtt);
}
/// How long a dial to a peer's public addresses may take in all; and how long a hole punch gives
/// it at least to be answered, when the relayed connection is fast. Many that are behind a router
/// name the address where others see them.
constexpr auto k_known_dial_max = std::chrono::seconds(3);
constexpr auto k_known_dial_min = std::chrono::milliseconds(100);
/// The attempt in which a peer may have changed its role.
constexpr unsigned k_attempt_of_doubt = 3;

/// When nothing is due.
constexpr auto k_timer_rests = std::chrono::hours(1);

rt::Co<Result<Message>> read_next(rt::Stream& stream, DelimitedReader& reader) {
  VIVIM_CO_TRY(const auto bytes, co_await read_message(stream, reader));
  co_return decode(bytes);
}

rt::Co<Result<void>> send(rt::Stream& stream, Message message) {
  const Bytes bytes = delimited(encode(message));
  co_return co_await stream.write(bytes);
}

}  // namespace

HolePuncher::HolePuncher(Host& host, HolePuncherOptions options)
    : host_(host),
      options_(std::move(options)),
      timer_(host.loop().make_timer()),
      runs_(options_.runs),
      answers_(options_.answers),
      idle_(host.loop()),
      subscription_(host.subscribe([this](const HostEvent& event) { on_host_event(event); })),
      tasks_(host.loop()) {
  tasks_.on_stop([this] {
    timer_->cancel();
    for (const auto& [peer, active] : active_) {
      active->wake.set();
      active->heard.set();
    }
  });
}

HolePuncher::~HolePuncher() {
  VIVIM_ASSERT(active_.empty() && answering_.empty() && dialling_back_ == 0);
}

Result<void> HolePuncher::start() {
  VIVIM_TRYV(host_.handle(std::string(k_protocol_id),
                          [this](InboundStream inbound) { return answer(std::move(inbound)); },
                          {.allow_limited = true}));
  timer_->expire_at(host_.loop().clock().now() + k_timer_rests);
  tasks_.spawn("hole punch time", watch_time());
  return {};
}

rt::Co<void> HolePuncher::stop() {
  stopping_ = true;
  host_.unhandle(std::string(k_protocol_id));
  co_await tasks_.stop();
  while (!answering_.empty() || !active_.empty() || dialling_back_ > 0) {
    idle_.reset();
    co_await idle_.wait();
  }
}

void HolePuncher::emit(HolePunchEvent event) {
  log::write(log::Level::debug, "dcutr", "hole punch",
             {{"peer", std::string_view(event.peer.to_string())},
              {"kind", std::uint64_t{static_cast<std::uint8_t>(event.kind)}},
              {"attempt", std::uint64_t{event.attempt}}});
  if (options_.on_event) {
    options_.on_event(event);
  }
}

std::vector<Multiaddr> HolePuncher::own_addresses() const {
  if (options_.addresses) {
    return options_.addresses();
  }
  // A NAT may have made the place where we are seen a moment ago: nobody else has seen it yet. What
  // more of them see comes first.
  auto own = host_.observed_addresses(1);
  const auto listened = host_.listen_addresses();
  own.insert(own.end(), listened.begin(), listened.end());
  return own;
}

bool HolePuncher::has_direct(const PeerId& peer) const {
  const auto all = host_.peers();
  return std::ranges::any_of(all, [&](const PeerInfo& info) {
    return info.id == peer && !info.limited && !is_relayed(info.address);
  });
}

void HolePuncher::on_host_event(const HostEvent& event) {
  if (stopping_ || !event.peer) {
    return;
  }
  const bool relayed = event.limited || is_relayed(event.remote);
  Active* const active = find_active(*event.peer);
  const bool gone = event.kind == HostEvent::Kind::disconnected && event.connections_left == 0;
  if (gone) {
    answered_.erase(*event.peer);
  }
  if (active != nullptr && event.kind == HostEvent::Kind::connected && !relayed) {
    active->wake.set();
  }
  if (active != nullptr && (gone || event.kind == HostEvent::Kind::identified)) {
    active->heard.set();
    if (!gone) {
      begin_known_dial(*event.peer, *active);
    }
  }
  // Once for a connection, and not too often for a peer, however often it connects: where we dial
  // is its word. It has not said yet what it speaks: it is asked at the same time.
  if (event.kind == HostEvent::Kind::connected && relayed &&
      event.direction == Direction::inbound && active == nullptr &&
      runs_.take(*event.peer, now())) {
    tasks_.spawn("hole punch", punch_in_background(*event.peer));
  }
}

rt::Co<void> HolePuncher::punch_in_background(PeerId peer) {
  (void)co_await punch(peer);
}

rt::Co<Result<void>> HolePuncher::punch(PeerId peer) {
  if (has_direct(peer)) {
    co_return Result<void>{};
  }
  if (stopping_ || active_.contains(peer) || active_.size() >= options_.active_max) {
    co_return fail(DcutrError::too_many, options_.active_max);
  }
  Active& active = *active_.emplace(peer, std::make_unique<Active>(host_.loop())).first->second;
  expect_dials();
  const auto result = co_await try_all(peer, active);
  active_.erase(peer);
  expect_dials();
  idle_.set();
  if (result) {
    retire_relayed(peer);
  } else {
    emit({.kind = HolePunchEvent::Kind::failed, .peer = peer, .error = result.error()});
  }
  co_return result;
}

/// What the peer has said so far of addresses that everybody reaches.
std::vector<Multiaddr> HolePuncher::known_addresses(const PeerId& peer) const {
  std::vector<Multiaddr> known;
  for (const PeerInfo& info : host_.peers()) {
    if (info.id == peer) {
      known.insert(known.end(), info.listen_addresses.begin(), info.listen_addresses.end());
    }
  }
  return punchable(known, options_.initiator.scope, k_dialled_addresses_max);
}

/// Waits until the peer has said where it is.
rt::Co<void> HolePuncher::hear_addresses(PeerId peer, Active& active, rt::Duration time_max) {
  const auto all = host_.peers();
  const bool heard = std::ranges::any_of(
      all, [&](const PeerInfo& info) { return info.id == peer && !info.protocols.empty(); });
  if (!heard && !active.dialled_known) {
    active.heard.reset();
    co_await pause(active.heard, time_max);
  }
}

HolePuncher::Active* HolePuncher::find_active(const PeerId& peer) {
  const auto found = active_.find(peer);
  return found == active_.end() ? nullptr : found->second.get();
}

/// Dials what the peer says that everybody reaches, once; beside the exchange, which is in vain if
/// it succeeds.
void HolePuncher::begin_known_dial(const PeerId& peer, Active& active) {
  auto known = known_addresses(peer);
  if (!known.empty() && !active.dialled_known && !has_direct(peer) && !stopping_) {
    active.dialled_known = host_.loop().clock().now();
    tasks_.spawn("dial without a hole", dial_known(peer, std::move(known)));
  }
}

rt::Co<void> HolePuncher::dial_known(PeerId peer, std::vector<Multiaddr> known) {
  const auto note = [this, &peer](bool Active::* what) {
    if (Active* const active = find_active(peer)) {
      active->*what = true;
      active->wake.set();
    }
  };
  const ConnectOptions options{.port = PortUse::fresh,
                               .dial_max = k_known_dial_max,
                               .on_answer = [note] { note(&Active::answered); }};
  if (!co_await host_.connect(peer, std::move(known), options)) {
    note(&Active::unreachable);
  }
}

/// Whether the dial to the peer's public addresses, if there is one, leads to a connection.
/// Somebody who is there answers within `patience` from its beginning; a handshake may take as long
/// again.
rt::Co<bool> HolePuncher::reaches_known(PeerId peer, Active& active, rt::Duration patience) {
  while (active.dialled_known && !active.unreachable && !has_direct(peer) && !stopping_) {
    const auto until = *active.dialled_known + (active.answered ? 2 * patience : patience);
    const auto rest = until - host_.loop().clock().now();
    if (rest <= rt::Duration::zero()) {
      break;
    }
    active.wake.reset();
    co_await pause(active.wake, rest);
  }
  co_return has_direct(peer);
}

rt::Co<Result<void>> HolePuncher::try_all(PeerId peer, Active& active) {
  Initiator initiator(options_.initiator);
  while (initiator.more() && !stopping_) {
    VIVIM_CO_TRY(const bool agreed, co_await coordinate(peer, active, initiator));
    if (!agreed) {
      emit({.kind = HolePunchEvent::Kind::dialled, .peer = peer});
      co_return Result<void>{};
    }
    active.wake.reset();
    co_await pause(active.wake, initiator.dial_at() - now());
    const ConnectOptions options{
        .role = initiator.role() == Role::server ? Direction::inbound : Direction::outbound,
        .patience = patience_for(initiator.rtt()),
        .force_new = true,
        .port = PortUse::shared,
        .ignore_backoff = true};
    std::optional<Error> error;
    if (!has_direct(peer) && !stopping_) {
      const auto dialled = co_await host_.connect(peer, initiator.addresses(), options);
      if (!dialled) {
        error = dialled.error();
        active.wake.reset();
        if (!has_direct(peer)) {
          co_await pause(active.wake, options_.settle_time);
        }
      }
    }
    if (has_direct(peer)) {
      emit({.kind = HolePunchEvent::Kind::punched,
            .peer = peer,
            .attempt = initiator.attempt(),
            .rtt = initiator.rtt()});
      co_return Result<void>{};
    }
    emit({.kind = HolePunchEvent::Kind::attempt_failed,
          .peer = peer,
          .attempt = initiator.attempt(),
          .rtt = initiator.rtt(),
          .error = error});
  }
  co_return fail(DcutrError::failed, initiator.attempt());
}

/// One exchange of CONNECT, CONNECT and SYNC. False: there is a direct connection already.
rt::Co<Result<bool>> HolePuncher::coordinate(PeerId peer, Active& active, Initiator& initiator) {
  const std::string protocol(k_protocol_id);
  VIVIM_CO_TRY(auto opened,
               co_await host_.open_stream(peer, std::span(&protocol, 1),
                                          {.allow_limited = true, .assume_spoken = true}));
  rt::Stream* const raw = opened.stream.get();
  rt::Deadline deadline(host_.loop(), options_.answer_time_max, [raw] { raw->reset(0); });
  begin_known_dial(peer, active);
  auto result = co_await exchange(*raw, initiator);
  co_await deadline.finish();
  //= relay/DCUtR#the-protocol
  // # "Upon observing the new connection, the inbound peer checks the addresses advertised"
  co_await hear_addresses(peer, active,
                          result ? initiator.rtt() / 4 : rt::Duration(options_.answer_time_max));
  begin_known_dial(peer, active);
  // The direct way is hardly longer than the one over the relay.
  const auto patience = result ? std::max<rt::Duration>(initiator.rtt(), k_known_dial_min)
                               : rt::Duration(k_known_dial_max);
  if (co_await reaches_known(peer, active, patience)) {
    raw->reset(0);
    co_return false;
  }
  if (result) {
    result = co_await send(*raw, initiator.sync(now()));
  }
  if (!result) {
    raw->reset(to_value(reset_code_for(result.error())));
    co_return deadline.expired() ? fail(DcutrError::timed_out) : fail(result.error());
  }
  VIVIM_CO_TRYV(co_await raw->close_write());
  co_return true;
}

rt::Co<Result<void>> HolePuncher::exchange(rt::Stream& stream, Initiator& initiator) {
  VIVIM_CO_TRY(auto first, initiator.begin(own_addresses(), now()));
  VIVIM_CO_TRYV(co_await send(stream, std::move(first)));
  DelimitedReader reader(k_message_bytes_max);
  VIVIM_CO_TRY(const auto theirs, co_await read_next(stream, reader));
  co_return initiator.on_message(theirs, now());
}

rt::Co<void> HolePuncher::pause(rt::Event& end, rt::Duration time) {
  if (time <= rt::Duration::zero() || stopping_) {
    co_return;
  }
  rt::Deadline deadline(host_.loop(), time, [&end] { end.set(); });
  co_await end.wait();
  co_await deadline.finish();
}

rt::Co<void> HolePuncher::answer(InboundStream inbound) {
  const PeerId peer = inbound.peer;
  const bool relayed = inbound.limited || is_relayed(inbound.remote);
  if (!relayed || stopping_ || answering_.contains(peer) ||
      answering_.size() + dialling_back_ >= options_.active_max) {
    inbound.stream->reset(to_value(ResetCode::limit_exceeded));
    co_return;
  }
  if (!answers_.take(peer, now())) {
    inbound.stream->reset(to_value(ResetCode::rate_limited));
    co_return;
  }
  answering_.insert(peer);
  ++answered_[peer];
  expect_dials();
  Responder responder(options_.initiator.scope);
  rt::Stream* const raw = inbound.stream.get();
  rt::Deadline deadline(host_.loop(), options_.answer_time_max, [raw] { raw->reset(0); });
  const auto result = co_await respond(*raw, responder);
  co_await deadline.finish();
  // A dial may take longer than the peer waits before its next attempt.
  ++dialling_back_;
  answering_.erase(peer);
  if (result) {
    (void)co_await raw->close_write();
    co_await dial_back(peer, responder.addresses());
  } else {
    raw->reset(to_value(reset_code_for(result.error())));
  }
  --dialling_back_;
  expect_dials();
  idle_.set();
}

rt::Co<Result<void>> HolePuncher::respond(rt::Stream& stream, Responder& responder) {
  DelimitedReader reader(k_message_bytes_max);
  while (!responder.synced()) {
    VIVIM_CO_TRY(const auto message, co_await read_next(stream, reader));
    VIVIM_CO_TRY(auto reply, responder.on_message(message, own_addresses()));
    if (reply) {
      VIVIM_CO_TRYV(co_await send(stream, std::move(*reply)));
    }
  }
  co_return Result<void>{};
}

/// The relay's dialler is the client of the connection that is punched.
rt::Co<void> HolePuncher::dial_back(PeerId peer, std::vector<Multiaddr> addresses) {
  if (!has_direct(peer) && !stopping_) {
    // None are counted of a peer that has gone meanwhile.
    const auto attempts = answered_.find(peer);
    const bool doubtful = attempts != answered_.end() && attempts->second >= k_attempt_of_doubt;
    const ConnectOptions options{.role = Direction::outbound,
                                 .patience = doubtful ? options_.patience : rt::Duration::zero(),
                                 .force_new = true,
                                 .port = PortUse::shared,
                                 .ignore_backoff = true};
    (void)co_await host_.connect(peer, std::move(addresses), options);
  }
  if (has_direct(peer)) {
    retire_relayed(peer);
  }
}

void HolePuncher::expect_dials() {
  const bool idle = active_.empty() && answering_.empty() && dialling_back_ == 0;
  host_.set_inbound_patience(idle ? rt::Duration::zero() : options_.inbound_patience);
}

void HolePuncher::retire_relayed(const PeerId& peer) {
  const auto when = host_.loop().clock().now() + options_.grace_time;
  retiring_.emplace(peer, when);
  auto first = retiring_.begin()->second;
  for (const auto& [each, due] : retiring_) {
    first = std::min(first, due);
  }
  timer_->expire_at(first);
}

rt::Co<void> HolePuncher::watch_time() {
  while (co_await timer_->wait()) {
    const auto time = host_.loop().clock().now();
    auto next = time + k_timer_rests;
    for (auto at = retiring_.begin(); at != retiring_.end();) {
      if (at->second > time) {
        next = std::min(next, at->second);
        ++at;
        continue;
      }
      const PeerId peer = at->first;
      at = retiring_.erase(at);
      if (has_direct(peer)) {
        host_.disconnect_relayed(peer);
      }
    }
    timer_->expire_at(next);
  }
}

}  // namespace vivim::libp2p::dcutr
