#pragma once

#include <map>

#include "vivim/libp2p/host/host.hpp"
#include "vivim/libp2p/limits/rate.hpp"
#include "vivim/message/conversation.hpp"
#include "vivim/message/stream_counter.hpp"
#include "vivim/store/messages.hpp"
#include "vivim/store/store.hpp"

namespace vivim::message {

struct MailboxOptions {
  store::MailQuota quota = {};
  /// What one peer may bring, and all: 10 and 1,000 in a second, and some more at once.
  libp2p::limits::PeerRates::Limits rates = {
      .each = {.burst = 256, .interval = std::chrono::milliseconds(100)},
      .all = {.burst = 4096, .interval = std::chrono::milliseconds(1)}};
  std::size_t frames_max = 4096;  ///< of one stream
  StreamLimits streams = {};
  rt::Duration wait_max = std::chrono::seconds(30);  ///< until the next frame
  rt::Duration hold_max = std::chrono::seconds(10);  ///< that a fetch waits for something to come
};

/// Keeps sealed messages for recipients who are away (`/vivim/mailbox/1.0.0`), from its
/// construction on. What it answered `stored` about is durable. It outlives the host's stop().
class MailboxServer {
 public:
  /// All of it outlives this. The error of Host::handle, if there is one, is in status().
  MailboxServer(libp2p::Host& host, rt::Loop& loop, store::Store& store,
                MailboxOptions options = {});
  MailboxServer(const MailboxServer&) = delete;
  MailboxServer& operator=(const MailboxServer&) = delete;

  const Result<void>& status() const { return status_; }
  /// Answers those who wait; before the host stops, which waits for the answers.
  void stop();
  struct Counts {
    std::uint64_t stored = 0;
    std::uint64_t given = 0;  ///< to their recipients, again and again until taken
    std::uint64_t taken = 0;
    std::uint64_t throttled = 0;
    std::uint64_t full = 0;     ///< a quota
    std::uint64_t refused = 0;  ///< not what it should be
  };
  const Counts& counts() const { return counts_; }
  const StreamCounter& streams() const { return streams_; }

 private:
  rt::Co<void> serve(libp2p::InboundStream inbound);
  rt::Co<void> converse(Conversation& conversation, PeerId peer);
  /// `given`: up to where the other side has seen what there is, on this stream.
  rt::Co<std::optional<Frame>> answer(PeerId peer, Frame request, std::int64_t& given);
  rt::Co<Frame> keep(PeerId sender, Mail mail);
  rt::Co<Mails> give(PeerId recipient, std::int64_t& given);
  rt::Co<void> wait_for_mail(PeerId recipient);
  rt::Co<Frame> forget(PeerId recipient, Taken taken);
  void publish(libp2p::metrics::Registry& registry) const;

  rt::Loop& loop_;
  store::Store& store_;
  MailboxOptions options_;
  libp2p::limits::PeerRates rates_;
  StreamCounter streams_;
  Result<void> status_;
  /// Fetches that wait for something for a recipient.
  struct Waiting {
    explicit Waiting(rt::Loop& loop) : came(loop) {}
    rt::Event came;
    std::size_t count = 0;
  };
  std::map<PeerId, Waiting> waiting_;
  bool stopping_ = false;
  Counts counts_;
  libp2p::Subscription published_;
};

}  // namespace vivim::message
