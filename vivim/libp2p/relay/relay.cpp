#include "vivim/libp2p/relay/relay.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/relay/voucher.hpp"
#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p::relay {

namespace {

constexpr Time k_minute = std::chrono::minutes(1);
/// Peers whose rate is remembered; beyond that, those who rested for a minute are forgotten.
constexpr std::size_t k_rated_peers_max = 4096;

std::uint64_t seconds(Time time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

}  // namespace

Access Access::only(std::set<PeerId> peers) {
  return {.reserve =
              [peers = std::move(peers)](const PeerId& peer, const Multiaddr&) {
                return peers.contains(peer) ? Verdict::allow : Verdict::refuse;
              },
          .connect = {}};
}

Access Access::preferring(std::set<PeerId> peers) {
  return {.reserve =
              [peers = std::move(peers)](const PeerId& peer, const Multiaddr&) {
                return peers.contains(peer) ? Verdict::prefer : Verdict::allow;
              },
          .connect = {}};
}

bool Relay::begin_request(const PeerId& peer, Time now) {
  if (requests_.size() >= k_rated_peers_max) {
    forget_idle_requests(now);
  }
  const bool known = requests_.contains(peer);
  if ((!known && requests_.size() >= k_rated_peers_max) ||
      requests_under_way_ >= limits_.requests_max) {
    ++counted_.refused[Status::resource_limit_exceeded];
    return false;
  }
  Requests& requests = requests_[peer];
  if (now - requests.minute_began >= k_minute) {
    requests.minute_began = now;
    requests.this_minute = 0;
  }
  if (requests.under_way >= limits_.requests_per_peer_max ||
      requests.this_minute >= limits_.requests_per_minute_max) {
    ++counted_.refused[Status::resource_limit_exceeded];
    return false;
  }
  ++requests.under_way;
  ++requests.this_minute;
  ++requests_under_way_;
  return true;
}

void Relay::end_request(const PeerId& peer) {
  const auto found = requests_.find(peer);
  VIVIM_ASSERT(found != requests_.end() && found->second.under_way > 0);
  --found->second.under_way;
  --requests_under_way_;
}

void Relay::forget_idle_requests(Time now) {
  std::erase_if(requests_, [now](const auto& entry) {
    return entry.second.under_way == 0 && now - entry.second.minute_began >= k_minute;
  });
}

HopMessage Relay::refuse(Status status) {
  ++counted_.refused[status];
  return hop_status(status);
}

std::variant<HopMessage, Forward> Relay::on_hop(const Caller& caller, const HopMessage& message,
                                                std::span<const Multiaddr> addresses, Now now) {
  drop_expired(now.time);
  switch (message.type) {
    case HopMessage::Type::reserve:
      return reserve(caller, addresses, now);
    case HopMessage::Type::connect:
      return connect(caller, *message.peer);
    case HopMessage::Type::status:
      break;
  }
  return refuse(Status::unexpected_message);
}

//= relay/circuit-v2#reservation
// # "a relay must not accept a reservation over a relayed connection"
HopMessage Relay::reserve(const Caller& caller, std::span<const Multiaddr> addresses, Now now) {
  if (caller.via == Caller::Via::relayed || caller.peer == self_) {
    return refuse(Status::permission_denied);
  }
  const Verdict verdict =
      access_.reserve ? access_.reserve(caller.peer, caller.remote) : Verdict::allow;
  if (verdict == Verdict::refuse) {
    return refuse(Status::permission_denied);
  }
  const Bytes ip = multiformats::ip_group(caller.remote).value_or(Bytes{});
  if (!make_room(verdict, ip, caller.peer)) {
    return refuse(Status::reservation_refused);
  }
  reservations_[caller.peer] = {.expiry = now.time + limits_.reservation_time,
                                .ip = ip,
                                .preferred = verdict == Verdict::prefer};
  ++counted_.reservations_granted;
  const std::uint64_t expire = now.unix_s + seconds(limits_.reservation_time);
  HopMessage answer = hop_status(Status::ok);
  answer.reservation = Reservation{.expire_unix_s = expire,
                                   .addresses = {},
                                   .voucher = seal_voucher(signer_, caller.peer, expire)};
  for (const auto& address : addresses) {
    if (address.has(multiformats::Protocol::p2p_circuit)) {
      continue;
    }
    if (auto full = address.with_peer(self_)) {
      answer.reservation->addresses.push_back(std::move(*full));
    }
  }
  answer.limit = limit();
  return answer;
}

bool Relay::make_room(Verdict verdict, const Bytes& ip, const PeerId& peer) {
  const auto same_ip = std::ranges::count_if(reservations_, [&](const auto& entry) {
    return entry.first != peer && entry.second.ip == ip;
  });
  if (static_cast<std::size_t>(same_ip) >= limits_.reservations_per_ip_max) {
    return false;
  }
  if (reservations_.contains(peer) || reservations_.size() < limits_.reservations_max) {
    return true;
  }
  if (verdict != Verdict::prefer) {
    return false;
  }
  auto victim = reservations_.end();
  for (auto at = reservations_.begin(); at != reservations_.end(); ++at) {
    if (!at->second.preferred &&
        (victim == reservations_.end() || at->second.expiry < victim->second.expiry)) {
      victim = at;
    }
  }
  if (victim == reservations_.end()) {
    return false;
  }
  reservations_.erase(victim);
  return true;
}

std::variant<HopMessage, Forward> Relay::connect(const Caller& caller, const PeerId& target) {
  if (caller.via == Caller::Via::relayed || caller.peer == target ||
      (access_.connect && !access_.connect(caller.peer, caller.remote, target))) {
    return refuse(Status::permission_denied);
  }
  if (!reservations_.contains(target)) {
    return refuse(Status::no_reservation);
  }
  if (circuits_.size() >= limits_.circuits_max ||
      circuits_of(caller.peer) >= limits_.circuits_per_peer_max ||
      circuits_of(target) >= limits_.circuits_per_peer_max) {
    return refuse(Status::resource_limit_exceeded);
  }
  const CircuitId id{next_circuit_++};
  circuits_.emplace(id, Circuit{.source = caller.peer, .target = target, .deadline = {}});
  ++circuits_of_[caller.peer];
  ++circuits_of_[target];
  return Forward{
      .circuit = id,
      .target = target,
      .message = {
          .type = StopMessage::Type::connect, .peer = caller.peer, .limit = limit(), .status = {}}};
}

HopMessage Relay::on_stop(CircuitId circuit, const std::optional<StopMessage>& answer, Time now) {
  const auto found = circuits_.find(circuit);
  if (found == circuits_.end()) {
    return refuse(Status::connection_failed);
  }
  if (!answer || answer->type != StopMessage::Type::status || answer->status != Status::ok) {
    end(circuit);
    return refuse(Status::connection_failed);
  }
  if (limits_.circuit_time_max) {
    found->second.deadline = now + *limits_.circuit_time_max;
  }
  ++counted_.circuits_opened;
  HopMessage message = hop_status(Status::ok);
  message.limit = limit();
  return message;
}

std::size_t Relay::pass(CircuitId circuit, Side from, std::size_t bytes) {
  const auto found = circuits_.find(circuit);
  if (found == circuits_.end()) {
    return 0;
  }
  std::uint64_t& passed = found->second.passed[static_cast<std::size_t>(from)];
  std::uint64_t allowed = bytes;
  if (limits_.circuit_bytes_max) {
    allowed = std::min<std::uint64_t>(allowed, *limits_.circuit_bytes_max - passed);
  }
  if (allowed < bytes && !std::exchange(found->second.cut, true)) {
    ++counted_.circuits_cut;
  }
  passed += allowed;
  counted_.bytes += allowed;
  return static_cast<std::size_t>(allowed);
}

void Relay::end(CircuitId circuit) {
  const auto found = circuits_.find(circuit);
  if (found == circuits_.end()) {
    return;
  }
  for (const PeerId& peer : {found->second.source, found->second.target}) {
    const auto count = circuits_of_.find(peer);
    if (--count->second == 0) {
      circuits_of_.erase(count);
    }
  }
  circuits_.erase(found);
}

void Relay::on_disconnected(const PeerId& peer) {
  reservations_.erase(peer);
}

std::optional<Time> Relay::next_deadline() const {
  std::optional<Time> next;
  const auto consider = [&next](Time time) { next = next ? std::min(*next, time) : time; };
  for (const auto& [peer, held] : reservations_) {
    consider(held.expiry);
  }
  for (const auto& [id, circuit] : circuits_) {
    if (circuit.deadline && !circuit.told) {
      consider(*circuit.deadline);
    }
  }
  return next;
}

void Relay::drop_expired(Time now) {
  std::erase_if(reservations_, [now](const auto& entry) { return entry.second.expiry <= now; });
}

std::vector<CircuitId> Relay::on_time(Time now) {
  drop_expired(now);
  std::vector<CircuitId> over;
  for (auto& [id, circuit] : circuits_) {
    if (circuit.deadline && *circuit.deadline <= now) {
      over.push_back(id);
      circuit.told = true;
      if (!std::exchange(circuit.cut, true)) {
        ++counted_.circuits_cut;
      }
    }
  }
  return over;
}

std::size_t Relay::circuits_of(const PeerId& peer) const {
  const auto found = circuits_of_.find(peer);
  return found == circuits_of_.end() ? 0 : found->second;
}

std::optional<Limit> Relay::limit() const {
  if (!limits_.circuit_time_max && !limits_.circuit_bytes_max) {
    return std::nullopt;
  }
  const auto time = limits_.circuit_time_max.value_or(Time{});
  return Limit{.seconds = static_cast<std::uint32_t>(seconds(time)),
               .bytes = limits_.circuit_bytes_max.value_or(0)};
}

RelayStats Relay::stats() const {
  RelayStats stats = counted_;
  stats.reservations = reservations_.size();
  stats.circuits = circuits_.size();
  return stats;
}

}  // namespace vivim::libp2p::relay
