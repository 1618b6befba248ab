#include "vivim/node/instances.hpp"

#include <algorithm>

#include "vivim/libp2p/metrics/family.hpp"
#include "vivim/multiformats/address_scope.hpp"

namespace vivim::node {

namespace {

using libp2p::gossipsub::MeshChanged;
using libp2p::gossipsub::ToValidate;
using libp2p::gossipsub::Verdict;
using multiformats::Multiaddr;

/// How near to us a connected peer is; one that is not connected is as far as can be.
libp2p::AddressScope scope_of_peer(libp2p::Host& host, const multiformats::PeerId& peer) {
  auto nearest = libp2p::AddressScope::global;
  for (const auto& info : host.peers()) {
    if (info.id == peer) {
      nearest = std::min(nearest, libp2p::scope_of(info.address));
    }
  }
  return nearest;
}

}  // namespace

Instances::Instances(libp2p::Host& host, libp2p::gossipsub::Service& gossip,
                     libp2p::record::Signer signer, OnFound on_found, InstancesOptions options)
    : host_(host),
      gossip_(gossip),
      signer_(std::move(signer)),
      on_found_(std::move(on_found)),
      options_(options),
      rates_(options.rates),
      timer_(host.loop().make_timer()),
      newest_(k_instances_max),
      tasks_(host.loop()) {}

Instances::~Instances() = default;

Result<void> Instances::start() {
  VIVIM_TRYV(gossip_.subscribe(k_instances_topic, {.validate = true}));
  observed_ = gossip_.observe([this](const auto& event) { on_event(event); });
  published_ = host_.publish([this](libp2p::metrics::Registry& registry) { publish(registry); });
  next_ = host_.loop().clock().now() + options_.interval;
  tasks_.on_stop([this] {
    observed_ = {};
    timer_->cancel();
  });
  timer_->expire_at(next_);
  tasks_.spawn("instances", run());
  return {};
}

rt::Co<void> Instances::stop() {
  published_ = {};
  co_await tasks_.stop();
}

rt::Co<void> Instances::run() {
  while (!tasks_.stopping()) {
    (void)co_await timer_->wait();
    const auto now = host_.loop().clock().now();
    if (!tasks_.stopping() && now >= next_) {
      tell();
      next_ = now + options_.interval;
    }
    timer_->expire_at(next_);
  }
}

void Instances::tell() {
  const auto wall =
      static_cast<std::uint64_t>(std::max<rt::WallMs>(host_.loop().clock().wall_now_ms(), 0));
  sequence_ = std::max(sequence_ + 1, wall);
  std::vector<Multiaddr> addresses;
  for (const auto& address : host_.listen_addresses()) {
    if (addresses.size() < k_instance_addresses_max) {
      addresses.push_back(address.without_peer());
    }
  }
  const auto told =
      gossip_.publish(k_instances_topic,
                      libp2p::record::seal_peer_record(signer_, sequence_, std::move(addresses)));
  counts_.told += told ? 1 : 0;
}

void Instances::on_event(const libp2p::gossipsub::Event& event) {
  if (const auto* mesh = std::get_if<MeshChanged>(&event)) {
    if (mesh->grafted && mesh->topic == k_instances_topic && sequence_ == 0) {
      // The first who hears us; those who come next find it in the caches of gossip.
      next_ = std::min(next_, host_.loop().clock().now() + options_.first);
      timer_->expire_at(next_);
    }
    return;
  }
  const auto* waiting = std::get_if<ToValidate>(&event);
  if (waiting != nullptr && waiting->message->topic() == k_instances_topic) {
    (void)gossip_.validated(waiting->message->key(), judge(*waiting));
  }
}

Verdict Instances::judge(const ToValidate& waiting) {
  auto record = libp2p::record::open_peer_record(waiting.message->data());
  const auto author = waiting.message->author();
  if (!record || (author && *author != record->peer)) {
    ++counts_.refused;
    return Verdict::reject;
  }
  const PeerId& peer = record->peer;
  if (peer == host_.peer_id()) {
    return Verdict::ignore;
  }
  const auto* known = newest_.find(peer);
  if (known != nullptr && record->sequence <= *known) {
    ++counts_.old;
    return Verdict::ignore;
  }
  if (!rates_.take(peer, host_.loop().clock().now().time_since_epoch())) {
    ++counts_.throttled;
    return Verdict::ignore;
  }
  newest_.put(peer, record->sequence);
  ++counts_.taken;
  if (host_.connected(peer)) {
    return Verdict::accept;  // it has told us itself, and more
  }
  // Nobody far away sends us to places in our own network.
  const auto nearest = scope_of_peer(host_, waiting.from);
  std::erase_if(record->addresses, [nearest](const Multiaddr& address) {
    return libp2p::scope_of(address) < nearest;
  });
  if (record->addresses.size() > k_instance_addresses_max) {
    record->addresses.erase(record->addresses.begin() + k_instance_addresses_max,
                            record->addresses.end());
  }
  const libp2p::peerstore::Time now(host_.loop().clock().wall_now_ms());
  if (host_.peer_store().set_record(peer, record->sequence, record->addresses,
                                    to_bytes(waiting.message->data()),
                                    libp2p::peerstore::k_ttl_told, now)) {
    on_found_(peer);
  }
  return Verdict::accept;
}

void Instances::publish(libp2p::metrics::Registry& registry) const {
  using libp2p::metrics::Family;
  using libp2p::metrics::Type;
  Family(registry, "vivim_instances_total", Type::counter,
         "what nodes say of themselves by gossip, by what became of it", "result")
      .set("told", counts_.told)
      .set("taken", counts_.taken)
      .set("old", counts_.old)
      .set("throttled", counts_.throttled)
      .set("refused", counts_.refused);
}

}  // namespace vivim::node
