#include "peer.hpp"

#include "vivim/store/documents.hpp"

namespace vivim::sim {

namespace {

/// A small log: it is copied into the database often, so that crashes fall into that too.
constexpr std::uint64_t k_wal_bytes = std::uint64_t{1} << 20;

crypto::KeyPair key_of(std::uint8_t byte) {
  return crypto::KeyPair::from_seed(crypto::Ed25519Seed(Bytes(crypto::k_ed25519_seed_bytes, byte)));
}

}  // namespace

Peer::Peer(rt::sim::Node& node, std::uint8_t key_byte)
    : node_(node), key_(key_of(key_byte)), worker_(node.make_worker()) {}

Peer::Peer(rt::sim::Node& node, crypto::KeyPair key, Securities securities)
    : securities_(std::move(securities)),
      node_(node),
      key_(std::move(key)),
      worker_(node.make_worker()) {}

rt::Co<bool> Peer::start() {
  auto opened = co_await store::Store::open(
      node_.loop(), *worker_,
      {.database = {
           .path = "vivim.db", .disk = &node_.disk(), .wal_bytes = k_wal_bytes, .random_seed = 1}});
  if (!opened) {
    co_return false;
  }
  store_ = std::move(*opened);
  hub_ = std::make_unique<sync::DocumentHub>(node_.loop(), *store_, node_.rng(), hub_options_,
                                             multiformats::PrivateKey(key_.clone()));
  libp2p::HostOptions options{.key = key_};
  if (securities_) {
    options.securities = securities_(key_, node_.rng());
  }
  host_ = std::make_unique<libp2p::Host>(std::move(options), node_.loop(), node_.network(),
                                         node_.rng());
  const auto address = libp2p::Multiaddr::from_tcp(node_.ip().to_string(), k_port);
  const bool listening = address && host_->listen(*address);
  peers_ = std::make_unique<sync::PeerSync>(
      sync::LinkContext{.loop = node_.loop(),
                        .rng = node_.rng(),
                        .store = *store_,
                        .hub = *hub_,
                        .own_peer = to_bytes(host_->peer_id().bytes()),
                        .agent = node_.name(),
                        .blobs_of = blobs_of_,
                        .limits = limits_,
                        .version_max = version_},
      *host_);
  sharing_ =
      std::make_unique<sync::Sharing>(node_.loop(), node_.rng(), *store_, *hub_, *peers_, *host_);
  running_ = true;
  bool started = (co_await peers_->start()).has_value();
  if (started && guest_ != nullptr) {
    started = co_await guest_->start(*this);
  }
  if (!listening || !started) {
    co_await stop();
    co_return false;
  }
  co_return true;
}

rt::Co<void> Peer::stop() {
  running_ = false;
  if (guest_ != nullptr) {
    guest_->quit();
  }
  co_await peers_->say_goodbye();
  co_await host_->stop();
  if (guest_ != nullptr) {
    co_await guest_->stop();
  }
  co_await peers_->stop();
  co_await hub_->stop();
  (void)co_await store_->close();
  sharing_.reset();
  peers_.reset();
  host_.reset();
  hub_.reset();
  store_.reset();
}

rt::Co<void> Peer::crash(rt::sim::CrashKind kind) {
  node_.crash(kind);
  if (running_) {
    co_await stop();
  }
}

rt::Co<bool> Peer::create(store::DocumentId id) {
  const auto job = [id](store::Database& database) {
    return store::Documents(database).create(id, store::DocumentKind::conversation, 0);
  };
  co_return (co_await store_->write(job)).has_value();
}

}  // namespace vivim::sim
