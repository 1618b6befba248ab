#include "vivim/libp2p/kad/dht.hpp"

#include <algorithm>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/libp2p/kad/dht_detail.hpp"

namespace vivim::libp2p::kad {

namespace {

using multiformats::AddressScope;
using multiformats::scope_of;

}  // namespace

Dht::Call::Call(Dht& dht_) : dht(dht_) {
  ++dht.calls_;
}

Dht::Call::~Call() {
  if (--dht.calls_ == 0) {
    dht.idle_.set();
  }
}

Dht::Dht(Host& host, rt::Rng& rng, record::Signer signer, DhtOptions options)
    : host_(host),
      rng_(rng),
      signer_(std::move(signer)),
      options_(std::move(options)),
      validators_(options_.validators ? std::move(*options_.validators) : Validators::standard()),
      table_(host.peer_id(), options_.table),
      records_(table_.key(), validators_, options_.records),
      providers_(options_.providers),
      server_({.table = table_,
               .records = records_,
               .providers = providers_,
               .find_peer = [this](const PeerId& peer) { return describe(peer); }},
              options_.server),
      rpc_(host, options_.rpc),
      house_timer_(host.loop().make_timer()),
      idle_(host.loop()),
      subscription_(host.subscribe([this](const HostEvent& event) { on_host_event(event); })),
      published_metrics_(host.publish([this](metrics::Registry& registry) { publish(registry); })),
      tasks_(host.loop()) {}

Dht::~Dht() {
  VIVIM_ASSERT(calls_ == 0);
}

Result<void> Dht::start() {
  VIVIM_TRYV(set_serving(options_.mode == Mode::server ||
                         (options_.mode == Mode::automatic && reachable_)));
  for (const libp2p::PeerInfo& peer : host_.peers()) {
    auto& remote = remotes_[peer.id];
    remote.groups = groups_of({peer.address});
    remote.scope = scope_of(peer.address);
    consider(peer.id);
  }
  if (!options_.known.empty()) {
    const auto known = decode_snapshot(options_.known);
    for (std::size_t i = 0; known && i < std::min<std::size_t>(known->size(), k_replication); ++i) {
      tasks_.spawn("kad greet", greet((*known)[i]));
    }
    options_.known = {};
  }
  if (!options_.held.empty()) {
    (void)records_.adopt(options_.held, now(), wall());
    options_.held = {};
  }
  tasks_.spawn("kad house", keep_house());
  return {};
}

void Dht::quit() {
  (void)set_serving(false);
  quit_ = true;
  rpc_.stop();
  house_timer_->cancel();
  for (rt::Timer* const timer : waiting_lookups_) {
    timer->cancel();
  }
  for (rt::Event* const event : waiting_calls_) {
    event->set();
  }
}

rt::Co<void> Dht::stop() {
  quit();
  co_await tasks_.stop();
  while (calls_ > 0) {
    idle_.reset();
    co_await idle_.wait();
  }
}

void Dht::set_reachable(bool reachable) {
  reachable_ = reachable;
  if (options_.mode == Mode::automatic) {
    if (const auto set = set_serving(reachable && !stopping()); !set) {
      log::write(log::Level::warning, "kad", "cannot serve the DHT",
                 {{"error", std::string_view(set.error().message())}});
    }
  }
}

Result<void> Dht::set_serving(bool serving) {
  if (serving == serving_) {
    return {};
  }
  if (serving) {
    VIVIM_TRYV(host_.handle(options_.rpc.protocol,
                            [this](InboundStream inbound) { return serve(std::move(inbound)); }));
  } else {
    host_.unhandle(options_.rpc.protocol);
  }
  serving_ = serving;
  return {};
}

void Dht::on_host_event(const HostEvent& event) {
  if (!event.peer) {
    return;
  }
  switch (event.kind) {
    case HostEvent::Kind::connected:
      if (!event.limited) {
        auto& remote = remotes_[*event.peer];
        remote.groups = groups_of({event.remote});
        remote.scope = scope_of(event.remote);
      }
      break;
    case HostEvent::Kind::identified:
      consider(*event.peer);
      break;
    case HostEvent::Kind::disconnected:
      if (event.connections_left == 0) {
        remotes_.erase(*event.peer);
      }
      break;
    default:
      break;
  }
}

/// A peer that told us its protocols may be a node of the DHT, or not any more.
void Dht::consider(const PeerId& peer) {
  const auto* const entry = host_.peer_store().find(peer);
  if (entry == nullptr || !remotes_.contains(peer)) {
    return;
  }
  if (std::ranges::find(entry->protocols, options_.rpc.protocol) == entry->protocols.end()) {
    table_.remove(peer);
    return;
  }
  const bool first = table_.size() == 0;
  const auto added =
      table_.add({.peer = peer, .addresses = addresses_of(peer)}, groups_of_peer(peer), now());
  if (first && added == Added::added && !stopping()) {
    refresh_soon_ = true;
    house_timer_->expire_at(now() + std::chrono::seconds(1));
  }
}

std::vector<Group> Dht::groups_of_peer(const PeerId& peer) const {
  const auto found = remotes_.find(peer);
  return found == remotes_.end() ? std::vector<Group>{} : found->second.groups;
}

std::vector<Multiaddr> Dht::addresses_of(const PeerId& peer) const {
  const auto* const entry = host_.peer_store().use(peer, peerstore::Time(wall()));
  return entry == nullptr ? std::vector<Multiaddr>() : addresses_in(*entry);
}

std::vector<Multiaddr> Dht::addresses_in(const peerstore::Entry& entry) const {
  std::vector<Multiaddr> addresses;
  for (auto& known : peerstore::PeerStore::believed_addresses(entry, peerstore::Time(wall()))) {
    if (addresses.size() < k_contact_addresses_max) {
      addresses.push_back(std::move(known.address));
    }
  }
  return addresses;
}

std::optional<PeerInfo> Dht::describe(const PeerId& peer) const {
  const auto* const entry = host_.peer_store().use(peer, peerstore::Time(wall()));
  if (entry == nullptr) {
    return std::nullopt;
  }
  PeerInfo info{.contact = {.peer = peer, .addresses = addresses_in(*entry)},
                .connection = remotes_.contains(peer) ? ConnectionType::connected
                                                      : ConnectionType::not_connected};
  info.signed_record = entry->envelope;
  return info;
}

PeerInfo Dht::describe_self() const {
  std::vector<Multiaddr> addresses;
  for (const Multiaddr& address : host_.listen_addresses()) {
    addresses.push_back(address.without_peer());
  }
  // The widest first: at most some are told.
  std::ranges::sort(addresses, std::greater(),
                    [](const Multiaddr& address) { return std::pair(scope_of(address), address); });
  if (addresses.size() > k_contact_addresses_max) {
    addresses.resize(k_contact_addresses_max);
  }
  return {.contact = {.peer = host_.peer_id(), .addresses = std::move(addresses)},
          .connection = ConnectionType::connected};
}

}  // namespace vivim::libp2p::kad
