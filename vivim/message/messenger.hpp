#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "vivim/base/recent.hpp"
#include "vivim/crypto/ed25519.hpp"
#include "vivim/crypto/x25519.hpp"
#include "vivim/libp2p/host/host.hpp"
#include "vivim/message/conversation.hpp"
#include "vivim/message/envelope.hpp"
#include "vivim/message/inbox.hpp"
#include "vivim/message/outbox.hpp"
#include "vivim/message/stream_counter.hpp"
#include "vivim/rt/task_group.hpp"
#include "vivim/store/messages.hpp"
#include "vivim/store/store.hpp"

namespace vivim::message {

using multiformats::Multiaddr;

/// Mailboxes that a node is configured with.
inline constexpr std::size_t k_mailboxes_max = 8;

/// Something that became of a message.
struct MessageEvent {
  enum class Kind : std::uint8_t {
    received,   ///< it came, and is durable
    delivered,  ///< its recipient has it
    stored,     ///< a mailbox keeps it for its recipient
    expired,    ///< nobody acknowledged it in time
    refused,    ///< its recipient does not want it
  };
  Kind kind;
  PeerId peer;  ///< the other side
  MessageId id;
  const Message* message = nullptr;  ///< of received
};

struct MessengerTimes {
  OutboxTimes outbox = {};
  rt::Duration wait_max = std::chrono::seconds(20);        ///< for an answer
  rt::Duration fetch_interval = std::chrono::seconds(10);  ///< how often mailboxes are looked for
};

struct MessengerOptions {
  /// Peers that keep messages, for us and for those we write to; each ends in /p2p/<id>.
  std::vector<Multiaddr> mailboxes = {};
  InboxLimits inbox = {};
  OutboxLimits outbox = {};
  store::MessageQuota quota = {};
  MessengerTimes times = {};
  StreamLimits streams = {};      ///< inbound
  std::size_t frames_max = 4096;  ///< of one stream
  /// Mails of one mailbox, and of all, that bring nothing new: 50 and 200 in a second, and some
  /// more at once. A mailbox that gives more is asked again later.
  libp2p::limits::PeerRates::Limits idle_mails = {
      .each = {.burst = 2048, .interval = std::chrono::milliseconds(20)},
      .all = {.burst = 8192, .interval = std::chrono::milliseconds(5)}};
  /// Must not await.
  std::function<void(const MessageEvent&)> on_event = {};
  /// Runs on the database's thread, in the transaction that makes a message durable: for what is
  /// exactly once, exactly once. An error undoes it all, and the message comes again.
  std::function<Result<void>(store::Database&, const Message&)> effect = {};
};

/// A message to be sent.
struct Draft {
  PeerId to;
  Bytes payload;
  Priority priority = Priority::normal;
  Delivery delivery = Delivery::at_least_once;
  std::chrono::seconds lifetime = std::chrono::hours(24 * 7);
};

/// One that is on its way.
struct Pending {
  MessageId id;
  PeerId to;
  Priority priority;
  Delivery delivery;
  std::int64_t expires_ms = 0;
  bool stored = false;  ///< a mailbox keeps it
};

struct MessengerCounts {
  std::uint64_t sent = 0;  ///< messages that somebody here wrote
  std::uint64_t received = 0;
  std::uint64_t delivered = 0;
  std::uint64_t stored = 0;
  std::uint64_t expired = 0;
  std::uint64_t refused = 0;
  std::uint64_t fetched = 0;  ///< mails of mailboxes
  std::uint64_t broken = 0;   ///< mails that cannot be opened, and streams that broke off
};

/// Messages from and to this node: direct where the other is there, through mailboxes where not
/// (docs/protocol/message.md). What send() returned for anything but best effort is durable, and is
/// tried until its recipient acknowledged it or its lifetime is over.
class Messenger {
 public:
  /// `key` is the host's identity. Host, loop, store and rng outlive this.
  Messenger(libp2p::Host& host, rt::Loop& loop, store::Store& store, rt::Rng& rng,
            const crypto::KeyPair& key, MessengerOptions options);
  ~Messenger();
  Messenger(const Messenger&) = delete;
  Messenger& operator=(const Messenger&) = delete;

