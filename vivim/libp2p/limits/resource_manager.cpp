#include "vivim/libp2p/limits/resource_manager.hpp"

#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/multiformats/address_scope.hpp"

namespace vivim::libp2p::limits {

using multiformats::PeerId;

namespace {

template <class Key>
Usage look_up(const std::map<Key, Usage>& table, const Key& key) {
  const auto found = table.find(key);
  return found == table.end() ? Usage() : found->second;
}

}  // namespace

std::optional<Bytes> counted_address(const multiformats::Multiaddr& remote) {
  const bool counts = !remote.has(multiformats::Protocol::p2p_circuit) &&
                      scope_of(remote) == multiformats::AddressScope::global;
  return counts ? multiformats::ip_group(remote) : std::nullopt;
}

Usage& Usage::operator+=(const Usage& other) {
  memory_bytes += other.memory_bytes;
  file_descriptors += other.file_descriptors;
  for (std::size_t i = 0; i < 2; ++i) {
    connections[i] += other.connections[i];
    streams[i] += other.streams[i];
  }
  return *this;
}

Usage& Usage::operator-=(const Usage& other) {
  VIVIM_ASSERT(memory_bytes >= other.memory_bytes && file_descriptors >= other.file_descriptors);
  memory_bytes -= other.memory_bytes;
  file_descriptors -= other.file_descriptors;
  for (std::size_t i = 0; i < 2; ++i) {
    VIVIM_ASSERT(connections[i] >= other.connections[i] && streams[i] >= other.streams[i]);
    connections[i] -= other.connections[i];
    streams[i] -= other.streams[i];
  }
  return *this;
}

Reservation::Reservation(Reservation&& other) noexcept
    : manager_(std::exchange(other.manager_, nullptr)),
      amount_(other.amount_),
      side_(other.side_),
      transient_(other.transient_),
      peer_(other.peer_),
      protocol_(std::move(other.protocol_)),
      address_(std::move(other.address_)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    release();
    manager_ = std::exchange(other.manager_, nullptr);
    amount_ = other.amount_;
    side_ = other.side_;
    transient_ = other.transient_;
    peer_ = other.peer_;
    protocol_ = std::move(other.protocol_);
    address_ = std::move(other.address_);
  }
  return *this;
}

Reservation::~Reservation() {
  release();
}

void Reservation::release() {
  if (manager_ != nullptr) {
    std::exchange(manager_, nullptr)->give_back(*this);
  }
}

Result<void> Reservation::assign_peer(const PeerId& peer) {
  VIVIM_ASSERT(manager_ != nullptr && !peer_);
  VIVIM_TRYV(manager_->check(Scope::peer, manager_->of(peer), amount_, side_));
  if (std::exchange(transient_, false)) {
    manager_->transient_ -= amount_;
  }
  manager_->peers_[peer] += amount_;
  peer_ = peer;
  return {};
}

Result<void> Reservation::assign_protocol(const std::string& protocol) {
  VIVIM_ASSERT(manager_ != nullptr && !protocol_);
  VIVIM_TRYV(manager_->check(Scope::protocol, manager_->of(protocol), amount_, side_));
  if (std::exchange(transient_, false)) {
    manager_->transient_ -= amount_;
  }
  manager_->protocols_[protocol] += amount_;
  protocol_ = protocol;
  return {};
}

Result<void> Reservation::grow(std::uint64_t memory_bytes) {
  VIVIM_ASSERT(manager_ != nullptr);
  ResourceManager& manager = *manager_;
  const Usage more{.memory_bytes = memory_bytes};
  VIVIM_TRYV(manager.check(Scope::system, manager.system_, more, side_));
  if (transient_) {
    VIVIM_TRYV(manager.check(Scope::transient, manager.transient_, more, side_));
  }
  if (peer_) {
    VIVIM_TRYV(manager.check(Scope::peer, manager.of(*peer_), more, side_));
  }
  if (protocol_) {
    VIVIM_TRYV(manager.check(Scope::protocol, manager.of(*protocol_), more, side_));
  }
  if (address_) {
    VIVIM_TRYV(manager.check(Scope::address, manager.of(*address_), more, side_));
  }
  manager.system_ += more;
  if (address_) {
    manager.addresses_[*address_] += more;
  }
  if (transient_) {
    manager.transient_ += more;
  }
  if (peer_) {
    manager.peers_[*peer_] += more;
  }
  if (protocol_) {
    manager.protocols_[*protocol_] += more;
  }
  amount_ += more;
  return {};
}

void Reservation::shrink(std::uint64_t memory_bytes) {
  VIVIM_ASSERT(memory_bytes <= amount_.memory_bytes);
  take_less({.memory_bytes = memory_bytes});
}

void Reservation::keep_memory() {
  Usage less = amount_;
  less.memory_bytes = 0;
  take_less(less);
}

void Reservation::take_less(const Usage& less) {
  VIVIM_ASSERT(manager_ != nullptr);
  manager_->system_ -= less;
  if (transient_) {
    manager_->transient_ -= less;
  }
  if (peer_) {
    manager_->peers_.at(*peer_) -= less;
  }
  if (protocol_) {
    manager_->protocols_.at(*protocol_) -= less;
  }
  if (address_) {
    manager_->addresses_.at(*address_) -= less;
  }
  amount_ -= less;
}

