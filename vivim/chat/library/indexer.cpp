#include "vivim/chat/library/indexer.hpp"

#include "vivim/base/log.hpp"
#include "vivim/chat/document.hpp"
#include "vivim/chat/library/rows.hpp"
#include "vivim/crdt/update.hpp"
#include "vivim/store/conversations.hpp"
#include "vivim/store/documents.hpp"
#include "vivim/store/search.hpp"

namespace vivim::chat {

namespace {

struct Loaded {
  store::DocumentId id;
  store::DocumentLog log;
};

struct Indexed {
  std::vector<store::IndexedDocument> documents;
  std::vector<store::ConversationRow> rows;
  std::vector<store::DocumentId> broken;
};

std::size_t log_bytes(const store::DocumentLog& log) {
  std::size_t bytes = log.snapshot ? log.snapshot->size() : 0;
  for (const auto& update : log.updates) {
    bytes += update.bytes.size();
  }
  return bytes;
}

/// The next documents of the queue with what is on the disk of them.
Result<std::vector<Loaded>> load_queued(store::Database& database, const IndexerOptions& options) {
  VIVIM_TRY(const auto ids, store::Search(database).queued(options.documents_max));
  std::vector<Loaded> loaded;
  std::size_t bytes = 0;
  for (const auto& id : ids) {
    auto log = store::Documents(database).load(id);
    loaded.push_back({.id = id, .log = log ? std::move(*log) : store::DocumentLog{}});
    bytes += log_bytes(loaded.back().log);
    if (bytes >= options.bytes_max) {
      break;
    }
  }
  return loaded;
}

bool apply_log(crdt::Doc& doc, const store::DocumentLog& log) {
  if (log.snapshot && !crdt::apply_update(doc, *log.snapshot)) {
    return false;
  }
  for (const auto& update : log.updates) {
    if (!crdt::apply_update(doc, update.bytes)) {
      return false;
    }
  }
  return true;
}

/// Reads the documents. For a worker.
Indexed read_documents(const std::vector<Loaded>& loaded, rt::WallMs now) {
  Indexed indexed;
  for (const auto& [id, log] : loaded) {
    crdt::Doc doc(crdt::ClientId{1});
    if (!apply_log(doc, log)) {
      indexed.broken.push_back(id);
      continue;
    }
    const auto conversation = from_document(doc);
    auto row = row_of(conversation, id, now);
    indexed.documents.push_back(indexed_of(conversation, id, row.updated));
    indexed.rows.push_back(std::move(row));
  }
  return indexed;
}

Result<void> write_indexed(store::Database& database, Indexed& indexed) {
  store::Conversations conversations(database);
  VIVIM_TRYV(store::Search(database).replace(indexed.documents));
  for (auto& row : indexed.rows) {
    if (const auto known = conversations.get(row.id)) {
      row.flags = known->flags;
      if (row.title.empty() && row.turns == 0) {
        row.title = known->title;  // joined, and still to come: the ticket's title
      }
    }
    auto put = conversations.put(row);
    if (!put && put.error().is(store::StoreError::exists)) {
      // Joined from somebody, and imported here as well: listed twice, but only the import is what
      // a newer export adds to.
      row.original_id.reset();
      put = conversations.put(row);
    }
    if (!put && !put.error().is(store::StoreError::not_found)) {  // else removed in the meantime
      return put;
    }
  }
  for (const auto& id : indexed.broken) {
    VIVIM_TRYV(store::Search(database).dequeue(id));
  }
  return {};
}

}  // namespace

Indexer::Indexer(rt::Loop& loop, store::Store& store, rt::Worker& worker, IndexerOptions options)
    : loop_(loop),
      store_(store),
      worker_(worker),
      options_(options),
      work_(loop),
      timer_(loop.make_timer()) {
  work_.set();  // what was queued before the last stop
}

void Indexer::stop() {
  stopping_ = true;
  timer_->cancel();
  work_.set();
}

void Indexer::resume() {
  paused_ = false;
  work_.set();
}

void Indexer::note_changed(const store::DocumentId& id) {
  changed_.insert(id);
  work_.set();
}

rt::Co<Result<void>> Indexer::queue_changed() {
  const auto changed = std::exchange(changed_, {});
  if (changed.empty()) {
    co_return Result<void>();
  }
  announced_.insert(changed.begin(), changed.end());
  co_return co_await store_.write([&changed](store::Database& database) -> Result<void> {
    for (const auto& id : changed) {
      const auto queued = store::Search(database).enqueue(id);
      if (!queued && !queued.error().is(store::StoreError::not_found)) {
        return queued;
      }
    }
    return {};
  });
}

rt::Co<Result<bool>> Indexer::step() {
  VIVIM_CO_TRYV(co_await queue_changed());
  const auto options = options_;
  VIVIM_CO_TRY(const auto loaded, co_await store_.read([&options](store::Database& database) {
    return load_queued(database, options);
  }));
  if (loaded.empty()) {
    co_return false;
  }
  const auto now = loop_.clock().wall_now_ms();
  auto indexed = co_await worker_.run([&loaded, now] { return read_documents(loaded, now); });
  for (const auto& id : indexed.broken) {
    log::write(log::Level::error, "index", "a document cannot be read", {{"id", id.to_text()}});
  }
  VIVIM_CO_TRYV(co_await store_.write(
      [&indexed](store::Database& database) { return write_indexed(database, indexed); }));
  std::vector<store::DocumentId> done(indexed.broken);
  for (const auto& row : indexed.rows) {
    done.push_back(row.id);
  }
  tell_indexed(done);
  VIVIM_CO_TRY(const auto pending, co_await store_.read([](store::Database& database) {
    return store::Search(database).pending();
  }));
  if (on_progress) {
    on_progress(pending);
  }
  co_return true;
}

void Indexer::tell_indexed(const std::vector<store::DocumentId>& ids) {
  for (const auto& id : ids) {
    if (announced_.erase(id) > 0 && on_indexed) {
      on_indexed(id);
    }
  }
}

rt::Co<void> Indexer::settle() {
  if (!changed_.empty() && !stopping_) {
    timer_->expire_at(loop_.clock().now() + options_.settle);
    co_await timer_->wait();
  }
}

rt::Co<void> Indexer::run() {
  while (true) {
    co_await work_.wait();
    if (stopping_) {
      break;
    }
    work_.reset();
    co_await settle();
    while (!paused_ && !stopping_) {
      const auto more = co_await step();
      if (!more) {
        // What is queued stays so; the next change tries again, when the disk may have room.
        log::write(log::Level::error, "index", "could not index",
                   {{"error", more.error().message()}});
        break;
      }
      if (!*more) {
        break;
      }
    }
  }
  // what changed and was not looked at yet is indexed after the next start
  if (const auto queued = co_await queue_changed(); !queued) {
    log::write(log::Level::error, "index", "what changed last could not be queued",
               {{"error", queued.error().message()}});
  }
}

}  // namespace vivim::chat
