#include "vivim/sync/open_document.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "vivim/base/assert.hpp"
#include "vivim/base/log.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/store/search.hpp"

namespace vivim::sync {

OpenDocument::OpenDocument(store::DocumentId id, crdt::ClientId client, rt::TaskGroup& tasks,
                           store::Store& store, crdt::ResidentDocs& residents)
    : id_(id),
      tasks_(tasks),
      store_(store),
      doc_(client, {}, &residents),
      progress_(tasks.loop()) {}

OpenDocument::~OpenDocument() {
  VIVIM_ASSERT(!writing_);
}

rt::Co<Result<void>> OpenDocument::load() {
  const auto id = id_;
  VIVIM_CO_TRY(auto log, co_await store_.read([id](store::Database& database) {
    return store::Documents(database).load(id);
  }));
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
  co_return Result<void>{};
}

// load() has read every byte, so what is wrong with them later is our fault.
crdt::Doc& OpenDocument::doc() {
  const auto doc = doc_.doc();
  VIVIM_ASSERT(doc.has_value());
  return **doc;
}

Result<SubscriberId> OpenDocument::subscribe(Subscriber& subscriber) {
  if (subscribers_.size() >= k_subscribers_max) {
    return fail(SyncError::too_many_subscribers, k_subscribers_max);
  }
  const SubscriberId id{next_subscriber_++};
  subscribers_.emplace(id, Entry{.subscriber = &subscriber, .clients = {}});
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

Result<void> OpenDocument::receive(SubscriberId from, BytesView update) {
  if (broken_) {
    return fail(*broken_);
  }
  VIVIM_TRY(const bool may, permitted({.from = from}, update));
  if (!may) {
    return {};
  }
  VIVIM_TRY(auto news, doc_.apply(update, crdt::Origin{std::to_underlying(from)}));
  report_equivocations();
  enqueue(std::move(news), from);
  return {};
}

Result<void> OpenDocument::receive_signed(SubscriberId from, BytesView envelope) {
  if (broken_) {
    return fail(*broken_);
  }
  VIVIM_TRY(const auto opened, crdt::open_envelope(id_.view(), envelope));
  VIVIM_TRY(const bool may, permitted({.from = from, .author = &opened.key}, opened.update));
  if (!may) {
    return {};
  }
  VIVIM_TRY(auto news, doc_.apply(opened.update, crdt::Origin{std::to_underlying(from)}));
  report_equivocations();
  enqueue(std::move(news), from, envelope);
  return {};
}

// Asks before anything of the update is integrated.
Result<bool> OpenDocument::permitted(const UpdateSource& source, BytesView update) {
  if (!policy_) {
    return true;
  }
  VIVIM_TRY(const auto effects, crdt::effects_of(doc(), update));
  if (effects.empty() || policy_(source, effects)) {
    return true;
  }
  if (const auto at = subscribers_.find(source.from); at != subscribers_.end()) {
    at->second.subscriber->on_denied(Error(SyncError::not_permitted).message());
  }
  return false;
}

void OpenDocument::report_equivocations() {
  for (const auto& found : doc_.take_equivocations()) {
    ++equivocations_;
    log::write(
        log::Level::warning, "sync", "a client wrote two things under one id",
        {{"document", std::string_view(id_.to_text())},
         {"client", crdt::value_of(found.client)},
         {"clock", found.clocks.from},
         {"from", found.from.id},
         {"kept_from", found.kept_from.id},
         {"kept", std::string_view(to_hex(
                      BytesView(found.kept).first(std::min<std::size_t>(found.kept.size(), 256))))},
         {"refused",
          std::string_view(to_hex(
              BytesView(found.refused).first(std::min<std::size_t>(found.refused.size(), 256))))}});
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
      enqueue(std::move(*news), SubscriberId{0});
    }
  }
}

rt::Co<Result<void>> OpenDocument::edit(std::function<void(crdt::Doc&)> body) {
  if (broken_) {
    co_return fail(*broken_);
  }
  VIVIM_CO_TRY(auto news, doc_.edit(body));
  enqueue(std::move(news), SubscriberId{0});
  co_return co_await flush();
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

void OpenDocument::enqueue(std::vector<Bytes> updates, SubscriberId from, BytesView envelope) {
  for (auto& update : updates) {
    queued_bytes_ += update.size();
    ++queued_count_;
    queue_.push_back({.update = std::move(update), .from = from, .envelope = to_bytes(envelope)});
    envelope = {};  // with the first of them
  }
  if (!updates.empty()) {
    start_writing();
  }
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
    deliver(std::move(batch));
    wake_waiters();
    co_await compact_if_due();
  }
  writing_ = false;
}

OpenDocument::Batch OpenDocument::take_batch() {
  const auto state = doc_.state_vector();
  VIVIM_ASSERT(state.has_value());
  Batch batch{.updates = std::exchange(queue_, {}),
              .answers = {},
              .state_vector = crdt::encode_state_vector(*state)};
  // The answers hold nothing that this batch does not put on disk: later edits are not in the
  // document yet.
  for (const auto& [to, state_vector] : std::exchange(step_ones_, {})) {
    if (auto update = doc_.encode(state_vector)) {
      batch.answers.push_back({.to = to, .update = std::move(*update)});
    }
  }
  return batch;
}

rt::Co<Result<void>> OpenDocument::append(const std::vector<Queued>& updates) {
  std::size_t bytes = 0;
  for (const auto& queued : updates) {
    bytes += queued.update.size();
  }
  const auto id = id_;
  const auto job = [id, &updates](store::Database& database) -> Result<std::uint64_t> {
    store::Documents documents(database);
    std::uint64_t seq = 0;
    for (const auto& queued : updates) {
      VIVIM_TRY(seq, documents.append_update(id, queued.update));
    }
    // In the same transaction, so that a kill cannot leave the index behind for good.
    VIVIM_TRYV(store::Search(database).enqueue(id));
    return seq;
  };
  VIVIM_CO_TRY(last_seq_, co_await store_.write(job, bytes));
  tail_.updates += updates.size();
  tail_.bytes += bytes;
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
        if (!queued.envelope.empty()) {
          entry.subscriber->on_signed(queued.envelope);
        }
        entry.subscriber->on_update(queued.update);
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

rt::Co<void> OpenDocument::compact_if_due() {
  if (!store::CompactionPolicy{}.due(tail_)) {
    co_return;
  }
  VIVIM_ASSERT(doc_.compact());
  const auto snapshot = doc_.encode().value_or(Bytes());
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
