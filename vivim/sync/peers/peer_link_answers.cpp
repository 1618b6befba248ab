#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "vivim/crdt/state_vector.hpp"
#include "vivim/store/envelopes.hpp"
#include "vivim/sync/peers/peer_link.hpp"
#include "vivim/sync/peers/peer_link_detail.hpp"

namespace vivim::sync {
namespace {

constexpr std::array<std::uint8_t, 2> k_empty_update{};
constexpr std::size_t k_envelope_page_bytes = std::size_t{256} << 10;

}  // namespace

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
  const bool writes = channel.own_access == store::Access::write;
  auto known = std::optional(*vector);
  if (session_.knows_envelopes()) {
    known = co_await send_envelopes(id, std::move(*known));
    if (!known || !channels_.contains(id)) {
      co_return;
    }
  }
  auto& document = channels_.at(id)->document();
  const auto subscription = channels_.at(id)->subscription();
  if (!subscription) {
    co_return;
  }
  if (!writes) {
    // Who may not write has nothing to say in its own name.
    session_.send_sync(id, crdt::protocol::SyncType::step2, k_empty_update);
    flush();
    co_return;
  }
  channels_.at(id)->answering = true;
  const auto answered = document.answer_step_one(*subscription, *known);
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

// First what is signed, as it came, oldest first; then the state vector that the peer has with it.
// Nothing: the channel was dropped.
rt::Co<std::optional<Bytes>> PeerLink::send_envelopes(ChannelId id, Bytes state_vector) {
  auto state = crdt::decode_state_vector(state_vector);
  if (!state) {
    drop(id, Reason::malformed, state.error().message());
    co_return std::nullopt;
  }
  const auto document = channels_.at(id)->document().id();
  store::EnvelopeQuery query;
  // To who takes nothing unsigned of us, deletions too go as they came.
  query.deleting = channels_.at(id)->own_access != store::Access::write;
  for (const auto& [client, clock] : *state) {
    query.known.emplace(crdt::value_of(client), clock);
  }
  const auto find = [&](store::Database& database) {
    return store::Envelopes(database).find(document, query);
  };
  const auto seqs = co_await context_.store.read(find);
  if (!seqs) {
    drop(id, Reason::internal, seqs.error().message());
    co_return std::nullopt;
  }
  std::span<const std::uint64_t> left(*seqs);
  while (!left.empty() && !ending_ && channels_.contains(id)) {
    const auto read = [&](store::Database& database) {
      return store::Envelopes(database).read(document, left, k_envelope_page_bytes);
    };
    const auto page = co_await context_.store.read(read);
    if (!page) {
      drop(id, Reason::internal, page.error().message());
      co_return std::nullopt;
    }
    for (const auto& row : page->rows) {
      session_.send_signed(id, row.bytes);
      for (const auto& range : row.written) {
        auto& clock = (*state)[crdt::ClientId{range.client}];
        clock = range.from <= clock ? std::max(clock, range.to) : clock;
      }
    }
    left = left.subspan(page->looked_at);
    flush();
    co_await output_room();
  }
  std::erase_if(*state, [](const auto& entry) { return entry.second == 0; });
  co_return crdt::encode_state_vector(*state);
}

}  // namespace vivim::sync