ResourceManager::~ResourceManager() {
  VIVIM_ASSERT(system_.empty() && peers_.empty() && protocols_.empty() && addresses_.empty());
}

Result<Reservation> ResourceManager::open_connection(Direction side, std::uint64_t file_descriptors,
                                                     std::uint64_t memory_bytes,
                                                     const std::optional<Bytes>& address) {
  Usage amount{.memory_bytes = memory_bytes, .file_descriptors = file_descriptors};
  amount.connections[static_cast<std::size_t>(side)] = 1;
  VIVIM_TRY(auto reservation, reserve(side, amount));
  if (address) {
    VIVIM_TRYV(check(Scope::address, of(*address), amount, side));
    addresses_[*address] += amount;
    reservation.address_ = address;
  }
  return reservation;
}

Result<Reservation> ResourceManager::open_stream(Direction side, const PeerId& peer) {
  Usage amount;
  amount.streams[static_cast<std::size_t>(side)] = 1;
  VIVIM_TRY(auto reservation, reserve(side, amount));
  VIVIM_TRYV(check(Scope::peer, of(peer), amount, side));
  peers_[peer] += amount;
  reservation.peer_ = peer;  // and transient until its protocol is known
  return reservation;
}

Result<Reservation> ResourceManager::reserve(Direction side, const Usage& amount) {
  VIVIM_TRYV(check(Scope::transient, transient_, amount, side));
  VIVIM_TRYV(check(Scope::system, system_, amount, side));
  system_ += amount;
  transient_ += amount;
  return Reservation(*this, amount, side);
}

Usage ResourceManager::of(const PeerId& peer) const {
  return look_up(peers_, peer);
}

Usage ResourceManager::of(const std::string& protocol) const {
  return look_up(protocols_, protocol);
}

Usage ResourceManager::of(const Bytes& address) const {
  return look_up(addresses_, address);
}

std::uint64_t ResourceManager::refusals(Resource resource, Scope scope, Direction side) const {
  return refusals_.at(static_cast<std::size_t>(limit_error(resource, scope, side)));
}

Result<void> ResourceManager::check_one(const Refusal& asked) {
  // Written so that no sum overflows.
  if (asked.asked == 0 ||
      (asked.current <= asked.limit && asked.asked <= asked.limit - asked.current)) {
    return {};
  }
  last_refusal_ = asked;
  ++refusals_.at(static_cast<std::size_t>(limit_error(asked.resource, asked.scope, asked.side)));
  return fail(asked.error());
}

Result<void> ResourceManager::check_pair(Refusal asked, const std::array<std::uint64_t, 2>& used,
                                         std::uint64_t side_limit, std::uint64_t sum_limit) {
  asked.current = used[static_cast<std::size_t>(asked.side)];
  asked.limit = side_limit;
  VIVIM_TRYV(check_one(asked));
  asked.current = used[0] + used[1];
  asked.limit = sum_limit;
  return check_one(asked);
}

Result<void> ResourceManager::check(Scope scope, const Usage& used, const Usage& more,
                                    Direction side) {
  const ScopeLimits& limit = limits_.of(scope);
  const auto at = static_cast<std::size_t>(side);
  VIVIM_TRYV(check_pair(
      {.resource = Resource::connections,
       .scope = scope,
       .side = side,
       .asked = more.connections[at]},
      used.connections,
      side == Direction::inbound ? limit.connections_inbound : limit.connections_outbound,
      limit.connections));
  VIVIM_TRYV(check_pair(
      {.resource = Resource::streams, .scope = scope, .side = side, .asked = more.streams[at]},
      used.streams, side == Direction::inbound ? limit.streams_inbound : limit.streams_outbound,
      limit.streams));
  VIVIM_TRYV(check_one({.resource = Resource::file_descriptors,
                        .scope = scope,
                        .side = side,
                        .current = used.file_descriptors,
                        .asked = more.file_descriptors,
                        .limit = limit.file_descriptors}));
  return check_one({.resource = Resource::memory,
                    .scope = scope,
                    .side = side,
                    .current = used.memory_bytes,
                    .asked = more.memory_bytes,
                    .limit = limit.memory_bytes});
}

template <class Key>
void ResourceManager::take_away(std::map<Key, Usage>& table, const Key& key, const Usage& amount) {
  const auto found = table.find(key);
  VIVIM_ASSERT(found != table.end());
  found->second -= amount;
  if (found->second.empty()) {
    table.erase(found);
  }
}

void ResourceManager::give_back(const Reservation& reservation) {
  system_ -= reservation.amount_;
  if (reservation.transient_) {
    transient_ -= reservation.amount_;
  }
  if (reservation.peer_) {
    take_away(peers_, *reservation.peer_, reservation.amount_);
  }
  if (reservation.protocol_) {
    take_away(protocols_, *reservation.protocol_, reservation.amount_);
  }
  if (reservation.address_) {
    take_away(addresses_, *reservation.address_, reservation.amount_);
  }
}

}  // namespace vivim::libp2p::limits
