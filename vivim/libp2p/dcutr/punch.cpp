#include "vivim/libp2p/dcutr/punch.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/libp2p/host/dial_ranker.hpp"

namespace vivim::libp2p::dcutr {

using multiformats::Component;
using multiformats::Protocol;

namespace {

/// What a hole can be punched with: /tcp and /udp/quic-v1, nothing above them.
bool has_punchable_protocol(const std::vector<Component>& components) {
  return (components.size() == 2 && components[1].protocol == Protocol::tcp) ||
         (components.size() == 3 && components[1].protocol == Protocol::udp &&
          components[2].protocol == Protocol::quic_v1);
}

bool is_punchable(const Multiaddr& address, Scope scope) {
  const auto components = address.components();
  if (!has_punchable_protocol(components) ||
      (components.front().protocol != Protocol::ip4 &&
       components.front().protocol != Protocol::ip6) ||
      multiformats::is_unspecified(address)) {
    return false;
  }
  return scope == Scope::any || scope_of(address) == AddressScope::global;
}

}  // namespace

std::vector<Multiaddr> punchable(const std::vector<Multiaddr>& addresses, Scope scope,
                                 std::size_t max) {
  std::vector<Multiaddr> chosen;
  for (const auto& address : addresses) {
    if (chosen.size() == max) {
      break;
    }
    Multiaddr place = address.without_peer();
    if (is_punchable(place, scope) && std::ranges::find(chosen, place) == chosen.end()) {
      chosen.push_back(std::move(place));
    }
  }
  return chosen;
}

Result<Message> Initiator::begin(const std::vector<Multiaddr>& own, Time now) {
  auto offered = punchable(own, options_.scope, k_addresses_max);
  if (offered.empty()) {
    return fail(DcutrError::no_own_addresses);
  }
  awaiting_ = true;
  began_ = now;
  addresses_.clear();
  return Message{.type = Message::Type::connect, .addresses = std::move(offered)};
}

Result<void> Initiator::on_message(const Message& message, Time now) {
  if (!awaiting_ || message.type != Message::Type::connect) {
    return fail(DcutrError::unexpected);
  }
  awaiting_ = false;
  addresses_ = punchable(message.addresses, options_.scope, k_dialled_addresses_max);
  if (addresses_.empty()) {
    return fail(DcutrError::no_addresses);
  }
  rtt_ = now - began_;
  return {};
}

Message Initiator::sync(Time now) {
  VIVIM_ASSERT(!awaiting_ && !addresses_.empty());
  ++attempt_;
  dial_at_ = now + rtt_ / 2;
  return {.type = Message::Type::sync, .addresses = {}};
}

//= relay/DCUtR#the-protocol
// # "A is assumed to be the client and B the server"
Role Initiator::role() const {
  return options_.client_at_last && attempt_ == options_.attempts_max && attempt_ > 1
             ? Role::client
             : Role::server;
}

Result<std::optional<Message>> Responder::on_message(const Message& message,
                                                     const std::vector<Multiaddr>& own) {
  if (state_ == State::awaiting_connect && message.type == Message::Type::connect) {
    addresses_ = punchable(message.addresses, scope_, k_dialled_addresses_max);
    if (addresses_.empty()) {
      return fail(DcutrError::no_addresses);
    }
    auto offered = punchable(own, scope_, k_addresses_max);
    if (offered.empty()) {
      return fail(DcutrError::no_own_addresses);
    }
    state_ = State::awaiting_sync;
    return Message{.type = Message::Type::connect, .addresses = std::move(offered)};
  }
  if (state_ == State::awaiting_sync && message.type == Message::Type::sync) {
    state_ = State::synced;
    return std::nullopt;
  }
  return fail(DcutrError::unexpected);
}

}  // namespace vivim::libp2p::dcutr
