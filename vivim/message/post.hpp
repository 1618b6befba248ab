#pragma once

#include <optional>

#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/message/circle_sync.hpp"
#include "vivim/message/gossip_circles.hpp"
#include "vivim/message/mailbox_server.hpp"
#include "vivim/message/messenger.hpp"

namespace vivim::message {

struct PostOptions {
  MessengerOptions messenger = {};
  CirclesOptions circles = {};
  bool keeps_for_others = false;  ///< a mailbox
};

/// Everything of a node that messages need, brought up and ended in the order that they need:
/// messages to and from it, a mailbox for others, and, once there is gossip, its circles.
class Post {
 public:
  /// What it stands on; all of it outlives this.
  struct Context {
    libp2p::Host& host;
    rt::Loop& loop;
    store::Store& store;
    rt::Rng& rng;
  };
  /// `key` is the host's identity.
  Post(Context context, const crypto::KeyPair& key, PostOptions options);
  Post(const Post&) = delete;
  Post& operator=(const Post&) = delete;

  /// Sends and receives from now on. Errors: Messenger::start's, Host::handle's.
  rt::Co<Result<void>> start();
  /// The circles speak and hear from now on. Errors: Circles::start's, Host::handle's. `gossip`
  /// outlives this.
  rt::Co<Result<void>> start_circles(libp2p::gossipsub::Service& gossip);
  /// Nobody is waited for any more; before the host's stop(). Also after a start that failed.
  void stop_waiting();
  /// After the host's stop(). Idempotent.
  rt::Co<void> stop();

  /// Circles::join(); others in it are asked for what was said. After start_circles().
  rt::Co<Result<Circles::Joined>> join(CircleSecret secret, std::string name);

  Messenger& messenger() { return messenger_; }
  /// Null before start_circles().
  Circles* circles() { return circles_ ? &*circles_ : nullptr; }

 private:
  Context context_;
  Signer signer_;
  CirclesOptions circles_options_;
  std::optional<MailboxServer> mailbox_;
  Messenger messenger_;
  std::optional<GossipCircles> binding_;
  std::optional<Circles> circles_;
  std::optional<CircleSync> circle_sync_;
  libp2p::Subscription published_;
};

}  // namespace vivim::message
