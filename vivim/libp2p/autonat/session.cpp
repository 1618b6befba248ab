#include "vivim/libp2p/autonat/session.hpp"

#include <algorithm>

#include "vivim/libp2p/host/dial_ranker.hpp"

namespace vivim::libp2p::autonat {

using multiformats::Component;
using multiformats::Protocol;

namespace {

bool has_ip(const std::vector<Component>& components) {
  return !components.empty() && (components.front().protocol == Protocol::ip4 ||
                                 components.front().protocol == Protocol::ip6);
}

/// Protocols in order, without the peers; names count as the addresses that they stand for.
std::vector<Protocol> shape_of(const Multiaddr& address) {
  std::vector<Protocol> shape;
  for (const auto& component : address.components()) {
    switch (component.protocol) {
      case Protocol::p2p:
        break;
      case Protocol::ip6:
      case Protocol::dns:
      case Protocol::dns4:
      case Protocol::dns6:
        shape.push_back(Protocol::ip4);
        break;
      default:
        shape.push_back(component.protocol);
    }
  }
  return shape;
}

}  // namespace

bool dialable(const Multiaddr& address, Scope scope) {
  const auto components = address.components();
  if (!has_ip(components) || components.size() < 2 || is_relayed(address) ||
      std::ranges::all_of(components.front().value, [](std::uint8_t byte) { return byte == 0; })) {
    return false;
  }
  return scope == Scope::any || scope_of(address) == AddressScope::global;
}

bool same_ip(const Multiaddr& a, const Multiaddr& b) {
  const auto left = a.components();
  const auto right = b.components();
  return has_ip(left) && has_ip(right) && left.front().protocol == right.front().protocol &&
         same_bytes(left.front().value, right.front().value);
}

bool consistent(const Multiaddr& local, const Multiaddr& dialled) {
  return shape_of(local) == shape_of(dialled);
}

//= autonat/autonat-v1#autonat-protocol
// # "MUST NOT dial any multiaddress unless it is based on the IP address the requesting node is
// # observed as"
std::vector<Multiaddr> v1_addresses(const v1::Dial& request, const PeerId& caller,
                                    const Multiaddr& remote, const DialRules& rules) {
  std::vector<Multiaddr> chosen;
  if ((request.peer && *request.peer != caller) || is_relayed(remote)) {
    return chosen;
  }
  constexpr std::size_t k_dialled_max = 16;
  for (const auto& address : request.addresses) {
    Multiaddr place = address.without_peer();
    if (chosen.size() < k_dialled_max && same_ip(place, remote) && rules.allow(place) &&
        std::ranges::find(chosen, place) == chosen.end()) {
      chosen.push_back(std::move(place));
    }
  }
  return chosen;
}

Result<std::optional<ServerSession::Action>> ServerSession::on_message(const v2::Message& message,
                                                                       Limiter& limiter, Time now) {
  if (const auto* const request = std::get_if<v2::DialRequest>(&message);
      request != nullptr && state_ == State::awaiting_request) {
    return on_request(*request, limiter, now);
  }
  if (const auto* const data = std::get_if<v2::DialDataResponse>(&message);
      data != nullptr && state_ == State::awaiting_data) {
    return on_data(*data);
  }
  return fail(AutonatError::unexpected);
}

Result<std::optional<ServerSession::Action>> ServerSession::on_request(
    const v2::DialRequest& request, Limiter& limiter, Time now) {
  state_ = State::done;
  //= autonat/autonat-v2#autonat-v2-protocol
  // # "the server selects the first address in the list that it is capable of dialing"
  const auto found = std::ranges::find_if(request.addresses, [this](const Multiaddr& address) {
    return rules_.allow(address.without_peer());
  });
  if (found == request.addresses.end() || is_relayed(remote_)) {
    return Action(v2::Message(v2::DialResponse{.status = v2::ResponseStatus::dial_refused}));
  }
  index_ = static_cast<std::uint32_t>(found - request.addresses.begin());
  address_ = found->without_peer();
  nonce_ = request.nonce;
  if (same_ip(address_, remote_)) {
    return Action(Dial{.address = address_, .nonce = nonce_, .foreign = false});
  }
  if (!limiter.accept_data_request(now)) {
    return Action(v2::Message(v2::DialResponse{.status = v2::ResponseStatus::request_rejected}));
  }
  state_ = State::awaiting_data;
  left_ = data_bytes_;
  return Action(v2::Message(v2::DialDataRequest{.address_index = index_, .bytes = data_bytes_}));
}

Result<std::optional<ServerSession::Action>> ServerSession::on_data(
    const v2::DialDataResponse& data) {
  left_ -= std::min<std::uint64_t>(left_, data.bytes);
  if (left_ == 0) {
    state_ = State::done;
    return Action(Dial{.address = address_, .nonce = nonce_, .foreign = true});
  }
  if (data.bytes < k_data_piece_bytes_min) {
    return fail(AutonatError::too_little_data, data.bytes);
  }
  return std::nullopt;
}

v2::DialResponse ServerSession::on_dialled(v2::DialStatus status) const {
  return {.status = v2::ResponseStatus::ok, .address_index = index_, .dial_status = status};
}

ClientSession::ClientSession(std::vector<Multiaddr> addresses, std::uint64_t nonce)
    : addresses_(std::move(addresses)), nonce_(nonce) {
  if (addresses_.size() > k_addresses_max) {
    addresses_.resize(k_addresses_max);
  }
}

Result<std::variant<v2::DialDataRequest, Finding>> ClientSession::on_message(
    const v2::Message& message) {
  if (const auto* const wanted = std::get_if<v2::DialDataRequest>(&message)) {
    if (data_sent_ || wanted->address_index >= addresses_.size()) {
      return fail(AutonatError::unexpected);
    }
    if (wanted->bytes > k_dial_data_bytes_max) {
      return fail(AutonatError::too_much_data, wanted->bytes);
    }
    data_sent_ = true;
    return *wanted;
  }
  const auto* const response = std::get_if<v2::DialResponse>(&message);
  if (response == nullptr) {
    return fail(AutonatError::unexpected);
  }
  switch (response->status) {
    case v2::ResponseStatus::ok:
      break;
    case v2::ResponseStatus::request_rejected:
      return fail(AutonatError::rejected);
    case v2::ResponseStatus::dial_refused:
      return fail(AutonatError::refused);
    default:
      return fail(AutonatError::server_failed, static_cast<std::uint64_t>(response->status));
  }
  if (response->address_index >= addresses_.size()) {
    return fail(AutonatError::unexpected, response->address_index);
  }
  const Multiaddr& address = addresses_[response->address_index];
  switch (response->dial_status) {
    case v2::DialStatus::dial_error:
      return Finding{.address = address, .reachable = false};
    case v2::DialStatus::ok:
    case v2::DialStatus::dial_back_error:
      break;
    default:
      return fail(AutonatError::unexpected);
  }
  // Reached, whatever the server made of our answer, is what our own eyes saw.
  if (!arrived_ || !consistent(*arrived_, address)) {
    return fail(AutonatError::not_confirmed);
  }
  return Finding{.address = address, .reachable = true};
}

}  // namespace vivim::libp2p::autonat
