#include "interop/peer/services.hpp"

namespace vivim::interop {

Services::Services(const Choice& choice, libp2p::Host& host, libp2p::Host& dialer,
                   const crypto::KeyPair& key, rt::Rng& rng)
    : rendezvous_(host, host.loop(), libp2p::record::Signer::of(key)) {
  if (choice.rendezvous_serve) {
    point_ = std::make_unique<libp2p::rendezvous::Server>(host, host.loop(), rng);
  }
  if (choice.autonat) {
    libp2p::autonat::AutonatClientOptions options;
    options.addresses = [this, &host] {
      return candidates_.empty() ? host.listen_addresses() : candidates_;
    };
    autonat_ = std::make_unique<libp2p::autonat::AutonatClient>(host, rng, std::move(options));
    (void)autonat_->start();
  }
  if (choice.autonat_serve) {
    autonat_server_ = std::make_unique<libp2p::autonat::AutonatServer>(host, dialer, rng);
    (void)autonat_server_->start();
  }
  if (choice.dcutr) {
    puncher_ = std::make_unique<libp2p::dcutr::HolePuncher>(host);
    (void)puncher_->start();
  }
}

rt::Co<void> Services::stop() {
  if (puncher_) {
    co_await puncher_->stop();
  }
  if (autonat_server_) {
    co_await autonat_server_->stop();
  }
  if (autonat_) {
    co_await autonat_->stop();
  }
}

}  // namespace vivim::interop
