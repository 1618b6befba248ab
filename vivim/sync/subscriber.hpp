#pragma once

#include <cstdint>
#include <string_view>

#include "vivim/base/bytes.hpp"
#include "vivim/sync/error.hpp"

namespace vivim::sync {

/// One subscription to one open document; 0 is this node itself.
enum class SubscriberId : std::uint64_t {};

/// Somebody who has a document open: a peer's channel, a browser's socket. The document calls it
/// from the loop; it only queues what is to be sent, and never calls the document from inside
/// these.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  /// An update that others made; it is on this node's disk.
  virtual void on_update(BytesView update) = 0;
  /// A signed update that others made, and what was new in it; it is on this node's disk. Who does
  /// not know envelopes takes the update.
  virtual void on_signed([[maybe_unused]] BytesView envelope, BytesView update) {
    on_update(update);
  }
  /// An update of this subscriber's was not taken, for it may not do what it says; the document is
  /// unchanged, and the subscription goes on.
  virtual void on_denied([[maybe_unused]] std::string_view reason) {}
  /// The answer to this subscriber's step 1: what its state vector lacked. All of it is on disk.
  virtual void on_step_two(BytesView update) = 0;
  /// Everything up to `state_vector` is on disk, this subscriber's updates included.
  virtual void on_durable(BytesView state_vector) = 0;
  /// Somebody's presence changed.
  virtual void on_awareness(BytesView update) = 0;
  /// The document is gone for this subscriber: removed, not shared any more, failed, or the node
  /// stops. It is already unsubscribed.
  virtual void on_end(Reason reason, std::string_view detail) = 0;
};

}  // namespace vivim::sync
