// The blocks that a document refers to (attachments, verbatim sources), between two peers that both
// have it open.
#include <algorithm>
#include <chrono>
#include <utility>

#include "vivim/base/log.hpp"
#include "vivim/store/blobs.hpp"
#include "vivim/store/packer.hpp"
#include "vivim/sync/peers/peer_link_detail.hpp"

namespace vivim::sync {

namespace {

constexpr auto k_block_check = std::chrono::seconds(1);

/// A frame has room for this much of a block beside its header.
constexpr std::size_t k_block_bytes_max = k_frame_bytes_max - 1024;

/// The block, if the document refers to it: a share of one document opens no other's blocks.
Result<Bytes> read_block(store::Database& database, const store::DocumentId& document,
                         const store::BlobId& blob) {
  store::Blobs blobs(database);
  VIVIM_TRY(const auto linked, blobs.linked(document, blob));
  if (!linked) {
    return fail(SyncError::refused);
  }
  VIVIM_TRY(const auto size, blobs.size(blob));
  if (size > k_block_bytes_max) {
    return fail(SyncError::frame_too_large, size);
  }
  return blobs.get(blob);
}

/// Which of `wanted` are not here; those that are get linked, so that the document keeps them.
Result<std::vector<store::BlobId>> link_or_miss(store::Database& database,
                                                const store::DocumentId& document,
                                                const std::vector<store::BlobId>& wanted) {
  store::Blobs blobs(database);
  std::vector<store::BlobId> missing;
  for (const auto& blob : wanted) {
    VIVIM_TRY(const auto linked, blobs.linked(document, blob));
    if (linked) {
      continue;
    }
    VIVIM_TRY(const auto here, blobs.has(blob));
    if (here) {
      VIVIM_TRYV(blobs.link(document, blob));
    } else {
      missing.push_back(blob);
    }
  }
  return missing;
}

}  // namespace

rt::Co<void> PeerLink::handle(BlocksWanted event) {
  const auto at = channels_.find(event.channel);
  if (at == channels_.end()) {
    co_return;
  }
  auto& wants = at->second->wants;
  if (wants.size() + event.blobs.size() > k_want_blocks_max) {
    drop(event.channel, Reason::limit, "too many blocks asked for at once");
    co_return;
  }
  wants.insert(wants.end(), event.blobs.begin(), event.blobs.end());
  ask(event.channel);
}

rt::Co<void> PeerLink::answer_wants(ChannelId id) {
  const auto asked = channels_.find(id);
  if (asked == channels_.end()) {
    co_return;
  }
  for (const auto& blob : std::exchange(asked->second->wants, {})) {
    const auto at = channels_.find(id);
    if (at == channels_.end() || ending_) {
      co_return;
    }
    const auto document = at->second->document().id();
    const auto block = co_await context_.store.read([document, blob](store::Database& database) {
      return read_block(database, document, blob);
    });
    session_.send_block(id, blob, block ? std::optional<BytesView>(*block) : std::nullopt);
    flush();
    co_await output_room();
  }
}

rt::Co<void> PeerLink::handle(BlockReceived event) {
  const auto at = channels_.find(event.channel);
  if (at == channels_.end() || at->second->wanted.erase(event.blob) == 0) {
    co_return;
  }
  at->second->blocks_dirty = at->second->wanted.empty();
  if (!event.bytes) {
    at->second->unavailable.insert(event.blob);
    co_return;
  }
  if (store::BlobId::of(*event.bytes) != event.blob) {
    drop(event.channel, Reason::malformed, "a block does not have the hash that it was asked by");
    co_return;
  }
  const auto document = at->second->document().id();
  const auto job = [document, &event](store::Database& database) {
    store::Packer packer;
    return store::Blobs(database).put(store::pack_blob(packer, *event.bytes), document);
  };
  const auto stored = co_await context_.store.write(job, event.bytes->size());
  if (!stored) {
    log::write(log::Level::warning, "sync", "could not store a block",
               {{"error", std::string_view(stored.error().message())}});
  }
}

rt::Co<void> PeerLink::fetch_blocks() {
  while (!ending_) {
    block_timer_->expire_at(context_.loop.clock().now() + k_block_check);
    if (!co_await block_timer_->wait()) {
      co_return;
    }
    std::vector<ChannelId> dirty;
    for (const auto& [id, channel] : channels_) {
      if (channel->blocks_dirty && channel->wanted.empty()) {
        dirty.push_back(id);
      }
    }
    for (const auto id : dirty) {
      co_await want_missing(id);
    }
  }
}

rt::Co<void> PeerLink::want_missing(ChannelId id) {
  const auto at = channels_.find(id);
  if (at == channels_.end() || !context_.blobs_of) {
    co_return;
  }
  at->second->blocks_dirty = false;
  const auto document = at->second->document().id();
  const auto refers = context_.blobs_of(at->second->document().doc());
  const auto job = [document, &refers](store::Database& database) {
    return link_or_miss(database, document, refers);
  };
  const auto missing = co_await context_.store.write(job);
  const auto again = channels_.find(id);
  if (!missing || again == channels_.end()) {
    co_return;
  }
  std::vector<store::BlobId> ask;
  for (const auto& blob : *missing) {
    if (ask.size() < context_.limits.blocks_outstanding_max &&
        !again->second->unavailable.contains(blob)) {
      ask.push_back(blob);
    }
  }
  if (!ask.empty()) {
    again->second->wanted.insert(ask.begin(), ask.end());
    session_.send_want(id, std::move(ask));
    flush();
  }
}

}  // namespace vivim::sync
