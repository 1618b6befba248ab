#pragma once

#include <optional>

#include "vivim/gateway/events.hpp"
#include "vivim/gateway/services.hpp"
#include "vivim/message/post.hpp"
#include "vivim/node/config.hpp"

namespace vivim::node {

/// The messages of a node, for the API: sends and receives from start() on; before it, what came
/// can be read.
class MessageService final : public gateway::MessageService {
 public:
  /// What it stands on; all of it outlives this.
  struct Context {
    libp2p::Host& host;
    rt::Loop& loop;
    store::Store& store;
    rt::Rng& rng;
    gateway::EventHub& events;
  };
  MessageService(Context context, const crypto::KeyPair& key);

  /// Problems: what is on its way cannot be read.
  rt::Co<Outcome<void>> start(const MessageConfig& config);
  /// The circles begin to speak and hear. Problems: they cannot be read, or their topics joined.
  rt::Co<Outcome<void>> start_circles(libp2p::gossipsub::Service& gossip);
  /// Nobody is waited for any more; before the host's stop().
  void stop_waiting();
  /// After the host's stop(). Idempotent.
  rt::Co<void> stop();

  rt::Co<Outcome<std::string>> send(gateway::NewMessage message) override;
  rt::Co<Outcome<gateway::MessageList>> messages(std::size_t limit) override;
  rt::Co<Outcome<void>> remove_message(std::int64_t number) override;
  rt::Co<Outcome<std::uint64_t>> remove_messages_from(std::string peer) override;

  rt::Co<Outcome<std::vector<gateway::CircleStatus>>> circles() override;
  rt::Co<Outcome<gateway::CircleStatus>> join_circle(std::string name, std::string secret) override;
  rt::Co<Outcome<void>> leave_circle(std::string id) override;
  rt::Co<Outcome<std::string>> say(std::string id, std::string subtopic, std::string text) override;

 private:
  /// Null while there are none.
  message::Circles* circles_of_node();

  Context context_;
  crypto::KeyPair key_;
  std::optional<message::Post> post_;
};

}  // namespace vivim::node
