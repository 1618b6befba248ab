#include "vivim/sync/browser_channel.hpp"

#include <utility>

#include "vivim/crdt/lib0.hpp"
#include "vivim/crdt/sync_protocol.hpp"

namespace vivim::sync {

using crdt::protocol::SyncType;
using crdt::protocol::WebsocketType;

BrowserChannel::BrowserChannel(rt::Loop& loop, DocumentLease lease)
    : lease_(std::move(lease)), readable_(loop) {}

BrowserChannel::~BrowserChannel() {
  if (subscription_) {
    lease_->unsubscribe(*subscription_);
  }
}

Result<void> BrowserChannel::start() {
  VIVIM_TRY(subscription_, lease_->subscribe(*this));
  queue(crdt::protocol::websocket_sync(SyncType::step1, lease_->durable()));
  queue(crdt::protocol::websocket_awareness(lease_->awareness()));
  return {};
}

Result<void> BrowserChannel::receive(BytesView message) {
  if (end_ || !subscription_) {
    return {};
  }
  auto handled = handle(message);
  if (!handled) {
    const bool theirs = handled.error().blame() == Blame::peer;
    finish(theirs ? k_close_malformed : k_close_internal, handled.error().message());
  }
  return handled;
}

Result<void> BrowserChannel::handle(BytesView message) {
  crdt::lib0::Decoder in(message);
  while (!in.at_end()) {
    VIVIM_TRY(const auto type, in.var_uint());
    if (type == std::to_underlying(WebsocketType::sync)) {
      VIVIM_TRY(const auto sync, crdt::protocol::read_sync(in));
      VIVIM_TRYV(sync.type == SyncType::step1
                     ? lease_->answer_step_one(*subscription_, sync.payload)
                     : lease_->receive(*subscription_, sync.payload));
    } else if (type == std::to_underlying(WebsocketType::awareness)) {
      VIVIM_TRY(const auto update, in.var_bytes());
      VIVIM_TRYV(lease_->receive_awareness(*subscription_, update));
      // y-websocket's provider takes a line on which nothing comes for 30 s for dead: its own
      // presence, which it renews every 15 s, comes back to it.
      queue(crdt::protocol::websocket_awareness(update));
    } else if (type == std::to_underlying(WebsocketType::query_awareness)) {
      queue(crdt::protocol::websocket_awareness(lease_->awareness()));
    } else {
      return {};  // of a later version: the rest cannot be read, and need not be
    }
  }
  return {};
}

std::optional<Bytes> BrowserChannel::next_message() {
  if (messages_.empty()) {
    if (!end_) {
      readable_.reset();
    }
    return std::nullopt;
  }
  auto message = std::move(messages_.front());
  messages_.pop_front();
  queued_bytes_ -= message.size();
  return message;
}

void BrowserChannel::on_update(BytesView update) {
  queue(crdt::protocol::websocket_sync(SyncType::update, update));
}

void BrowserChannel::on_denied(std::string_view reason) {
  queue(crdt::protocol::websocket_denied(reason));
}

void BrowserChannel::on_step_two(BytesView update) {
  queue(crdt::protocol::websocket_sync(SyncType::step2, update));
  step_one_due_ = true;
}

void BrowserChannel::on_durable(BytesView state_vector) {
  if (std::exchange(step_one_due_, false)) {
    queue(crdt::protocol::websocket_sync(SyncType::step1, state_vector));
  }
}

void BrowserChannel::on_awareness(BytesView update) {
  queue(crdt::protocol::websocket_awareness(update));
}

void BrowserChannel::on_end(Reason reason, std::string_view detail) {
  subscription_.reset();
  switch (reason) {
    case Reason::shutting_down:
      finish(k_close_going_away, detail);
      return;
    case Reason::internal:
      finish(k_close_internal, detail);
      return;
    default:
      finish(k_close_gone, detail);
  }
}

void BrowserChannel::queue(Bytes message) {
  if (end_) {
    return;
  }
  queued_bytes_ += message.size();
  messages_.push_back(std::move(message));
  if (queued_bytes_ > k_browser_backlog_bytes_max) {
    messages_.clear();
    queued_bytes_ = 0;
    finish(k_close_try_again, "too much is waiting: sync again");
  }
  readable_.set();
}

void BrowserChannel::finish(std::uint16_t code, std::string_view reason) {
  if (!end_) {
    end_ = End{.code = code, .reason = std::string(reason.substr(0, 120))};
  }
  readable_.set();
}

}  // namespace vivim::sync
