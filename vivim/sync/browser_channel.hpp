#pragma once

#include <deque>
#include <optional>
#include <string>

#include "vivim/base/bytes.hpp"
#include "vivim/base/result.hpp"
#include "vivim/rt/wait.hpp"
#include "vivim/sync/document_hub.hpp"
#include "vivim/sync/subscriber.hpp"

namespace vivim::sync {

/// Bytes that may wait for a browser; one that takes them slower is closed, and syncs again when it
/// comes back.
inline constexpr std::size_t k_browser_backlog_bytes_max = std::size_t{32} << 20;

/// One browser on one document, in y-websocket's framing (docs/protocol/sync.md#to-browsers). It
/// owns no socket: the gateway gives it each message that came and sends each that it has.
class BrowserChannel final : public Subscriber {
 public:
  /// WebSocket close codes; 4400 to 4499 mean "do not come back" to y-websocket.
  static constexpr std::uint16_t k_close_malformed = 4400;
  static constexpr std::uint16_t k_close_gone = 4404;
  static constexpr std::uint16_t k_close_going_away = 1001;
  static constexpr std::uint16_t k_close_internal = 1011;
  static constexpr std::uint16_t k_close_try_again = 1013;

  struct End {
    std::uint16_t code = 1000;
    std::string reason;
  };

  BrowserChannel(rt::Loop& loop, DocumentLease lease);
  ~BrowserChannel() override;

  /// Subscribes, and queues our step 1 and who is present. Errors: too_many_subscribers.
  Result<void> start();
  /// Handles one binary message. On an error the channel has ended with a code.
  Result<void> receive(BytesView message);
  /// Await it after each receive: slows a browser down that sends faster than the disk takes.
  rt::Co<void> room() { co_await lease_->room(); }

  /// The next message to send, if there is one.
  std::optional<Bytes> next_message();
  /// Resumes when there is a message, or the channel has ended.
  rt::Co<void> wait() { co_await readable_.wait(); }
  /// The socket has closed: who waits is woken, and nothing more is queued.
  void leave() { finish(1000, ""); }
  /// Set when the socket is to be closed, after the messages that are left.
  const std::optional<End>& ended() const { return end_; }

  void on_update(BytesView update) override;
  void on_denied(std::string_view reason) override;
  void on_step_two(BytesView update) override;
  void on_durable(BytesView state_vector) override;
  void on_awareness(BytesView update) override;
  void on_end(Reason reason, std::string_view detail) override;

 private:
  Result<void> handle(BytesView message);
  void queue(Bytes message);
  void finish(std::uint16_t code, std::string_view reason);

  DocumentLease lease_;
  rt::Event readable_;
  std::deque<Bytes> messages_;
  std::size_t queued_bytes_ = 0;
  std::optional<SubscriberId> subscription_;
  std::optional<End> end_;
  bool step_one_due_ = false;  ///< the browser asked: tell it what is durable
};

}  // namespace vivim::sync
