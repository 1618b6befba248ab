#include "vivim/libp2p/bootstrap/bootstrap.hpp"

#include <set>

#include "vivim/base/log.hpp"

namespace vivim::libp2p::bootstrap {

namespace {

Config seeded(Config config, rt::Rng& rng) {
  config.seed = rng.u64();
  return config;
}

}  // namespace

Bootstrap::Bootstrap(Host& host, rt::Loop& loop, rt::Rng& rng, Config config)
    : host_(host),
      loop_(loop),
      plan_(seeded(config, rng)),
      changed_(loop),
      timer_(loop.make_timer()),
      tasks_(loop) {}

Bootstrap::~Bootstrap() = default;

Result<void> Bootstrap::add(const Multiaddr& address) {
  VIVIM_TRYV(plan_.add(address));
  timer_->expire_at(loop_.clock().now());
  return {};
}

void Bootstrap::start() {
  subscription_ = host_.subscribe([this](const HostEvent& event) {
    if (event.kind == HostEvent::Kind::disconnected && !tasks_.stopping()) {
      const rt::TimePoint now = loop_.clock().now();
      if (event.peer && !host_.connected(*event.peer)) {
        plan_.disconnected(*event.peer, now);
      }
      timer_->expire_at(now);
    }
  });
  tasks_.on_stop([this] {
    subscription_ = {};
    timer_->cancel();
  });
  timer_->expire_at(loop_.clock().now());
  tasks_.spawn("bootstrap", run());
}

rt::Co<void> Bootstrap::stop() {
  co_await tasks_.stop();
}

std::size_t Bootstrap::connections() const {
  std::set<PeerId> peers;
  for (const auto& peer : host_.peers()) {
    if (!peer.limited) {
      peers.insert(peer.id);
    }
  }
  return peers.size();
}

rt::Co<void> Bootstrap::run() {
  while (!tasks_.stopping()) {
    if (!co_await timer_->wait()) {
      co_return;
    }
    const rt::TimePoint now = loop_.clock().now();
    const auto is_connected = [this](const PeerId& peer) {
      return peer == host_.peer_id() || host_.connected(peer);
    };
    timer_->expire_at(plan_.next_deadline(now).value_or(rt::TimePoint::max()));
    while (auto target = plan_.next(now, connections(), is_connected)) {
      tasks_.spawn("bootstrap dial", dial(std::move(*target)));
    }
  }
}

rt::Co<void> Bootstrap::dial(Plan::Target target) {
  const auto connected = co_await host_.connect(target.peer, std::move(target.addresses));
  const rt::TimePoint now = loop_.clock().now();
  if (host_.connected(target.peer)) {
    plan_.succeeded(target.peer, now);
  } else {
    plan_.failed(target.peer, now);  // or closed again meanwhile
  }
  if (!connected) {
    log::write(log::Level::info, "bootstrap", "a peer could not be reached",
               {{"peer", target.peer.to_string()},
                {"error", std::string_view(connected.error().message())}});
  }
  if (!tasks_.stopping()) {
    timer_->expire_at(now);  // another one's turn, or none's
  }
}

}  // namespace vivim::libp2p::bootstrap
