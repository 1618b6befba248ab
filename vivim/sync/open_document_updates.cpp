// What comes into an open document: who sends it is asked, what it may not do is left out or
// refused, the rest is integrated and queued for the disk.
#include <algorithm>
#include <bit>
#include <iterator>
#include <set>
#include <utility>

#include "vivim/base/log.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crdt/update_split.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/sync/error.hpp"
#include "vivim/sync/open_document.hpp"

namespace vivim::sync {

UpdateSource OpenDocument::source_of(SubscriberId from) const {
  const auto at = subscribers_.find(from);
  if (at == subscribers_.end() || !at->second.peer) {
    return {.from = from, .guest = true, .access = authorship_.access(), .peer = {}};
  }
  const auto& peer = *at->second.peer;
  return {.from = from, .guest = false, .access = peer.access, .peer = peer.peer};
}

void OpenDocument::set_access(SubscriberId subscriber, store::Access access) {
  const auto at = subscribers_.find(subscriber);
  if (at != subscribers_.end() && at->second.peer) {
    at->second.peer->access = access;
  }
}

Result<void> OpenDocument::receive(SubscriberId from, BytesView update) {
  if (broken_) {
    return fail(*broken_);
  }
  const auto source = source_of(from);
  Bytes rest;
  if (authorship_.any_bound()) {
    VIVIM_TRY(rest, without_unsigned(source, update));
    update = rest;
  }
  VIVIM_TRY(const bool may, permitted(source, update));
  if (!may) {
    return {};
  }
  VIVIM_TRY(auto news, doc_.apply(update, crdt::Origin{std::to_underlying(from)}));
  report_equivocations();
  drop_told(news, update, update);
  if (source.guest) {
    enqueue_signing(std::move(news), from);
  } else {
    enqueue(std::move(news), from);
  }
  return {};
}

void OpenDocument::drop_told(std::vector<Bytes>& news, BytesView update, BytesView came) {
  if (!doc_.parked()) {
    told_.reset();
    return;
  }
  if (news.size() != 1 || !std::ranges::equal(news.front(), update)) {
    return;
  }
  if (!told_) {
    told_.emplace(k_told_max);
  }
  const auto digest = crypto::sha256(came);  // a signature is news, too
  const auto key = to_bytes(BytesView(digest));
  if (told_->find(key) != nullptr) {
    news.clear();
  }
  told_->put(key, true);
}

Result<void> OpenDocument::receive_signed(SubscriberId from, BytesView envelope) {
  if (broken_) {
    return fail(*broken_);
  }
  VIVIM_TRY(const auto opened, crdt::open_envelope(id_.view(), envelope));
  auto source = source_of(from);
  source.author = &opened.key;
  if (authorship_.steals(opened)) {
    refuse(source, Error(SyncError::foreign_client));
    return {};
  }
  const auto known = [clock = known_clocks()](crdt::ClientId client) { return clock(client) > 0; };
  if (authorship_.takes_over(opened, source, known)) {
    return receive(from, opened.update);  // what nobody signed before goes on so
  }
  VIVIM_TRY(const bool may, permitted(source, opened.update, &opened.extent));
  if (!may) {
    return {};
  }
  VIVIM_TRY(auto news, doc_.apply(opened.update, crdt::Origin{std::to_underlying(from)}));
  report_equivocations();
  drop_told(news, opened.update, envelope);
  if (!news.empty()) {
    auto stored = stored_form(envelope, opened);
    authorship_.bind(stored);
    enqueue(std::move(news), from, std::move(stored));
  }
  return {};
}

// The clock behind what the document has of a client. To be used before the document changes.
std::function<std::uint64_t(crdt::ClientId)> OpenDocument::known_clocks() {
  return [this, state = std::optional<crdt::StateVector>()](crdt::ClientId client) mutable {
    if (!state) {
      state = doc_.state_vector().value_or(crdt::StateVector());
    }
    const auto at = state->find(client);
    return at == state->end() ? std::uint64_t{0} : at->second;
  };
}

// Operations under an id that is bound to a key are taken with a signature only. The rest of the
// update is as good as without them: who sends it may have taken them from somebody worse.
Result<Bytes> OpenDocument::without_unsigned(const UpdateSource& source, BytesView update) {
  const auto known = known_clocks();
  bool cut = false;
  bool refused = false;
  const auto cut_at = [&](const crdt::WrittenRange& range) {
    const std::uint64_t from = authorship_.signed_from(range, source);
    if (from < range.clocks.to && range.clocks.to > known(range.client)) {
      cut = true;
      // What waits here with its signature is sent again by who has it without.
      refused = refused || !authorship_.came_signed(range);
      return from;
    }
    return range.clocks.to;
  };
  VIVIM_TRY(auto rest, crdt::without(update, cut_at));
  if (refused) {
    refuse(source, Error(SyncError::not_signed));
  }
  return cut ? std::move(rest) : to_bytes(update);
}

// Asks before anything of the update is integrated.
Result<bool> OpenDocument::permitted(const UpdateSource& source, BytesView update,
                                     const crdt::UpdateExtent* extent) {
  const auto rights = authorship_.rights(source);
  if (rights == store::Access::write) {
    return true;
  }
  crdt::UpdateExtent read;
  if (extent == nullptr) {
    VIVIM_TRY(read, crdt::extent_of(update));
    extent = &read;
  }
  if (extent->written.empty() && !extent->deletes) {
    return true;
  }
  VIVIM_TRY(const auto effects, crdt::effects_of(doc(), update));
  if (effects.empty() ||
      (rights == store::Access::contribute && authorship_.contributes(source, effects))) {
    return true;
  }
  refuse(source, Error(SyncError::not_permitted));
  return false;
}

void OpenDocument::refuse(const UpdateSource& source, const Error& why) {
  ++refused_;
  const auto at = subscribers_.find(source.from);
  if (at == subscribers_.end()) {
    return;
  }
  // A peer that goes on and on shall not fill the log.
  if (std::has_single_bit(++at->second.refused)) {
    log::write(log::Level::warning, "sync", "an update was not taken",
               {{"document", std::string_view(id_.to_text())},
                {"from", std::string_view(to_hex(source.peer))},
                {"why", std::string_view(why.message())},
                {"refused", at->second.refused}});
  }
  at->second.subscriber->on_denied(why.message());
}

rt::Co<Result<void>> OpenDocument::edit(std::function<void(crdt::Doc&)> body) {
  if (broken_) {
    co_return fail(*broken_);
  }
  if (authorship_.access() == store::Access::write) {
    VIVIM_CO_TRY(auto news, doc_.edit(body));
    enqueue_signing(std::move(news), SubscriberId{0});
  } else {
    VIVIM_CO_TRY(auto news, try_edit(body));
    enqueue_signing(std::move(news), SubscriberId{0});
  }
  co_return co_await flush();
}

// Where this node may not everything, its edits are made in a copy first.
Result<std::vector<Bytes>> OpenDocument::try_edit(const std::function<void(crdt::Doc&)>& body) {
  VIVIM_TRY(const Bytes state, doc_.encode());
  crdt::Doc copy(doc().client_id());
  VIVIM_TRYV(crdt::apply_update(copy, state));
  const Bytes before = crdt::encode_state_vector(copy);
  body(copy);
  VIVIM_TRY(const Bytes update, crdt::encode_state_as_update(copy, before));
  const auto source = source_of(SubscriberId{0});
  VIVIM_TRY(const auto effects, crdt::effects_of(doc(), update));
  if (!effects.empty() &&
      (source.access == store::Access::read || !authorship_.contributes(source, effects))) {
    return fail(SyncError::not_permitted);
  }
  return doc_.apply(update);
}

void OpenDocument::enqueue(std::vector<Bytes> updates, SubscriberId from,
                           std::optional<store::Envelope> envelope) {
  for (auto& update : updates) {
    queued_bytes_ += update.size();
    ++queued_count_;
    queue_.push_back({.update = std::move(update),
                      .from = from,
                      .envelope = std::exchange(envelope, std::nullopt)});  // with the first
  }
  if (!updates.empty()) {
    start_writing();
  }
}

// An update can bring along what waited for it, and others wrote: by hands, for each is signed
// apart. What others wrote was signed when it came.
std::vector<Bytes> OpenDocument::by_hand(Bytes update) const {
  using Hand = Authorship::Hand;
  const auto extent = crdt::extent_of(update);
  std::set<Hand> hands;
  for (std::size_t i = 0; extent && i < extent->written.size(); ++i) {
    hands.insert(authorship_.hand_of(extent->written[i].client));
  }
  std::vector<Bytes> parts;
  for (const Hand hand : authorship_.signing() && hands.size() > 1 ? hands : std::set<Hand>()) {
    auto part = crdt::without(update, [&](const crdt::WrittenRange& range) {
      return authorship_.hand_of(range.client) == hand ? range.clocks.to : range.clocks.from;
    });
    if (!part) {
      break;
    }
    parts.push_back(std::move(*part));
  }
  if (parts.size() < hands.size() || parts.empty()) {
    parts.clear();
    parts.push_back(std::move(update));
  }
  return parts;
}

// What this node or a guest wrote: cut into parts that any peer takes, each signed.
void OpenDocument::enqueue_signing(std::vector<Bytes> updates, SubscriberId from) {
  for (auto& update : updates) {
    std::vector<Bytes> parts;
    for (Bytes& hand : by_hand(std::move(update))) {
      std::vector<Bytes> cut;
      if (hand.size() > k_update_part_bytes) {
        cut = crdt::split_update(hand, k_update_part_bytes).value_or(std::vector<Bytes>());
      }
      if (cut.empty()) {
        cut.push_back(std::move(hand));
      }
      std::ranges::move(cut, std::back_inserter(parts));
    }
    for (auto& part : parts) {
      auto envelope = authorship_.sign(part);
      std::vector<Bytes> one;
      one.push_back(std::move(part));
      enqueue(std::move(one), from, std::move(envelope));
    }
  }
}

}  // namespace vivim::sync
