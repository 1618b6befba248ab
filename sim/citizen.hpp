#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "peer.hpp"
#include "vivim/libp2p/gossipsub/service.hpp"
#include "vivim/libp2p/kad/dht.hpp"
#include "vivim/message/post.hpp"
#include "vivim/sync/gossip/document_gossip.hpp"

namespace vivim::sim {

/// The rest of a VIVIM node on a Peer: gossip of documents, circles, messages, a mailbox for
/// others, the DHT. It dies and comes back with its peer; what was promised is kept by the disk, or
/// by others.
class Citizen final : public Guest {
 public:
  /// Somebody to be known from the start.
  struct Contact {
    multiformats::PeerId peer;
    multiformats::Multiaddr address;  ///< with /p2p
  };
  struct Options {
    std::vector<Contact> contacts;
    std::vector<multiformats::Multiaddr> mailboxes;
    bool keeps_for_others = false;
    message::CircleSecret circle;
    /// Something of the circle came, and is not yet in knows().
    std::function<void(const std::string& text, message::Order order)> on_said = {};
    rt::Duration republish = std::chrono::minutes(2);  ///< of the DHT
  };

  explicit Citizen(Options options) : options_(std::move(options)) {}

  rt::Co<bool> start(Peer& peer) override;
  /// Documents were shared or joined: their edits go over gossip too from now on.
  rt::Co<void> refresh_shares();
  void quit() override;
  rt::Co<void> stop() override;
  bool running() const { return dht_ != nullptr; }

  // Each: whether it was acknowledged. Only while it runs.

  /// The payload is `text`.
  rt::Co<bool> send(multiformats::PeerId to, std::string text, message::Delivery delivery,
                    message::Priority priority);
  /// To the circle that all are in.
  rt::Co<bool> say(std::string text);
  /// Publishes a value with a sequence number that grows, and keeps it published over restarts.
  rt::Co<bool> put(std::uint64_t sequence);

  // What came of it.

  /// How often the effect of each message of `from` came.
  rt::Co<std::optional<std::map<std::string, std::int64_t>>> effects(multiformats::PeerId from);
  /// How often each text of the circle is among what was received.
  rt::Co<std::optional<std::map<std::string, int>>> heard();
  /// Whether the DHT names `provider` as one who has what it provides.
  rt::Co<bool> finds(multiformats::PeerId provider);
  /// The sequence number under which the DHT has what `publisher` has put.
  rt::Co<std::optional<std::uint64_t>> value_of(multiformats::PeerId publisher);
  /// What is on its way to others, while it runs.
  std::vector<message::Pending> pending() { return post_->messenger().pending(); }
  /// While it runs: every text of the circle that it has received, in all its lives.
  const std::set<std::string>& knows() const { return knows_; }
  const message::CirclesCounts* circle_counts() {
    auto* const circles = post_ ? post_->circles() : nullptr;
    return circles != nullptr ? &circles->counts() : nullptr;
  }

 private:
  /// A call that stop() waits for.
  class Call;

  rt::Co<bool> start_messages(Peer& peer);
  rt::Co<bool> start_dht(Peer& peer);
  void know_others(Peer& peer);
  void hear(const message::CircleMessage& said);
  Bytes record(std::uint64_t sequence) const;

  Options options_;
  Peer* peer_ = nullptr;
  std::optional<libp2p::gossipsub::Service> gossip_;
  std::optional<sync::DocumentGossip> document_gossip_;
  std::optional<message::Post> post_;
  std::set<std::string> knows_;
  std::unique_ptr<libp2p::kad::Dht> dht_;
  std::size_t calls_ = 0;
  std::optional<rt::Event> quiet_;  ///< no call is under way
};

}  // namespace vivim::sim
