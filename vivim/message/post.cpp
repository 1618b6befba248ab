#include "vivim/message/post.hpp"

namespace vivim::message {

Post::Post(Context context, const crypto::KeyPair& key, PostOptions options)
    : context_(context),
      signer_(Signer::of(key)),
      circles_options_(std::move(options.circles)),
      messenger_(context.host, context.loop, context.store, context.rng, key,
                 std::move(options.messenger)) {
  if (options.keeps_for_others) {
    mailbox_.emplace(context_.host, context_.loop, context_.store);
  }
}

rt::Co<Result<void>> Post::start() {
  if (mailbox_) {
    VIVIM_CO_TRYV(mailbox_->status());
  }
  co_return co_await messenger_.start();
}

rt::Co<Result<void>> Post::start_circles(libp2p::gossipsub::Service& gossip) {
  binding_.emplace(gossip);
  circles_.emplace(context_.loop, context_.store, context_.rng, signer_, binding_->gossip(),
                   std::move(circles_options_));
  circle_sync_.emplace(context_.host, context_.loop, context_.rng, *circles_);
  VIVIM_CO_TRYV(co_await circles_->start());
  VIVIM_CO_TRYV(circle_sync_->start());
  binding_->attach(&*circles_);
  binding_->on_neighbour(
      [this](const PeerId& peer, const CircleId& circle) { circle_sync_->ask(peer, circle); });
  for (const auto& circle : circles_->list()) {
    circle_sync_->joined(circle.id);  // who was there before we listened
  }
  published_ = context_.host.publish([this](libp2p::metrics::Registry& registry) {
    circles_->publish_metrics(registry);
    circle_sync_->publish_metrics(registry);
  });
  co_return Result<void>();
}

void Post::stop_waiting() {
  if (binding_) {
    binding_->attach(nullptr);
    binding_->on_neighbour({});
  }
  if (mailbox_) {
    mailbox_->stop();
  }
}

rt::Co<void> Post::stop() {
  if (circle_sync_) {
    co_await circle_sync_->stop();
  }
  if (circles_) {
    co_await circles_->stop();
  }
  co_await messenger_.stop();
}

rt::Co<Result<Circles::Joined>> Post::join(CircleSecret secret, std::string name) {
  auto joined = co_await circles_->join(std::move(secret), std::move(name));
  if (joined && !joined->had) {
    circle_sync_->joined(joined->id);
  }
  co_return joined;
}

}  // namespace vivim::message
