#include "vivim/sync/document_hub.hpp"

#include <algorithm>
#include <chrono>

#include "vivim/base/assert.hpp"

namespace vivim::sync {

namespace {

constexpr auto k_awareness_check = std::chrono::seconds(3);

}  // namespace

DocumentLease& DocumentLease::operator=(DocumentLease&& other) noexcept {
  if (this != &other) {
    release();
    hub_ = std::exchange(other.hub_, nullptr);
    document_ = std::exchange(other.document_, nullptr);
  }
  return *this;
}

void DocumentLease::release() {
  if (auto* hub = std::exchange(hub_, nullptr)) {
    hub->release(*std::exchange(document_, nullptr));
  }
}

DocumentHub::DocumentHub(rt::Loop& loop, store::Store& store, rt::Rng& rng, HubOptions options,
                         std::optional<multiformats::PrivateKey> key)
    : loop_(loop),
      store_(store),
      rng_(rng),
      options_(std::move(options)),
      key_(std::move(key)),
      residents_(options.trees_bytes_max),
      awareness_timer_(loop.make_timer()),
      released_(loop),
      tasks_(loop) {
  tasks_.on_stop([this] { awareness_timer_->cancel(); });
  tasks_.spawn("awareness", expire_awareness());
}

DocumentHub::~DocumentHub() = default;

rt::Co<Result<DocumentLease>> DocumentHub::open(store::DocumentId id) {
  if (tasks_.stopping()) {
    co_return fail(SyncError::stopped);
  }
  residents_.trim();  // who awaits holds no document
  const auto at = documents_.find(id);
  if (at == documents_.end()) {
    co_return co_await load(id);
  }
  if (at->second->document->broken()) {
    retire(at);
    co_return co_await load(id);
  }
  if (at->second->ready) {
    co_return lease(*at->second);
  }
  // Somebody else is loading it. The slot may be gone when we wake, so look it up again.
  co_await at->second->loaded->wait();
  co_return co_await open(id);
}

rt::Co<Result<DocumentLease>> DocumentHub::load(store::DocumentId id) {
  if (documents_.size() - idle_.size() >= options_.leased_max) {
    co_return fail(SyncError::too_many_documents, options_.leased_max);
  }
  auto owned = std::make_unique<Slot>();
  auto& slot = *owned;
  slot.loaded = std::make_unique<rt::Event>(loop_);
  slot.document = std::make_unique<OpenDocument>(id, rng_.below(crdt::k_number_max),
                                                 DocumentContext{.tasks = tasks_,
                                                                 .store = store_,
                                                                 .residents = residents_,
                                                                 .key = key_ ? &*key_ : nullptr,
                                                                 .refused = refused_,
                                                                 .compaction = options_.compaction,
                                                                 .common = options_.common});
  slot.leases = 1;  // keeps the slot while it loads
  documents_.emplace(id, std::move(owned));
  const auto loaded = co_await slot.document->load();
  slot.loaded->set();
  slot.leases = 0;
  const auto at = documents_.find(id);
  const bool evicted = at == documents_.end() || at->second.get() != &slot;
  if (evicted) {
    std::erase_if(retired_, [&](const auto& retired) { return retired.get() == &slot; });
    co_return fail(SyncError::no_document);
  }
  if (!loaded) {
    const auto error = loaded.error();
    documents_.erase(at);
    co_return fail(error);
  }
  slot.document->on_committed([this](const store::DocumentId& changed) {
    for (const auto& observer : observers_) {
      observer(changed);
    }
  });
  slot.ready = true;
  slot.idle = idle_.insert(idle_.end(), id);
  co_return lease(slot);
}

Result<DocumentLease> DocumentHub::lease(Slot& slot) {
  if (slot.leases == 0 && documents_.size() - idle_.size() >= options_.leased_max) {
    return fail(SyncError::too_many_documents, options_.leased_max);
  }
  return hold(slot);
}

DocumentLease DocumentHub::hold(Slot& slot) {
  if (slot.leases++ == 0) {
    idle_.erase(slot.idle);
  }
  return DocumentLease(*this, *slot.document);
}

void DocumentHub::release(OpenDocument& document) {
  released_.set();
  released_.reset();
  const auto at = documents_.find(document.id());
  if (at != documents_.end() && at->second->document.get() == &document) {
    auto& slot = *at->second;
    if (--slot.leases == 0) {
      slot.idle = idle_.insert(idle_.end(), document.id());
      trim_idle();
    }
    return;
  }
  for (auto& retired : retired_) {
    if (retired->document.get() == &document) {
      --retired->leases;
    }
  }
  std::erase_if(retired_, [](const auto& retired) {
    return retired->leases == 0 && !retired->document->busy();
  });
}

void DocumentHub::trim_idle() {
  auto oldest = idle_.begin();
  while (idle_.size() > options_.idle_max && oldest != idle_.end()) {
    const auto at = documents_.find(*oldest);
    VIVIM_ASSERT(at != documents_.end());
    ++oldest;
    if (!at->second->document->busy()) {
      idle_.erase(at->second->idle);
      documents_.erase(at);
    }
  }
}

void DocumentHub::retire(Slots::iterator at) {
  auto slot = std::move(at->second);
  documents_.erase(at);
  if (slot->ready && slot->leases == 0) {
    idle_.erase(slot->idle);
  }
  if (slot->leases > 0 || slot->document->busy()) {
    retired_.push_back(std::move(slot));
  }
}

OpenDocument* DocumentHub::find(const store::DocumentId& id) {
  const auto at = documents_.find(id);
  return at == documents_.end() || !at->second->ready ? nullptr : at->second->document.get();
}

void DocumentHub::evict(const store::DocumentId& id, Reason reason, std::string_view detail) {
  const auto at = documents_.find(id);
  if (at == documents_.end()) {
    return;
  }
  auto& document = *at->second->document;
  retire(at);
  // The slot is alive while it has leases; without any it has no subscribers either.
  for (const auto& retired : retired_) {
    if (retired->document.get() == &document) {
      document.end(reason, detail);
      break;
    }
  }
}

rt::Co<void> DocumentHub::expire_awareness() {
  while (!tasks_.stopping()) {
    awareness_timer_->expire_at(loop_.clock().now() + k_awareness_check);
    if (!co_await awareness_timer_->wait()) {
      co_return;
    }
    for (const auto& [id, slot] : documents_) {
      slot->document->expire_awareness();
      slot->document->go_on();
    }
    residents_.trim();
    std::erase_if(retired_, [](const auto& retired) {
      return retired->leases == 0 && !retired->document->busy();
    });
  }
}

rt::Co<void> DocumentHub::stop() {
  std::vector<store::DocumentId> ending;
  for (const auto& [id, slot] : documents_) {
    ending.push_back(id);
  }
  // While one is flushed, others are let go of, and go.
  for (const auto& id : ending) {
    const auto at = documents_.find(id);
    if (at != documents_.end() && at->second->ready) {
      const auto held = hold(*at->second);
      held->end(Reason::shutting_down, "the node stops");
      (void)co_await held->flush();
    }
  }
  co_await tasks_.stop();
  while (leased()) {
    co_await released_.wait();
  }
}

bool DocumentHub::leased() const {
  return idle_.size() < documents_.size() ||
         std::ranges::any_of(retired_, [](const auto& retired) { return retired->leases > 0; });
}

}  // namespace vivim::sync
