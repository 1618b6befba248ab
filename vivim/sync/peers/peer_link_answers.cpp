#include <utility>

#include "vivim/sync/peers/peer_link.hpp"
#include "vivim/sync/peers/peer_link_detail.hpp"

namespace vivim::sync {

// The reader never waits for the writer, or two peers that answer each other could wait for ever;
// so what they ask is queued, and answered one by one while the asker takes the answers. However
// many documents are opened at once, one answer and a little more is in memory.

void PeerLink::ask(ChannelId id) {
  if (!std::exchange(channels_.at(id)->questioning, true)) {
    questions_.push_back(id);
    questioned_.set();
  }
}

rt::Co<void> PeerLink::answer() {
  while (!ending_) {
    if (questions_.empty()) {
      questioned_.reset();
      co_await questioned_.wait();
      continue;
    }
    co_await output_room();
    const auto id = questions_.front();
    questions_.pop_front();
    if (const auto at = channels_.find(id); at != channels_.end()) {
      at->second->questioning = false;
      co_await answer_step_one(id);
      co_await answer_wants(id);
    }
  }
}

rt::Co<void> PeerLink::answer_step_one(ChannelId id) {
  auto& channel = *channels_.at(id);
  const auto vector = std::exchange(channel.step_one, std::nullopt);
  if (!vector || !channel.subscription()) {
    co_return;
  }
  channel.answering = true;
  const auto answered = channel.document().answer_step_one(*channel.subscription(), *vector);
  if (!answered) {
    drop(id, Reason::malformed, answered.error().message());
    co_return;
  }
  while (!ending_) {
    const auto at = channels_.find(id);
    if (at == channels_.end() || !at->second->answering || !at->second->subscription()) {
      co_return;
    }
    co_await answered_.wait();
  }
}

}  // namespace vivim::sync
