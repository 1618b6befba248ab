#include "vivim/sync/open_document.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/crypto/hash.hpp"
#include "vivim/store/search.hpp"

namespace vivim::sync {

namespace {

// Of a node without a key: as Yjs draws it.
crdt::ClientId drawn_client(std::uint64_t session) {
  return crdt::ClientId{1 + session % (crdt::k_random_clients - 1)};
}

std::string hash_of(BytesView bytes) {
  return to_hex(BytesView(crypto::sha256(bytes)));
}

}  // namespace

OpenDocument::OpenDocument(store::DocumentId id, std::uint64_t session,
                           const DocumentContext& context)
    : id_(id),
      tasks_(context.tasks),
      store_(context.store),
      key_(context.key),
      refused_(context.refused),
      compaction_(context.compaction),
      authorship_(id, context.key, session, context.common),
      doc_(authorship_.own_client().value_or(drawn_client(session)), {}, &context.residents),
      progress_(context.tasks.loop()) {}

OpenDocument::~OpenDocument() {
  VIVIM_ASSERT(!writing_);
}

rt::Co<Result<void>> OpenDocument::load() {
  const auto id = id_;
  struct Stored {
    store::DocumentLog log;
    StoredAuthorship authorship;
    std::vector<store::ClientClocks> signed_here;
  };
  const Bytes own_key = key_ != nullptr ? key_->public_key().encode() : Bytes();
  const auto job = [id, &own_key](store::Database& database) -> Result<Stored> {
    Stored stored;
    VIVIM_TRY(stored.signed_here, store::Envelopes(database).signed_by(id, own_key));
    VIVIM_TRY(stored.log, store::Documents(database).load(id));
    VIVIM_TRY(stored.authorship, read_authorship(database, id));
    return stored;
  };
  VIVIM_CO_TRY(auto stored, co_await store_.read(job));
  authorship_.load(std::move(stored.authorship));
  auto& log = stored.log;
  if (log.snapshot) {
    doc_.load(std::move(*log.snapshot));
  }
  last_seq_ = log.snapshot_seq;
  tail_.updates = log.updates.size();
  for (auto& update : log.updates) {
    last_seq_ = update.seq;
    tail_.bytes += update.bytes.size();
    doc_.load(std::move(update.bytes));
  }
  VIVIM_CO_TRY(const auto state, doc_.state_vector());
  durable_ = crdt::encode_state_vector(state);
  const bool lost = std::ranges::any_of(stored.signed_here, [&](const auto& range) {
    const auto known = state.find(crdt::ClientId{range.client});
    return known != state.end() && known->second > range.to;
  });
  if (lost) {
    // Nobody would take it of us: by a fault of an earlier version, say. Others take it when they
    // sync next.
    VIVIM_CO_TRY(const Bytes snapshot, doc_.encode());
    co_await consolidate_envelopes(snapshot, 0);
  }
  co_return Result<void>{};
}

// load() has read every byte, so what is wrong with them later is our fault.
crdt::Doc& OpenDocument::doc() {
  const auto doc = doc_.doc();
  VIVIM_ASSERT(doc.has_value());
  return **doc;
}

Result<SubscriberId> OpenDocument::subscribe(Subscriber& subscriber,
                                             std::optional<SubscriberPeer> peer) {
  if (subscribers_.size() >= k_subscribers_max) {
    return fail(SyncError::too_many_subscribers, k_subscribers_max);
  }
  const SubscriberId id{next_subscriber_++};
  subscribers_.emplace(
      id, Entry{.subscriber = &subscriber, .peer = std::move(peer), .refused = 0, .clients = {}});
  return id;
}

void OpenDocument::unsubscribe(SubscriberId subscriber) {
  const auto at = subscribers_.find(subscriber);
  if (at == subscribers_.end()) {
    return;
  }
  const std::vector<crdt::ClientId> clients(at->second.clients.begin(), at->second.clients.end());
  subscribers_.erase(at);
  step_ones_.erase(subscriber);
  const auto change = awareness_.remove(clients, now_ms());
  relay_awareness(change.all(), subscriber);
}

void OpenDocument::report_equivocations() {
  for (const auto& found : doc_.take_equivocations()) {
    // Who may only read can go on and on: neither shall that fill the log, nor the text go there.
    if (std::has_single_bit(++equivocations_)) {
      log::write(log::Level::warning, "sync", "a client wrote two things under one id",
                 {{"document", std::string_view(id_.to_text())},
                  {"client", crdt::value_of(found.client)},
                  {"clock", found.clocks.from},
                  {"from", found.from.id},
                  {"kept_from", found.kept_from.id},
                  {"kept", std::string_view(hash_of(found.kept))},
                  {"refused", std::string_view(hash_of(found.refused))},
                  {"found", equivocations_}});
    }
  }
}

Result<void> OpenDocument::answer_step_one(SubscriberId from, BytesView state_vector) {
  VIVIM_TRYV(crdt::decode_state_vector(state_vector));
  step_ones_[from] = to_bytes(state_vector);
  start_writing();
  return {};
}

Result<void> OpenDocument::receive_awareness(SubscriberId from, BytesView update) {
  VIVIM_TRY(const auto change,
            awareness_.apply(update, crdt::Origin{std::to_underlying(from)}, now_ms()));
  if (const auto at = subscribers_.find(from); at != subscribers_.end()) {
    at->second.clients.insert(change.added.begin(), change.added.end());
    for (const auto client : change.removed) {
      at->second.clients.erase(client);
    }
  }
  relay_awareness(change.all(), from);
  return {};
}

void OpenDocument::expire_awareness() {
  const auto change = awareness_.expire(now_ms());
  relay_awareness(change.removed, SubscriberId{0});
}

void OpenDocument::go_on() {
  if (!broken_ && doc_.work_left()) {
    if (auto news = doc_.apply(Bytes{0, 0})) {
      enqueue(std::move(*news), SubscriberId{0});  // of whoever wrote it, and sent on before
    }
  }
}

rt::Co<Result<void>> OpenDocument::flush() {
  const auto target = queued_count_;
  while (!broken_ && durable_count_ < target) {
    co_await progress_.wait();
  }
  if (broken_) {
    co_return fail(*broken_);
  }
  co_return Result<void>{};
}

rt::Co<void> OpenDocument::room() {
  while (!broken_ && queued_bytes_ > k_backlog_bytes_max) {
    co_await progress_.wait();
  }
}

void OpenDocument::end(Reason reason, std::string_view detail) {
  for (const auto& [id, entry] : std::exchange(subscribers_, {})) {
    entry.subscriber->on_end(reason, detail);
  }
  step_ones_.clear();
}

void OpenDocument::start_writing() {
  if (!writing_ && !broken_ && !tasks_.stopping()) {
    writing_ = true;
    tasks_.spawn("document log", write());
  }
}

rt::Co<void> OpenDocument::write() {
  while (!broken_ && (!queue_.empty() || !step_ones_.empty())) {
    auto batch = take_batch();
    if (!batch.updates.empty()) {
      const auto appended = co_await append(batch.updates);
      if (!appended) {
        break_down(appended.error());
        break;
      }
    }
    auto snapshot = std::exchange(batch.snapshot, std::nullopt);
    deliver(std::move(batch));
    wake_waiters();
    if (snapshot) {
      co_await compact(std::move(*snapshot));
    }
  }
  writing_ = false;
}

OpenDocument::Batch OpenDocument::take_batch() {
  const auto state = doc_.state_vector();
  VIVIM_ASSERT(state.has_value());
  Batch batch{.updates = std::exchange(queue_, {}),
              .answers = {},
              .state_vector = crdt::encode_state_vector(*state),
              .snapshot = std::nullopt};
  // The answers and the snapshot hold nothing that this batch does not put on disk: later edits are
  // not in the document yet. A snapshot with more would be without its envelopes after a kill.
  for (const auto& [to, state_vector] : std::exchange(step_ones_, {})) {
    if (auto update = doc_.encode(state_vector)) {
      batch.answers.push_back({.to = to, .update = std::move(*update)});
    }
  }
  store::LogTail tail = tail_;
  tail.updates += batch.updates.size();
  for (const auto& queued : batch.updates) {
    tail.bytes += queued.update.size();
  }
  if (compaction_.due(tail)) {
    VIVIM_ASSERT(doc_.compact());
    batch.snapshot = doc_.encode().value_or(Bytes());
  }
  return batch;
}

rt::Co<Result<void>> OpenDocument::append(const std::vector<Queued>& updates) {
  std::size_t bytes = 0;
  for (const auto& queued : updates) {
    bytes += queued.update.size() + (queued.envelope ? queued.envelope->bytes.size() : 0);
  }
  const auto id = id_;
  const auto job = [id, &updates](store::Database& database) -> Result<std::uint64_t> {
    store::Documents documents(database);
    std::uint64_t seq = 0;
    for (const auto& queued : updates) {
      VIVIM_TRY(seq, documents.append_update(id, queued.update));
      if (queued.envelope) {
        VIVIM_TRYV(store::Envelopes(database).add(id, *queued.envelope));
      }
    }
    // In the same transaction, so that a kill cannot leave the index behind for good.
    VIVIM_TRYV(store::Search(database).enqueue(id));
    return seq;
  };
  VIVIM_CO_TRY(last_seq_, co_await store_.write(job, bytes));
  tail_.updates += updates.size();
  for (const auto& queued : updates) {
    tail_.bytes += queued.update.size();
  }
  co_return Result<void>{};
}

void OpenDocument::deliver(Batch batch) {
  durable_ = std::move(batch.state_vector);
  durable_count_ += batch.updates.size();
  for (const auto& queued : batch.updates) {
    queued_bytes_ -= queued.update.size();
  }
  for (const auto& [id, entry] : subscribers_) {
    for (const auto& queued : batch.updates) {
      if (queued.from != id) {
        if (queued.envelope) {
          entry.subscriber->on_signed(queued.envelope->bytes, queued.update);
        } else {
          entry.subscriber->on_update(queued.update);
        }
      }
    }
  }
  for (const auto& answer : batch.answers) {
    if (const auto at = subscribers_.find(answer.to); at != subscribers_.end()) {
      at->second.subscriber->on_step_two(answer.update);
      if (batch.updates.empty()) {
        at->second.subscriber->on_durable(durable_);
      }
    }
  }
  if (batch.updates.empty()) {
    return;
  }
  for (const auto& [id, entry] : subscribers_) {
    entry.subscriber->on_durable(durable_);
  }
  if (on_committed_) {
    on_committed_(id_);
  }
}

rt::Co<void> OpenDocument::compact(Bytes snapshot) {
  const auto upto = last_seq_;
  tail_ = {};
  const auto id = id_;
  const auto job = [id, upto, &snapshot](store::Database& database) {
    return store::Documents(database).compact(id, snapshot, upto);
  };
  const auto compacted = co_await store_.write(job, snapshot.size());
  if (!compacted) {
    // The log is whole without the snapshot; the next time it is due it is tried again.
    log::write(log::Level::warning, "sync", "could not compact a document",
               {{"document", std::string_view(id_.to_text())},
                {"error", std::string_view(compacted.error().message())}});
    co_return;
  }
  co_await consolidate_envelopes(snapshot, k_small_envelopes_min);
}

rt::Co<void> OpenDocument::consolidate_envelopes(BytesView snapshot, std::size_t small_min) {
  if (!authorship_.signing()) {
    co_return;
  }
  const auto id = id_;
  const auto job = [id, snapshot, small_min, key = key_](store::Database& database) {
    return consolidate(database, id, *key, snapshot, small_min);
  };
  if (const auto done = co_await store_.write(job); !done) {
    log::write(log::Level::warning, "sync", "could not put signed updates together",
               {{"document", std::string_view(id_.to_text())},
                {"error", std::string_view(done.error().message())}});
  }
}

void OpenDocument::break_down(const Error& error) {
  log::write(log::Level::error, "sync", "could not write a document",
             {{"document", std::string_view(id_.to_text())},
              {"error", std::string_view(error.message())}});
  broken_ = error;
  queue_.clear();
  queued_bytes_ = 0;
  wake_waiters();
  end(Reason::internal, "the node could not write to its disk");
}

void OpenDocument::wake_waiters() {
  progress_.set();
  progress_.reset();
}

void OpenDocument::relay_awareness(const std::vector<crdt::ClientId>& clients, SubscriberId from) {
  if (clients.empty()) {
    return;
  }
  const auto update = awareness_.encode(clients);
  for (const auto& [id, entry] : subscribers_) {
    if (id != from) {
      entry.subscriber->on_awareness(update);
    }
  }
}

std::uint64_t OpenDocument::now_ms() const {
  const auto now = tasks_.loop().clock().now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace vivim::sync