  /// Reads what is on its way, serves, and sends. Errors: the store's, Host::handle's.
  rt::Co<Result<void>> start();
  /// Awaited after the host's stop(), if it was started: whatever still uses the host ends then.
  rt::Co<void> stop();

  /// Errors: malformed, too_large, full, unknown_recipient (ourselves), the store's.
  rt::Co<Result<MessageId>> send(Draft draft);

  /// What is on its way, receipts apart.
  std::vector<Pending> pending() const;
  const MessengerCounts& counts() const { return counts_; }
  /// Inbound.
  const StreamCounter& streams() const { return streams_; }

 private:
  // messenger.cpp
  rt::Co<Result<void>> load();
  rt::Co<void> pump();
  void wake();
  rt::Co<void> expire();
  void on_host_event(const libp2p::HostEvent& event);
  void emit(MessageEvent::Kind kind, const PeerId& peer, const MessageId& id,
            const Message* message = nullptr);
  void publish(libp2p::metrics::Registry& registry) const;
  rt::Co<Result<void>> queue(const Message& message);
  rt::Co<Result<void>> forget(PeerId to, MessageId id);

  // messenger_send.cpp
  rt::Co<void> serve_lane(Outbox::Batch batch);
  rt::Co<BatchEnd> deliver(Outbox::Batch& batch);
  rt::Co<void> settle(PeerId to, MessageId id, Status status);
  rt::Co<void> deposit(PeerId to);
  /// Where somebody may be, and how to get there; no addresses: those that the host knows.
  struct Place {
    PeerId peer;
    std::vector<Multiaddr> addresses;
  };
  rt::Co<bool> deposit_at(Place mailbox, std::vector<Outgoing> messages);
  std::vector<Place> mailboxes_for(const PeerId& recipient);
  rt::Co<Result<std::unique_ptr<Conversation>>> converse(Place place, std::string_view protocol,
                                                         std::size_t frame_bytes_max);

  // messenger_receive.cpp
  rt::Co<void> serve(libp2p::InboundStream inbound);
  rt::Co<void> answer_all(Conversation& conversation);
  struct TakenMessage {
    Status status;
    std::optional<Message> message;
    bool fresh = false;  ///< it was not here before, and is now
  };
  rt::Co<TakenMessage> take(Bytes envelope);
  rt::Co<store::Messages::Taken> keep(const Message& message);
  rt::Co<void> take_receipt(const Message& receipt);
  void start_fetching();
  rt::Co<void> fetch(PeerId mailbox);
  rt::Co<bool> take_mails(Conversation& conversation, PeerId mailbox, Mails mails, bool& left);
  using Arrived = std::map<PeerId, std::vector<MessageId>>;
  rt::Co<TakenMessage> take_mail(const PeerId& mailbox, const Mail& mail, Arrived& arrived);
  rt::Co<Result<void>> acknowledge(Arrived arrived);
  void note_receipt(const Message& message);
  rt::Co<void> reach_mailbox(Multiaddr mailbox);

  libp2p::Host& host_;
  rt::Loop& loop_;
  store::Store& store_;
  rt::Rng& rng_;
  PeerId self_;
  Signer signer_;
  crypto::X25519KeyPair own_;
  MessengerOptions options_;
  Inbox inbox_;
  Outbox outbox_;
  std::unique_ptr<rt::Timer> timer_;
  rt::TimePoint fetch_at_{};
  std::set<PeerId> keepers_;   ///< connected peers that are mailboxes
  std::set<PeerId> fetching_;  ///< of them, who is being asked
  std::set<PeerId> depositing_;
  /// Through which mailbox somebody wrote to us: they look there.
  Recent<PeerId, PeerId> came_through_;
  /// Receipts were written for these: one each, whoever repeats them.
  Recent<std::pair<PeerId, MessageId>, bool> acknowledged_;
  libp2p::limits::PeerRates idle_mails_;
  StreamCounter streams_;
  MessengerCounts counts_;
  libp2p::Subscription watching_;
  libp2p::Subscription published_;
  rt::TaskGroup tasks_;
};

}  // namespace vivim::message
