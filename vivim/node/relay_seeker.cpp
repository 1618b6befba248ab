#include "vivim/node/relay_seeker.hpp"

#include <algorithm>

#include "vivim/base/log.hpp"
#include "vivim/libp2p/host/dial_ranker.hpp"
#include "vivim/libp2p/relay/message.hpp"

namespace vivim::node {

namespace {

using multiformats::Multiaddr;

/// Also when nothing happens: reservations that do not come, time that passes.
constexpr auto k_look_interval = std::chrono::seconds(10);

bool is_relay(const libp2p::PeerInfo& peer) {
  return !peer.limited && !libp2p::is_relayed(peer.address) &&
         std::ranges::find(peer.protocols, libp2p::relay::k_hop_protocol_id) !=
             peer.protocols.end();
}

/// Where to dial a connected peer again, ending in /p2p; none when it told nothing of use.
std::optional<Multiaddr> address_of(const libp2p::PeerInfo& peer) {
  if (peer.direction == libp2p::Direction::outbound) {
    const auto address = peer.address.with_peer(peer.id);
    return address ? std::optional(*address) : std::nullopt;
  }
  for (const auto& told : peer.listen_addresses) {
    const auto address = told.with_peer(peer.id);
    if (address && !libp2p::is_relayed(*address)) {
      return *address;
    }
  }
  return std::nullopt;
}

}  // namespace

RelaySeeker::RelaySeeker(libp2p::Host& host, const libp2p::relay::RelayTransport& relays,
                         std::vector<Multiaddr> configured,
                         std::function<Reachability()> reachability)
    : host_(host),
      relays_(relays),
      reachability_(std::move(reachability)),
      choice_(std::move(configured), host.loop().clock().now()),
      timer_(host.loop().make_timer()),
      tasks_(host.loop()) {}

RelaySeeker::~RelaySeeker() = default;

void RelaySeeker::start() {
  using Kind = libp2p::HostEvent::Kind;
  subscription_ = host_.subscribe([this](const libp2p::HostEvent& event) {
    if (event.kind == Kind::identified || event.kind == Kind::disconnected) {
      wake();
    }
  });
  tasks_.on_stop([this] {
    subscription_ = {};
    timer_->cancel();
  });
  apply();
  timer_->expire_at(host_.loop().clock().now() + k_look_interval);
  tasks_.spawn("relay seeker", run());
}

void RelaySeeker::wake() {
  if (!tasks_.stopping()) {
    timer_->expire_at(host_.loop().clock().now());
  }
}

rt::Co<void> RelaySeeker::stop() {
  co_await tasks_.stop();
}

rt::Co<void> RelaySeeker::run() {
  while (co_await timer_->wait()) {
    apply();
    timer_->expire_at(host_.loop().clock().now() + k_look_interval);
  }
}

void RelaySeeker::apply() {
  const auto reserved = [this](const libp2p::PeerId& relay) { return relays_.reserved(relay); };
  const auto wanted =
      choice_.update(reachability_(), candidates(), reserved, host_.loop().clock().now());
  for (auto at = listening_.begin(); at != listening_.end();) {
    if (std::ranges::find(wanted, at->first) == wanted.end()) {
      log::write(log::Level::info, "node", "a relay is no longer needed",
                 {{"relay", at->first.to_string()}});
      const Multiaddr bound = at->second;
      at = listening_.erase(at);
      host_.stop_listening(bound);
    } else {
      ++at;
    }
  }
  for (const auto& relay : wanted) {
    if (!listening_.contains(relay)) {
      listen(relay);
    }
  }
}

void RelaySeeker::listen(const Multiaddr& relay) {
  const auto circuit = relay.with(*Multiaddr::parse("/p2p-circuit"));
  const auto bound = circuit ? host_.listen(*circuit) : circuit;
  if (!bound) {
    // Also while the listener that was there before still ends: the next look tries again.
    log::write(
        log::Level::debug, "node", "cannot listen through a relay",
        {{"relay", relay.to_string()}, {"error", std::string_view(bound.error().message())}});
    return;
  }
  log::write(log::Level::info, "node", "asking a relay to be reached through it",
             {{"relay", relay.to_string()}});
  listening_.emplace(relay, *bound);
}

std::vector<Multiaddr> RelaySeeker::candidates() const {
  std::vector<Multiaddr> all;
  for (const auto& peer : host_.peers()) {
    if (auto address = is_relay(peer) ? address_of(peer) : std::nullopt) {
      all.push_back(std::move(*address));
    }
  }
  return all;
}

std::vector<RelayUse> RelaySeeker::relays() const {
  const auto& configured = choice_.configured();
  std::vector<RelayUse> all;
  for (const auto& [relay, bound] : listening_) {
    all.push_back({.address = relay,
                   .configured = std::ranges::find(configured, relay) != configured.end(),
                   .reserved = relays_.reserved(*relay.peer())});
  }
  return all;
}

}  // namespace vivim::node
