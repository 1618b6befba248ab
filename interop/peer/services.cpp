#include "interop/peer/services.hpp"

namespace vivim::interop {

Services::Services(const Choice& choice, libp2p::Host& host, libp2p::Host& dialer,
                   const crypto::KeyPair& key, rt::asio_::Loop& loop, rt::Rng& rng)
    : loop_(loop), rendezvous_(host, host.loop(), libp2p::record::Signer::of(key)) {
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
  if (choice.kad) {
    kad_ = std::make_unique<libp2p::kad::Dht>(
        host, rng, libp2p::record::Signer::of(key),
        libp2p::kad::DhtOptions{.mode = libp2p::kad::Mode::server});
    (void)kad_->start();
  }
}

void Services::quit() {
  if (kad_) {
    kad_->quit();
  }
}

Result<const libp2p::portmap::Service*> Services::map_port(const libp2p::portmap::Port& port,
                                                           std::string_view protocol,
                                                           std::chrono::seconds lifetime) {
  if (!mapper_) {
    std::vector<std::unique_ptr<libp2p::portmap::Gateway>> gateways;
    gateways.push_back(protocol == "upnp" ? libp2p::portmap::make_upnp_gateway()
                                          : libp2p::portmap::make_nat_pmp_gateway());
    router_ = std::make_unique<rt::asio_::ThreadWorker>(loop_, "router");
    mapper_ = std::make_unique<libp2p::portmap::Service>(
        loop_, *router_, std::move(gateways), [] {},
        libp2p::portmap::LeaseTimes{
            .lifetime = lifetime, .retry_min = lifetime / 8, .refresh_min = lifetime / 8});
    mapper_->start();
  }
  VIVIM_TRYV(mapper_->want(port));
  return mapper_.get();
}

rt::Co<void> Services::stop() {
  if (mapper_) {
    co_await mapper_->stop();
  }
  if (puncher_) {
    co_await puncher_->stop();
  }
  if (autonat_server_) {
    co_await autonat_server_->stop();
  }
  if (autonat_) {
    co_await autonat_->stop();
  }
  if (kad_) {
    co_await kad_->stop();
  }
}

}  // namespace vivim::interop
